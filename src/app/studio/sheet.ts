/** The picture that is drawn on, with undo and redo. */
import type { Picture } from "../../platform.ts";
import { copyOf } from "./raster.ts";

/** What a sheet shows at one time. */
export interface SheetState {
  picture: Picture;
  /** The name of the pair or file that it came from; without effect on what is drawn, but dropout masks depend on it. */
  name: string;
  /** The target of the pair that the picture is, as long as nothing has been drawn on it. */
  target?: Picture | undefined;
}

/** Bytes of earlier states that are kept. */
const most = 96 * 2 ** 20;

export class Sheet {
  #now: SheetState;
  #undo: SheetState[] = [];
  #redo: SheetState[] = [];

  constructor(first: SheetState) {
    this.#now = first;
  }

  /** Its picture changes while a stroke is drawn. */
  get now(): SheetState {
    return this.#now;
  }

  get canUndo(): boolean {
    return this.#undo.length > 0;
  }

  get canRedo(): boolean {
    return this.#redo.length > 0;
  }

  /** Begins a change: a copy of the picture that the tools draw on. */
  begin(): Picture {
    const { picture, name } = this.#now;
    this.replace({ picture: copyOf(picture), name });
    return this.#now.picture;
  }

  /** Takes the change that was begun last back, as if it had never been. */
  cancel(): void {
    const before = this.#undo.pop();
    if (before) this.#now = before;
  }

  replace(next: SheetState): void {
    this.#undo.push(this.#now);
    this.#redo = [];
    this.#now = next;
    let bytes = 0;
    const kept = this.#undo.toReversed().findIndex(({ picture }) => {
      bytes += picture.data.length;
      return bytes > most;
    });
    if (kept > 0) this.#undo = this.#undo.slice(-kept);
  }

  undo(): void {
    this.#step(this.#undo, this.#redo);
  }

  redo(): void {
    this.#step(this.#redo, this.#undo);
  }

  #step(from: SheetState[], to: SheetState[]): void {
    const next = from.pop();
    if (!next) return;
    to.push(this.#now);
    this.#now = next;
  }
}
