/** The runs in this browser's storage. The files are looked at once a second while the page is visible. */
import { UserError } from "../../errors.ts";
import { bucketed } from "../../run/follow.ts";
import { configFile } from "../../run/paths.ts";
import type { Run } from "../../run/run.ts";
import { statusFile } from "../../run/status.ts";
import { Runs } from "../../run/summaries.ts";
import { files, isLocked, modifiedAt, stat } from "../../web/files.ts";
import { deleteRun } from "../train/runs.ts";
import { checkpointsDir } from "../train/storage.ts";
import { inPageWords } from "../train/words.ts";
import { type Board, points, type RunSummary, type WatchedRun, type Watcher } from "./board.ts";

/** Milliseconds between two looks. */
const lookAgain = 1000;

const runs = new Runs({ ...files, stat }, checkpointsDir, { isHeld: isLocked });

export const storedBoard: Board = {
  address,
  remove: (name) => inPageWords(deleteRun(name)),
  watchAll: (show, fail) => repeated(lookAtAll(show), fail),
  watch: (names, watcher) => repeated(lookAt(names, watcher), () => {}),
};

/** Works now and once a second while the page is visible, until the returned function is called. */
function repeated(work: () => Promise<void>, fail: (error: unknown) => void): () => void {
  let open = true;
  let timer = 0;
  const turn = async () => {
    if (!document.hidden) await work().catch((error: unknown) => open && fail(error));
    if (open) timer = window.setTimeout(turn, lookAgain);
  };
  void turn();
  return () => {
    open = false;
    clearTimeout(timer);
  };
}

function lookAtAll(show: (all: readonly RunSummary[]) => void): () => Promise<void> {
  const summaryOf = unlessAsBefore(async (run) => {
    const summary = await runs.summary(run);
    if (summary.state !== "damaged") return summary;
    if ((await runs.training(run)).now) throw new UserError(summary.problem!);
    return { ...summary, problem: unreadable };
  });
  let shown = "";
  return async () => {
    const before = shown;
    // After a failure they are shown again.
    shown = "";
    const found = await Promise.all((await runs.names()).map(summaryOf));
    const all = found.filter((summary) => summary !== undefined);
    const text = JSON.stringify(all);
    if (text !== before) show(all);
    shown = text;
  };
}

function lookAt(names: readonly string[], { show, fail, gone }: Watcher): () => Promise<void> {
  const watchedOf = unlessAsBefore(async (run): Promise<WatchedRun> => {
    const detail = await runs.detail(run);
    const log = await runs.losses(run);
    return { detail, losses: bucketed(log.columns, { from: 0, to: log.length, points }) };
  });
  const shown = new Map<string, WatchedRun>();
  return async () => {
    for (const name of names) {
      try {
        const run = await watchedOf(name);
        if (run && run !== shown.get(name)) show(run);
        if (run) shown.set(name, run);
        else if (!(await runs.find(name))) {
          shown.delete(name);
          gone(name);
        }
      } catch {
        shown.delete(name);
        fail(name, new UserError(unreadable));
      }
    }
  };
}

/** What is said of a run with damaged files. The error itself names paths of the storage and options of the command line. */
const unreadable = "Its files are damaged. You can only delete it.";

/** Changes when a training begins and when another run takes the place of this one. */
async function stampOf(run: Run): Promise<string> {
  return (await Promise.all([configFile, statusFile].map((file) => modifiedAt(run.path(file))))).join();
}

/**
 * Reads what is known of a run by its name; again only while the run is trained, once after that, and when another tab has trained
 * or replaced it meanwhile: a hidden page does not look.
 * @returns undefined where there is no such run, and where it cannot be read yet
 */
function unlessAsBefore<T>(read: (run: Run) => Promise<T>): (name: string) => Promise<T | undefined> {
  const known = new Map<string, { training: boolean; stamp: string; found: T }>();
  return async (name) => {
    const run = await runs.find(name);
    if (!run) {
      known.delete(name);
      return undefined;
    }
    const before = known.get(name);
    const [{ now: training }, stamp] = await Promise.all([runs.training(run), stampOf(run)]);
    if (before && !before.training && !training && stamp === before.stamp) return before.found;
    try {
      const found = await read(run);
      known.set(name, { training, stamp, found });
      return found;
    } catch (error) {
      // A worker may be writing the file at this moment: the next look will find it whole.
      if (training) return before?.found;
      throw error;
    }
  };
}

/** Addresses of pictures in memory, by path and time of change, the oldest first. */
const addresses = new Map<string, Promise<string>>();
const mostAddresses = 300;

async function address(name: string, file: string): Promise<string> {
  const path = `${checkpointsDir}/${name}/${file}`;
  const { modified } = await stat(path);
  const key = `${path} ${modified}`;
  const made = addresses.get(key) ?? urlOf(path);
  addresses.delete(key);
  addresses.set(key, made);
  made.catch(() => addresses.delete(key));
  const [oldest] = addresses;
  if (addresses.size > mostAddresses && oldest) {
    addresses.delete(oldest[0]);
    void oldest[1].then(URL.revokeObjectURL);
  }
  return made;
}

async function urlOf(path: string): Promise<string> {
  const bytes = (await files.read(path)) as Uint8Array<ArrayBuffer>;
  return URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
}
