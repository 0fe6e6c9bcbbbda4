/** Files of trained models that a user picks. */
import { isBesideIndex, isWeightsName } from "../../formats/weights-names.ts";
import { configFile } from "../../run/paths.ts";
import { folderName, freeName } from "./run-names.ts";

export const isProjectName = (name: string): boolean => /\.zip$/i.test(name);

/** Whether a file may be one of a model, by its name. */
export const isModelFile = ({ name }: File): boolean => isProjectName(name) || isWeightsName(name);

/**
 * The name that the run of a project gets: its own, as a folder, because pages list no runs in folders such as a sweep's.
 * @returns undefined where it cannot be read
 */
export async function nameInProject(project: Blob, path: string): Promise<string | undefined> {
  const [{ zipEntries }, { readConfig }] = await Promise.all([
    import("../../formats/zip.ts"),
    import("../../config/schema.ts"),
  ]);
  try {
    const options = (await zipEntries(project, path)).find(({ path }) => path === configFile);
    return options && folderName(readConfig(new TextDecoder().decode(await options.read()), configFile).name);
  } catch {
    return undefined;
  }
}

/** Names that say nothing of what a model does, such as "latest_net_G", or CycleGAN's "latest_net_G_A". */
const plain = /^(latest|best|\d+)?_?(net_?)?(G|D)(_ema|_[AB])?$/i;

/**
 * A name for a run that no other has, from that of the generator's file.
 * @param files the names of the picked files
 * @param taken the names of all runs
 */
export function modelName(files: readonly string[], taken: readonly string[]): string {
  const file = files.find((name) => !isBesideIndex(name)) ?? "";
  const stem = file.replace(/^.*\//, "").replace(/\.[^.]*$/, "");
  return freeName((plain.test(stem) ? "" : folderName(stem)) || "model", taken);
}
