/** Follows the log of a run as it grows. Its numbers are kept in memory as columns, and only what was appended is read. */
import { linesOf } from "../formats/read-text.ts";
import type { Files } from "../platform.ts";

/** Numbers of a log by name, one a line; NaN where a line has none. */
export type Columns = ReadonlyMap<string, Float64Array>;

/** The last bytes that were read are kept, so that a file that was written anew is recognised. */
const tailBytes = 256;

export class FollowedLog {
  readonly #files: Files;
  readonly #path: string;
  readonly #columns = new Map<string, Float64Array<ArrayBuffer>>();
  /** How often the file was found written anew. */
  generation = 0;
  #length = 0;
  #room = 1024;
  /** Bytes that were read, up to the last line break. */
  #read = 0;
  /** When the file was last changed, as of the last read. */
  #modified: number | undefined;
  #tail: Uint8Array = new Uint8Array();
  #reading: Promise<number> | undefined;

  /** @param path of a file with one JSON object of numbers a line, among them a rising `step` */
  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** The number of lines. */
  get length(): number {
    return this.#length;
  }

  /** The columns with their lines so far; views, valid until the next `update`. */
  get columns(): Columns {
    return new Map([...this.#columns].map(([name, values]) => [name, values.subarray(0, this.#length)]));
  }

  /**
   * Reads what was appended. A file that is shorter than before, or has another text where the last read ended, is read
   * anew: a run that continues from a checkpoint repeats some steps.
   * @returns the number of lines that are as they were before
   */
  update(): Promise<number> {
    this.#reading ??= this.#update().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** The line of an index as an object. */
  line(index: number): Record<string, number> {
    const line: Record<string, number> = {};
    for (const [name, values] of this.#columns) if (!Number.isNaN(values[index]!)) line[name] = values[index]!;
    return line;
  }

  /** The index of the first line of at least this step. */
  indexOf(step: number): number {
    const steps = this.#columns.get("step");
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps![middle]! < step) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async #update(): Promise<number> {
    const { readPart, stat } = this.#files;
    if (!(await this.#files.exists(this.#path))) return this.#forget();
    if (!readPart || !stat) {
      this.#forget();
      this.#take(await this.#files.read(this.#path));
      return 0;
    }
    const { bytes: end, modified } = await stat(this.#path);
    const changed = modified !== this.#modified;
    this.#modified = modified;
    const from = this.#read - this.#tail.length;
    if (end < this.#read) this.#forget();
    else if (end === this.#read && this.#read > 0 && !changed) return this.#length;
    const part = await readPart(this.#path, this.#read === 0 ? 0 : from, end);
    if (!this.#tail.every((byte, i) => byte === part[i])) {
      this.#forget();
      this.#take(await readPart(this.#path, 0, end));
      return 0;
    }
    const before = this.#length;
    this.#take(part.subarray(this.#tail.length));
    return before;
  }

  #forget(): 0 {
    this.#columns.clear();
    if (this.#length > 0) this.generation++;
    this.#length = 0;
    this.#read = 0;
    this.#tail = new Uint8Array();
    return 0;
  }

  /** Adds the whole lines. An incomplete last line is read again later. */
  #take(bytes: Uint8Array): void {
    const end = bytes.lastIndexOf(10) + 1;
    if (end === 0) return;
    const whole = bytes.subarray(0, end);
    for (const { text } of linesOf(whole)) if (text !== "") this.#add(text);
    this.#read += end;
    const tail = new Uint8Array(Math.min(tailBytes, this.#tail.length + end));
    const fresh = whole.subarray(Math.max(0, end - tail.length));
    tail.set(this.#tail.subarray(this.#tail.length - (tail.length - fresh.length)));
    tail.set(fresh, tail.length - fresh.length);
    this.#tail = tail;
  }

  /** A line that is damaged, or whose step is not above the last one's, is left out. */
  #add(text: string): void {
    const line = parsed(text);
    if (!line) return;
    const steps = this.#columns.get("step");
    if (steps && this.#length > 0 && line.step! <= steps[this.#length - 1]!) return;
    if (this.#length === this.#room) this.#room *= 2;
    for (const [name, value] of Object.entries(line))
      if (typeof value === "number") this.#column(name)[this.#length] = value;
    for (const [name, values] of this.#columns)
      if (!(name in line)) this.#grown(name, values)[this.#length] = Number.NaN;
    this.#length++;
  }

  #column(name: string): Float64Array {
    const known = this.#columns.get(name);
    if (known) return this.#grown(name, known);
    const values = new Float64Array(this.#room).fill(Number.NaN);
    this.#columns.set(name, values);
    return values;
  }

  #grown(name: string, values: Float64Array<ArrayBuffer>): Float64Array {
    if (values.length >= this.#room) return values;
    const larger = new Float64Array(this.#room);
    larger.set(values);
    this.#columns.set(name, larger);
    return larger;
  }
}

function parsed(text: string): Record<string, number> | undefined {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line !== "object" || line === null || !("step" in line) || typeof line.step !== "number")
      return undefined;
    return line as Record<string, number>;
  } catch {
    return undefined;
  }
}

/** A value for each bucket; null where it has none. */
type Values = (number | null)[];

/** A column in at most `points` buckets of equal numbers of lines. */
export interface Bucketed {
  mean: Values;
  /** Absent where each bucket is one line. */
  min?: Values;
  max?: Values;
}

/**
 * Lines [from, to) of columns in at most `points` buckets: the mean of each, with the least and the largest value, so that
 * a peak of one step is seen at any scale.
 * @returns by name; those of `step` and `epoch` are the last of each bucket
 */
export function bucketed(
  columns: Columns,
  { from, to, points }: { from: number; to: number; points: number },
): { steps: number[]; epochs: number[]; series: Record<string, Bucketed> } {
  const lines = Math.max(0, to - from);
  const count = Math.min(lines, points);
  const edges = Array.from({ length: count + 1 }, (_, i) => from + Math.floor((i * lines) / Math.max(1, count)));
  const last = (name: string) => edges.slice(1).map((edge) => columns.get(name)?.[edge - 1] ?? 0);
  const series: Record<string, Bucketed> = {};
  for (const [name, values] of columns) {
    if (name !== "step" && name !== "epoch") series[name] = bucketsOf(values, edges, count < lines);
  }
  return { steps: last("step"), epochs: last("epoch"), series };
}

function bucketsOf(values: Float64Array, edges: readonly number[], ranges: boolean): Bucketed {
  const [mean, min, max]: [Values, Values, Values] = [[], [], []];
  for (let i = 1; i < edges.length; i++) {
    let [sum, n, least, most] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let at = edges[i - 1]!; at < edges[i]!; at++) {
      const value = values[at]!;
      if (Number.isNaN(value)) continue;
      sum += value;
      n++;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    mean.push(n > 0 ? short(sum / n) : null);
    min.push(n > 0 ? short(least) : null);
    max.push(n > 0 ? short(most) : null);
  }
  return ranges ? { mean, min, max } : { mean };
}

/** Rounds to six digits, which are enough for a curve and halve the bytes. */
const short = (value: number): number => Number(value.toPrecision(6));
