/** The picture that is drawn on, with undo and redo. */
import type { Picture } from "../../platform.ts";
import { copyOf } from "./raster.ts";

/** One state of a sheet, which undo can bring back. */
export interface SheetState {
  picture: Picture;
  /** The name of the pair or file that it came from. Dropout masks depend on it. */
  name: string;
  /** The target of the pair, as long as the input has not been drawn on. */
  target?: Picture | undefined;
}

/** Bytes of pictures that undo keeps. */
const mostBytes = 96 * 2 ** 20;

export class Sheet {
  #now: SheetState;
  #undo: SheetState[] = [];
  #redo: SheetState[] = [];
  /** What `cancel` brings back; undefined while no change is under way. */
  #before: { now: SheetState; undo: SheetState[]; redo: SheetState[] } | undefined;

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

  /** Begins a change. @returns a copy of the picture, on which the tools draw */
  begin(): Picture {
    const before = { now: this.#now, undo: this.#undo, redo: this.#redo };
    const { picture, name } = this.#now;
    this.replace({ picture: copyOf(picture), name });
    this.#before = before;
    return this.#now.picture;
  }

  /** Keeps the change that was begun. */
  end(): void {
    this.#before = undefined;
  }

  /** Discards the change that was begun, unless it has ended. What could be undone and redone before it can be again. */
  cancel(): void {
    if (!this.#before) return;
    const { now, undo, redo } = this.#before;
    this.#before = undefined;
    [this.#now, this.#undo, this.#redo] = [now, undo, redo];
  }

  replace(next: SheetState): void {
    this.#before = undefined;
    this.#undo = [...this.#undo, this.#now];
    this.#redo = [];
    this.#now = next;
    let bytes = 0;
    const kept = this.#undo.toReversed().findIndex(({ picture }) => {
      bytes += picture.data.length;
      return bytes > mostBytes;
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
    this.#before = undefined;
    to.push(this.#now);
    this.#now = next;
  }
}
