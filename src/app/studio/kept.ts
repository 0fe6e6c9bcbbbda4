/**
 * The drawing of each run, kept in the browser (IndexedDB) so that a reload or a closed tab does not lose it. Nothing is sent
 * anywhere. Where the browser keeps nothing (some private windows, a full disk), the studio works without.
 */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { OpenRun } from "../home.ts";
import type { SheetState } from "./sheet.ts";

interface Kept {
  state: SheetState;
  /** What the drawing was made for: a run that was trained anew under its name may take other pictures. */
  takes: string;
}

const [database, store] = ["pix2pix-studio", "drawings"];

/** Pages of one origin share the database: several published folders, for example. */
const keyOf = (name: string) => `${location.pathname} ${name}`;
const takesOf = ({ width, height, drawing: { tool, colours } }: OpenRun) =>
  JSON.stringify([width, height, tool, tool === "regions" ? colours.map(({ rgb }) => rgb) : []]);

/** The drawing that was last on the run's sheet; undefined where none is kept. */
export async function keptDrawing(run: OpenRun): Promise<SheetState | undefined> {
  const kept = await inStore<Kept | undefined>("readonly", (drawings) => drawings.get(keyOf(run.name))).catch(
    () => undefined,
  );
  return kept?.takes === takesOf(run) ? kept.state : undefined;
}

/**
 * Keeps the drawing of a run when its output is there, or the run is left. A picture so large that the browser ends the page is
 * thus not kept: after a reload it would end the page again.
 * @param busy whether an output is being computed
 * @returns takes a drawing that is to be kept, in place of one that has not been kept yet
 */
export function useKeeping(run: OpenRun, busy: boolean): (state: SheetState) => void {
  const unkept = useRef<SheetState | undefined>(undefined);
  const keep = () => {
    if (unkept.current) void keepDrawing(run, unkept.current);
    unkept.current = undefined;
  };
  useLayoutEffect(() => {
    if (!busy) keep();
  }, [busy]);
  useLayoutEffect(() => keep, []);
  return (state) => {
    unkept.current = state;
  };
}

async function keepDrawing(run: OpenRun, state: SheetState): Promise<void> {
  const kept: Kept = { state, takes: takesOf(run) };
  await inStore("readwrite", (drawings) => drawings.put(kept, keyOf(run.name))).catch(() => {});
}

/** Deletes the drawing of a run that is deleted: another of its name must not begin with it. */
export const forgetDrawing = (name: string): Promise<void> => forget(keyOf(name));

/** Deletes all drawings of this page. */
export const forgetDrawings = (): Promise<void> => forget(IDBKeyRange.bound(keyOf(""), keyOf("\uffff")));

const forget = (which: string | IDBKeyRange): Promise<void> =>
  inStore<void>("readwrite", (drawings) => drawings.delete(which)).catch(() => {});

/** Makes one request of the store, and waits until it is on the disk. */
async function inStore<Result>(
  mode: IDBTransactionMode,
  request: (drawings: IDBObjectStore) => IDBRequest,
): Promise<Result> {
  const opening = indexedDB.open(database, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(store);
  const opened = await new Promise<IDBDatabase>((resolve, reject) => {
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  try {
    return await new Promise<Result>((resolve, reject) => {
      const transaction = opened.transaction(store, mode);
      const asked = request(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    opened.close();
  }
}
