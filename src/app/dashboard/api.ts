/** The requests and event streams by which the dashboard gets the runs of the server. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Given } from "../../config/form.ts";
import { messageOf } from "../../errors.ts";
import type { JudgedSamples } from "../../inference/judge.ts";
import type { WatchEvents } from "../../server/events.ts";
import type { RunDetail, RunSummary } from "../../server/runs.ts";
import { ask, askJson, runPath } from "../homes/server.ts";
import { forgetDrawing } from "../studio/kept.ts";

export type { RunDetail, RunSummary } from "../../server/runs.ts";

/** Losses in buckets of steps; see `GET /api/runs/:name/losses`. */
export type Losses = Pick<WatchEvents["losses"], "steps" | "epochs" | "series">;

/** Buckets of a curve: about one for each pixel of a wide screen. */
const points = 800;
/** A curve with more values than this is requested again in `points` buckets. */
const mostPoints = 2 * points;

const lossesOf = (name: string): Promise<Losses> => askJson(`${runPath(name)}/losses?points=${points}`);
const detailOf = (name: string): Promise<RunDetail> => askJson(runPath(name));
export const fileOf = (name: string, file: string): string =>
  `${runPath(name)}/files/${file.split("/").map(encodeURIComponent).join("/")}`;

/** The maps of the run's discriminator on a sample. @throws UserError where the run has no stored discriminator */
export const patchesOf = (name: string, sample: string): Promise<JudgedSamples> =>
  askJson(`${runPath(name)}/patches?${new URLSearchParams({ sample })}`);

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

/** All runs, kept up to date while the page is shown. */
export function useRuns(shown: boolean): { runs: readonly RunSummary[] | undefined; error: string | undefined } {
  const [runs, setRuns] = useState<readonly RunSummary[]>();
  const [error, setError] = useState<string>();
  useEffect(() => {
    if (!shown) return;
    const load = () =>
      askJson<RunSummary[]>("api/runs").then(
        (all) => {
          setRuns(all);
          setError(undefined);
        },
        (thrown) => setError(messageOf(thrown)),
      );
    const events = new EventSource("api/events");
    events.addEventListener("runs", () => void load());
    events.addEventListener("run", ({ data }) => {
      const run = JSON.parse(data) as RunSummary;
      setRuns((all) => all?.map((each) => (each.name === run.name ? run : each)));
    });
    events.addEventListener("error", () => void load());
    void load();
    return () => events.close();
  }, [shown]);
  return { runs, error };
}

/** A run with its losses, kept up to date. */
export interface WatchedRun {
  detail: RunDetail;
  losses: Losses;
}

/** Those of the named runs that have been loaded, with their losses. */
export function useWatched(names: readonly string[]): { watched: readonly WatchedRun[]; error: string | undefined } {
  const [found, setFound] = useState<ReadonlyMap<string, WatchedRun>>(new Map());
  const [error, setError] = useState<string>();
  const key = JSON.stringify(names);
  const latest = useRef(found);
  latest.current = found;
  useEffect(() => {
    let open = true;
    const put = (name: string, run: WatchedRun) => setFound((all) => new Map(all).set(name, run));
    const load = async (name: string) => {
      const [detail, losses] = await Promise.all([detailOf(name), lossesOf(name)]);
      if (open) put(name, { detail, losses });
    };
    const tryLoad = (name: string) => load(name).catch((thrown) => open && setError(messageOf(thrown)));
    setError(undefined);
    for (const name of names) if (!latest.current.has(name)) void tryLoad(name);
    if (names.length === 0) return;
    const events = new EventSource(`api/events?${new URLSearchParams(names.map((name) => ["run", name]))}`);
    const reload = (name: string) => void tryLoad(name);
    events.addEventListener("open", () => names.forEach(reload));
    events.addEventListener("reset", ({ data }) => reload((JSON.parse(data) as WatchEvents["reset"]).name));
    events.addEventListener("run", ({ data }) => {
      const summary = JSON.parse(data) as RunSummary;
      const known = latest.current.get(summary.name);
      if (!known) return;
      // The event has no samples, scores and weights: they come with the whole run.
      const more = known.detail.sample?.file !== summary.sample?.file || known.detail.state !== summary.state;
      if (more) reload(summary.name);
      else put(summary.name, { ...known, detail: { ...known.detail, ...summary } });
    });
    events.addEventListener("losses", ({ data }) => {
      const { name, ...fresh } = JSON.parse(data) as WatchEvents["losses"];
      const known = latest.current.get(name);
      if (!known) return;
      const losses = appended(known.losses, fresh);
      if (losses.steps.length > mostPoints) reload(name);
      else put(name, { ...known, losses });
    });
    return () => {
      open = false;
      events.close();
    };
  }, [key]);
  return { watched: names.flatMap((name) => found.get(name) ?? []), error };
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
