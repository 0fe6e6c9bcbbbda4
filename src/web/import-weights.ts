/** Makes runs of files of weights that a user picked: the same formats as `pix2pix import`. */
import { CheckpointError } from "../errors.ts";
import { descriptionOf } from "../exchange/describe.ts";
import { importRun } from "../exchange/import.ts";
import { slicesOfBlob } from "../formats/slices.ts";
import { isBesideIndex } from "../formats/weights-names.ts";
import type { Files } from "../platform.ts";
import { files, stat } from "./files.ts";
import type { Picked } from "./import.ts";

/** The run to make. */
export interface ImportWeightsOptions {
  name: string;
  checkpointsDir: string;
  /** Options of `train`, as text, for what tensors do not show: direction, noDropout, cropSize and others. */
  given?: Readonly<Record<string, unknown>> | undefined;
}

/** What `Client.importWeights` has found. */
export interface ImportedWeights {
  /** "read off the tensors: netG unet_256, ngf 64, ...". */
  found: string;
  /** The options that the tensors do not show, with the values that were taken; undefined where all were given. */
  assumed: string | undefined;
  /** What the user should know, in sentences. */
  notes: string[];
}

/**
 * Writes a run with the networks of picked files, as the core's `importRun` does. Large files are read by parts.
 * @param picked a generator's file, and a discriminator's if there is one; of a TensorFlow checkpoint the index and the data
 * @throws CheckpointError for files that are no weights, are damaged, or hold no generator
 */
export async function importWeights(
  picked: readonly Picked[],
  options: ImportWeightsOptions,
): Promise<ImportedWeights> {
  const from = picked.map(pathOf).filter((path) => !isBesideIndex(path));
  const [beside] = picked;
  if (beside && from.length === 0) {
    throw new CheckpointError(
      `${pathOf(beside)} has the values of a TensorFlow checkpoint, but not their names. Choose its .index file, too.`,
    );
  }
  const imported = await importRun({ ...options, from }, withPicked(picked));
  const [found = "", assumed] = descriptionOf(imported);
  return { found, assumed, notes: [...imported.notes] };
}

const pathOf = ({ path }: Picked): string => path.slice(path.lastIndexOf("/") + 1);

/** The files of this origin, and the picked ones by their names. */
function withPicked(picked: readonly Picked[]): Files {
  const found = new Map(picked.map((each) => [pathOf(each), slicesOfBlob(each.file)]));
  return {
    ...files,
    exists: async (path) => found.has(path) || files.exists(path),
    list: async (path) => (found.has(path) ? undefined : files.list(path)),
    stat: async (path) => {
      const file = found.get(path);
      return file ? { bytes: file.size, modified: 0 } : stat(path);
    },
    read: async (path) => {
      const file = found.get(path);
      return file ? file.read(0, file.size) : files.read(path);
    },
    readPart: async (path, start, end) => found.get(path)?.read(start, end) ?? files.readPart!(path, start, end),
  };
}
