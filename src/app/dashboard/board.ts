/** The runs as the dashboard gets them, wherever they are: on a server, or in this browser's storage. */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { bucketed } from "../../run/follow.ts";
import type { RunDetail, RunSummary } from "../../run/summaries.ts";
import type { Home } from "../home.ts";

export type { RunDetail, RunSummary } from "../../run/summaries.ts";

/** Losses in buckets of steps; see `bucketed`. */
export type Losses = ReturnType<typeof bucketed>;

/** Buckets of a curve: about one for each pixel of a wide screen. */
export const points = 800;

/** A run with its losses. */
export interface WatchedRun {
  detail: RunDetail;
  losses: Losses;
}

/** What is told of watched runs. */
export interface Watcher {
  show(run: WatchedRun): void;
  /** The run cannot be read now; it may be later. */
  fail(name: string, error: unknown): void;
  /** There is no such run, or none any more. It may come back. */
  gone(name: string): void;
}

/** Where the dashboard's runs come from. */
export interface Board {
  /** An address from which a file of a run can be loaded. */
  address(name: string, file: string): string | Promise<string>;
  /** Deletes a run, with the drawing that the studio keeps for it. @throws UserError for one that is being trained */
  remove(name: string): Promise<void>;
  /** Shows all runs now, and again whenever one of them changes, until the returned function is called. */
  watchAll(show: (runs: readonly RunSummary[]) => void, fail: (error: unknown) => void): () => void;
  /** Shows each of these runs now, and again whenever it changes, until the returned function is called. */
  watch(names: readonly string[], watcher: Watcher): () => void;
}

/** What all parts of the dashboard know. */
export interface Dashboard {
  home: Home;
  board: Board;
}

export const DashboardContext = createContext<Dashboard | undefined>(undefined);

export const useDashboard = (): Dashboard => useContext(DashboardContext)!;

/**
 * The address of a file of a run; until it is known, the one before. It is asked for again whenever the run has changed: another
 * run may have taken its name, with a file of the same name.
 */
export function useAddress(run: Pick<RunSummary, "name">, file: string): string | undefined {
  const { name } = run;
  const { board } = useDashboard();
  const [address, set] = useState<string>();
  useEffect(() => {
    let wanted = true;
    Promise.resolve(board.address(name, file)).then(
      (found) => wanted && set(found),
      () => {},
    );
    return () => {
      wanted = false;
    };
  }, [board, run, file]);
  return address;
}

interface Found<T> {
  found: T;
  error: unknown;
}

/** All runs, kept up to date while the page is shown; undefined until they are known. */
export function useRuns(board: Board, shown: boolean): Found<readonly RunSummary[] | undefined> {
  const [found, setFound] = useState<readonly RunSummary[]>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    if (!shown) return;
    const show = (runs: readonly RunSummary[]) => {
      setFound(runs);
      setError(undefined);
    };
    return board.watchAll(show, setError);
  }, [board, shown]);
  return { found, error };
}

/** What is known of a named run. */
interface Watched {
  run?: WatchedRun | undefined;
  error?: unknown;
  gone?: boolean;
}

interface FoundRuns {
  /** Those that are known, in the order of the names. */
  found: readonly WatchedRun[];
  /** Why one of them cannot be read. */
  error: unknown;
  /** The names of those that do not exist. */
  gone: readonly string[];
}

/** The named runs, kept up to date while the page is shown. */
export function useWatched(board: Board, names: readonly string[], shown: boolean): FoundRuns {
  const [all, setAll] = useState<ReadonlyMap<string, Watched>>(new Map());
  const key = JSON.stringify(names);
  useEffect(() => {
    if (!shown || names.length === 0) return;
    const put = (name: string, change: (before: Watched) => Watched) =>
      setAll((known) => new Map(known).set(name, change(known.get(name) ?? {})));
    return board.watch(names, {
      show: (run) => put(run.detail.name, () => ({ run })),
      fail: (name, error) => put(name, ({ run }) => ({ run, error })),
      gone: (name) => put(name, () => ({ gone: true })),
    });
  }, [board, key, shown]);
  const known = names.map((name) => all.get(name));
  return {
    found: known.flatMap((each) => each?.run ?? []),
    error: known.find((each) => each?.error !== undefined)?.error,
    gone: names.filter((_, i) => known[i]?.gone),
  };
}
