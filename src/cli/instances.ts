/** The instance maps of the pictures that `translate` takes, for runs of --input-instances. */
import { stat } from "node:fs/promises";
import { basename, relative } from "node:path";
import type { Config } from "../config/schema.ts";
import { partners } from "../data/instances.ts";
import { refuseLossyMap } from "../data/label-maps.ts";
import { classNumbers, withInstances } from "../data/labels.ts";
import { joinPath, listAll, stemOf } from "../data/listing.ts";
import { ConfigError, UserError } from "../errors.ts";
import { files } from "../node/files.ts";
import type { DeepPicture, Images } from "../platform.ts";
import { visible } from "../text.ts";
import type { Job } from "./pictures.ts";

/** From the file of a picture to the file of its instance map. */
export type InstanceMaps = ReadonlyMap<string, string>;

/**
 * @returns undefined for a run that takes no instance maps
 * @throws ConfigError where a run takes them and none are given, or the other way round
 * @throws DatasetError naming pictures without one
 */
export async function instanceMaps(
  { name, inputInstances }: Pick<Config, "name" | "inputInstances">,
  { input, instances }: { input: string; instances?: string | undefined },
  jobs: readonly Job[],
): Promise<InstanceMaps | undefined> {
  if (!inputInstances) {
    if (instances === undefined) return undefined;
    throw new ConfigError(`--instances: the run "${name}" takes no instance maps; leave it out`);
  }
  if (instances === undefined) {
    throw new ConfigError(
      `the run "${name}" takes label maps with instance maps (--input-instances); give their file or folder by --instances`,
    );
  }
  const what = await stat(instances).catch(() => undefined);
  if (!what) throw new UserError(`--instances: there is no file or folder ${visible(instances)}`);
  const single = (await stat(input)).isFile();
  if (!what.isDirectory()) {
    if (single) return new Map([[input, instances]]);
    throw new ConfigError(
      `--instances: --input is a folder, so the folder of its instance maps is expected, got a file`,
    );
  }
  const { pictures } = (await listAll(files, instances))!;
  const stems = jobs.map((job) => stemOf(single ? basename(input) : relative(input, job.input)));
  const paths = partners(stems, pictures, instances);
  return new Map(jobs.map((job, i) => [job.input, joinPath(instances, paths[i]!)]));
}

/** A label map with its instance map, as the generator takes it. @throws UserError for a file that cannot be used */
export async function readWithInstances(
  label: DeepPicture,
  [labelFile, file]: readonly [string, string],
  { inputLabels }: Pick<Config, "inputLabels">,
  images: Images,
): Promise<DeepPicture> {
  const decode = (images.decodeDeep ?? images.decode).bind(images);
  const bytes = await files.read(file);
  await refuseLossyMap(bytes, "instance");
  const objects = await decode(bytes, { alpha: true });
  return withInstances(classNumbers(label, inputLabels!, labelFile), objects, [labelFile, file]);
}
