/** The runs of a server: the requests and event streams by which the dashboard gets and controls them. */
import type { Given } from "../../config/form.ts";
import type { WatchEvents } from "../../server/events.ts";
import { ask, askJson, NotThere, runPath } from "../homes/server.ts";
import { forgetDrawing } from "../studio/kept.ts";
import { type Board, type Losses, points, type RunDetail, type RunSummary, type WatchedRun } from "./board.ts";

/** A curve with more values than this is requested again in `points` buckets. */
const mostPoints = 2 * points;

const lossesOf = (name: string): Promise<Losses> => askJson(`${runPath(name)}/losses?points=${points}`);
const detailOf = (name: string): Promise<RunDetail> => askJson(runPath(name));
export const fileOf = (name: string, file: string): string =>
  `${runPath(name)}/files/${file.split("/").map(encodeURIComponent).join("/")}`;

/** Stops, continues or deletes a run; with a run the drawing that the studio keeps for it. */
export async function act(name: string, what: "stop" | "continue" | "delete", more: object = {}): Promise<void> {
  if (what === "delete") {
    await ask(runPath(name), { method: "DELETE" });
    await forgetDrawing(name);
  } else
    await ask(`${runPath(name)}/${what}`, { method: "POST", body: what === "continue" ? JSON.stringify(more) : null });
}

/** Folders that the server offers to train on. */
export const dataFolders = async (): Promise<string[]> => (await askJson<{ folders: string[] }>("api/data")).folders;

/** A started run is requested until the server has it: milliseconds between two requests, and their largest number. */
const lookAgain = 500;
const mostLooks = 120;

/**
 * Starts a run on the server. Resolves when the server has the run, or after a minute.
 * @throws UserError with the server's message
 */
export async function startRun(run: { name: string; dataroot: string; options: Given }): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  await ask("api/runs", { method: "POST", body: JSON.stringify(run), headers });
  for (let i = 0; i < mostLooks; i++) {
    if (await detailOf(run.name).catch(() => undefined)) return;
    await new Promise((resolve) => setTimeout(resolve, lookAgain));
  }
}

export const serverBoard: Board = { address: fileOf, remove: (name) => act(name, "delete"), watchAll, watch };

function watchAll(...[show, fail]: Parameters<Board["watchAll"]>): () => void {
  let runs: readonly RunSummary[] = [];
  const load = () =>
    askJson<RunSummary[]>("api/runs").then((all) => {
      runs = all;
      show(runs);
    }, fail);
  const events = new EventSource("api/events");
  events.addEventListener("runs", () => void load());
  events.addEventListener("run", ({ data }) => {
    const run = JSON.parse(data) as RunSummary;
    runs = runs.map((each) => (each.name === run.name ? run : each));
    show(runs);
  });
  events.addEventListener("error", () => void load());
  void load();
  return () => events.close();
}

function watch(...[names, { show, fail, gone }]: Parameters<Board["watch"]>): () => void {
  let open = true;
  const known = new Map<string, WatchedRun>();
  const put = (run: WatchedRun) => {
    known.set(run.detail.name, run);
    show(run);
  };
  const load = async (name: string) => {
    try {
      const [detail, losses] = await Promise.all([detailOf(name), lossesOf(name)]);
      if (open) put({ detail, losses });
    } catch (error) {
      if (!open) return;
      if (error instanceof NotThere) gone(name);
      else fail(name, error);
    }
  };
  const loadAll = () => names.forEach((name) => void load(name));
  loadAll();
  const events = new EventSource(`api/events?${new URLSearchParams(names.map((name) => ["run", name]))}`);
  events.addEventListener("open", loadAll);
  events.addEventListener("reset", ({ data }) => void load((JSON.parse(data) as WatchEvents["reset"]).name));
  events.addEventListener("run", ({ data }) => {
    const summary = JSON.parse(data) as RunSummary;
    const before = known.get(summary.name);
    if (!before) return;
    // The event has no samples, scores and weights: they come with the whole run.
    const more = before.detail.sample?.file !== summary.sample?.file || before.detail.state !== summary.state;
    if (more) void load(summary.name);
    else put({ ...before, detail: { ...before.detail, ...summary } });
  });
  events.addEventListener("losses", ({ data }) => {
    const { name, ...fresh } = JSON.parse(data) as WatchEvents["losses"];
    const before = known.get(name);
    if (!before) return;
    const losses = appended(before.losses, fresh);
    if (losses.steps.length > mostPoints) void load(name);
    else put({ ...before, losses });
  });
  return () => {
    open = false;
    events.close();
  };
}

/** Appends those of the fresh losses that are later than the last known step. */
function appended(old: Losses, fresh: Losses): Losses {
  const last = old.steps.at(-1) ?? 0;
  const from = fresh.steps.findIndex((step) => step > last);
  if (from < 0) return old;
  const series = Object.fromEntries(
    Object.keys({ ...old.series, ...fresh.series }).map((name) => {
      const pad = (count: number) => new Array<null>(count).fill(null);
      const mean = [
        ...(old.series[name]?.mean ?? pad(old.steps.length)),
        ...(fresh.series[name]?.mean ?? pad(fresh.steps.length)).slice(from),
      ];
      const side = (which: "min" | "max") => [
        ...(old.series[name]?.[which] ?? old.series[name]?.mean ?? pad(old.steps.length)),
        ...(fresh.series[name]?.[which] ?? fresh.series[name]?.mean ?? pad(fresh.steps.length)).slice(from),
      ];
      return [name, { mean, min: side("min"), max: side("max") }];
    }),
  );
  return {
    steps: [...old.steps, ...fresh.steps.slice(from)],
    epochs: [...old.epochs, ...fresh.epochs.slice(from)],
    series,
  };
}
