/** Finds which run the results of a test belong to, and locks them: runs of one name in different folders have one folder of results. */
import { UserError } from "../errors.ts";
import { readText } from "../formats/read-text.ts";
import type { Files } from "../platform.ts";
import { visible } from "../text.ts";
import { lockFile } from "./paths.ts";

/** The scores in a folder of results, results/NAME/PHASE_EPOCH/. */
export const metricsFile = "metrics.json";
/** The parts of a test in a folder of results. */
export const partsFolder = "parts";

/**
 * The run or file of weights that the results in a folder belong to, where it is not `tested`. It is the `source` in metrics.json.
 * @param tested the folder of a run, or a file of weights
 * @param file in the folder, with a `source`. Default: metrics.json
 * @returns undefined where there are no results, where they belong to `tested`, and where their source no longer exists: the run
 *   was moved, and may be `tested`
 */
async function otherSource(
  files: Files,
  folder: string,
  tested: string,
  file = metricsFile,
): Promise<string | undefined> {
  const source = await sourceIn(files, `${folder}/${file}`);
  if (source === undefined || source === tested || !(await files.exists(source))) return undefined;
  const real = async (path: string) => (await files.realPath?.(path).catch(() => undefined)) ?? path;
  return (await real(source)) === (await real(tested)) ? undefined : source;
}

/**
 * The content of metrics.json in a folder of results; undefined where there is none, or one of another source than `tested`.
 * @throws UserError where it is not JSON
 */
export async function metricsOf(files: Files, folder: string, tested: string): Promise<object | undefined> {
  const path = `${folder}/${metricsFile}`;
  if (!(await files.exists(path)) || (await otherSource(files, folder, tested))) return undefined;
  const text = await readText(files, path);
  try {
    return Object(JSON.parse(text));
  } catch {
    throw new UserError(`${visible(path)} is damaged: it is not JSON. Test the run again, or remove the file.`);
  }
}

/**
 * @param part the file of the part that the test will write, if it is a part. All parts in a folder have one source, so one is read
 * @throws UserError for a folder with results, or parts of results, of another source than `tested`, which a test would overwrite
 */
export async function refuseOtherResults(files: Files, folder: string, tested: string, part?: string): Promise<void> {
  const parts = ((await files.list(`${folder}/${partsFolder}`)) ?? []).map(({ name }) => name);
  const one = parts.find((name) => name === part) ?? parts.find((name) => name.endsWith(".json"));
  const other =
    (await otherSource(files, folder, tested)) ??
    (one && (await otherSource(files, folder, tested, `${partsFolder}/${one}`)));
  if (other === undefined) return;
  throw new UserError(
    `${visible(folder)} has the results of ${visible(other)}, and ${visible(tested)} has the same name. To keep both, give ` +
      "another --results-dir; to replace the old ones, remove that folder.",
  );
}

/**
 * Locks a folder of results, so that no other process writes there: for a test of all pairs, and for `test --merge`.
 * @returns releases the lock
 * @throws UserError that names the process that writes there
 */
export async function lockResults(files: Files, folder: string): Promise<() => Promise<void>> {
  const path = await lockFile(files, folder);
  const release = await lock(files, path, `The results in ${visible(folder)} are being written`);
  const entries = (await files.list(`${folder}/${partsFolder}`)) ?? [];
  const locks = entries
    .filter(({ name }) => name.endsWith(partLock))
    .map(({ name }) => `${folder}/${partsFolder}/${name}`);
  return unlessHeld(files, locks, `A part of the test in ${visible(folder)} is being computed`, release);
}

/**
 * Locks one part of a test in a folder of results. Other processes may compute other parts at the same time. The lock of a process on another
 * machine is ignored, because a scheduler may start a killed part again on this one.
 * @param part its name, such as "1-of-4"
 * @returns releases the lock
 * @throws UserError that names the process that does this part on this machine, or that writes all results
 */
export async function lockPart(files: Files, folder: string, part: string): Promise<() => Promise<void>> {
  const path = `${folder}/${partsFolder}/${part}${partLock}`;
  const what = `The part ${part} of the test in ${visible(folder)} is being computed`;
  const isElsewhere = (await files.holder?.(path))?.here === false;
  const release = isElsewhere ? async () => {} : await lock(files, path, what);
  const whole = await lockFile(files, folder);
  return unlessHeld(files, [whole], `The results in ${visible(folder)} are being written`, release);
}

const partLock = ".lock";

const lock = async (files: Files, path: string, what: string): Promise<() => Promise<void>> =>
  (await files.lock?.(path, what)) ?? (async () => {});

/**
 * Checks that no other process holds one of these locks. Each side takes its own lock before it checks the others', so that of two at
 * least one sees the other.
 * @returns `release`
 * @throws UserError that names the holder, after `release`
 */
async function unlessHeld(
  files: Files,
  locks: readonly string[],
  what: string,
  release: () => Promise<void>,
): Promise<() => Promise<void>> {
  try {
    for (const path of locks) {
      const holder = await files.holder?.(path);
      if (!holder) continue;
      throw new UserError(
        `${what} by process ${holder.pid} on ${holder.host}, since ${holder.since}. Wait until it ends or stop it, ` +
          "or give another --results-dir.",
      );
    }
    return release;
  } catch (error) {
    await release();
    throw error;
  }
}

/** Undefined where the file is missing or damaged, and for one of an older version. */
async function sourceIn(files: Files, path: string): Promise<string | undefined> {
  if (!(await files.exists(path))) return undefined;
  try {
    const { source } = JSON.parse(await readText(files, path)) as { source?: unknown };
    return typeof source === "string" ? source : undefined;
  } catch {
    return undefined;
  }
}
