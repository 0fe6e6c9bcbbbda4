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

/** Where the dashboard's runs come from. */
export interface Board {
  /** An address from which a file of a run can be loaded. */
  address(name: string, file: string): string | Promise<string>;
  /** Shows all runs now, and again whenever one of them changes, until the returned function is called. */
  watchAll(show: (runs: readonly RunSummary[]) => void, fail: (error: unknown) => void): () => void;
  /** Shows each of these runs now, and again whenever it changes, until the returned function is called. */
  watch(names: readonly string[], show: (run: WatchedRun) => void, fail: (error: unknown) => void): () => void;
}

/** What all parts of the dashboard know. */
export interface Dashboard {
  home: Home;
  board: Board;
}

export const DashboardContext = createContext<Dashboard | undefined>(undefined);

export const useDashboard = (): Dashboard => useContext(DashboardContext)!;

/** The address of a file of a run; until it is known, the one before. */
export function useAddress(name: string, file: string): string | undefined {
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
  }, [board, name, file]);
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

/** Those of the named runs that are known, in the order of the names. */
export function useWatched(board: Board, names: readonly string[]): Found<readonly WatchedRun[]> {
  const [all, setAll] = useState<ReadonlyMap<string, WatchedRun>>(new Map());
  const [error, setError] = useState<unknown>();
  const key = JSON.stringify(names);
  useEffect(() => {
    setError(undefined);
    if (names.length === 0) return;
    return board.watch(names, (run) => setAll((known) => new Map(known).set(run.detail.name, run)), setError);
  }, [board, key]);
  return { found: names.flatMap((name) => all.get(name) ?? []), error };
}
