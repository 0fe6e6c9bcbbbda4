/** A trained generator to export: its weights, its options and where they come from. */
import type { Config } from "../config/schema.ts";
import type { StoredTensor } from "../formats/safetensors.ts";
import type { Files } from "../platform.ts";
import { Run, type RunPlace } from "../run/run.ts";
import { weightTensors } from "../run/weights.ts";
import { descriptionOf } from "./describe.ts";
import { loadGenerator } from "./load.ts";

export interface ExportModel {
  /** The name of the run; it names the files. */
  name: string;
  /** The options that the generator was trained with. */
  config: Config;
  /** The generator's weights by their PyTorch names. */
  tensors: Readonly<Record<string, StoredTensor>>;
  /** The file of the weights, for messages. */
  path: string;
  /** The run and the choice of its weights; absent where the weights come from a file alone. */
  run?: { run: Run; epoch: string };
  /** Of weights from a file: what was read off the tensors and what was taken for the rest. */
  notes?: readonly string[];
}

/** The stem of the exported files: the run's name, with dashes in place of slashes, which would make folders. */
export const fileStem = ({ name }: ExportModel): string => name.replaceAll("/", "-");

/**
 * The generator of a run.
 * @throws CheckpointError when the run or its weights do not exist or are damaged
 */
export async function modelOfRun(place: RunPlace, epoch: string, files: Files): Promise<ExportModel> {
  const run = new Run(files, place);
  const config = await run.config();
  return { name: place.name, config, ...(await run.generator(epoch)), run: { run, epoch } };
}

/**
 * The generator of a file of weights, such as a PyTorch .pth.
 * @param given options of the user, as text, for what the tensors do not show
 * @throws CheckpointError for a file that cannot be read or holds no generator
 */
export async function modelOfFile(
  path: string,
  files: Files,
  given: Readonly<Record<string, unknown>>,
): Promise<ExportModel> {
  const loaded = await loadGenerator(path, files, given);
  const { config, state } = loaded;
  const notes = [...loaded.notes, ...descriptionOf(loaded)];
  return { name: config.name, config, tensors: weightTensors(state), path, notes };
}
