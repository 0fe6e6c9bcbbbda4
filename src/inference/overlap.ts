/** Reading, computing and writing of many pictures at the same time. */

/** How many pieces wait between two stages, at most. Reading or writing one takes several turns of the event loop. */
const mostWaiting = 16;
/** Bytes that wait between two stages, about: large pictures wait in smaller numbers. */
const mostBytes = 256 * 2 ** 20;

/** The three stages of the work on a piece. */
export interface Stages<Piece, Read, Computed> {
  /** Runs ahead, for several pieces at once. */
  read(piece: Piece): Promise<Read>;
  /** Runs for one piece after the other, in their order. */
  compute(read: Read, piece: Piece): Promise<Computed>;
  /** Runs behind, for several pieces at once. */
  write(computed: Computed, piece: Piece): Promise<unknown>;
  /** The size of what waits between two stages, in bytes. */
  bytes(value: Read | Computed): number;
  /**
   * Called for each piece, in their order, when all of its work is done.
   * @param error what a stage has thrown; what this function throws ends the work
   */
  done(piece: Piece, error?: unknown): void;
}

/**
 * Takes every piece through its stages, so that a stage of one piece runs while others are in another stage. Memory stays
 * bounded. After an error of `done` or an abort, what has begun is finished and nothing more begins.
 * @param signal abort it to begin no more pieces
 */
export async function overlapped<Piece, Read, Computed>(
  pieces: readonly Piece[],
  { read, compute, write, bytes, done }: Stages<Piece, Read, Computed>,
  signal?: AbortSignal,
): Promise<void> {
  const reading = new Queue<Read>(bytes);
  const written = new Behind<Piece>(done);
  let next = 0;
  const readAhead = () => {
    while (next < pieces.length && !reading.isFull) reading.add(read(pieces[next++]!));
  };
  try {
    for (const piece of pieces) {
      if (signal?.aborted) break;
      readAhead();
      const input = await reading.first();
      readAhead();
      const computed = "error" in input ? input : await outcome(compute(input.value, piece));
      if ("error" in computed) await written.add(piece, Promise.reject(computed.error), 0);
      else await written.add(piece, write(computed.value, piece), bytes(computed.value));
    }
    await written.end();
  } finally {
    await reading.settled();
    await written.settled();
  }
}

/** Work that is waited for in the order in which it began, while a bounded part of it goes on. */
export class Behind<Piece> {
  readonly #done: Stages<Piece, unknown, unknown>["done"];
  readonly #most: number;
  readonly #waiting: { piece: Piece; work: Promise<Outcome<unknown>>; bytes: number }[] = [];
  #bytes = 0;

  /**
   * @param done called for each piece in order, with the error of its work if any
   * @param most pieces that `add` leaves under way
   */
  constructor(done: Stages<Piece, unknown, unknown>["done"], most: number = mostWaiting) {
    this.#done = done;
    this.#most = most;
  }

  /** Adds work; waits for the earliest where too much is under way. @throws what `done` throws */
  async add(piece: Piece, work: Promise<unknown>, bytes: number): Promise<void> {
    this.#waiting.push({ piece, work: outcome(work), bytes });
    this.#bytes += bytes;
    while (this.#waiting.length > this.#most || (this.#waiting.length > 1 && this.#bytes > mostBytes)) {
      await this.#takeFirst();
    }
  }

  /** Waits for all work. @throws what `done` throws */
  async end(): Promise<void> {
    while (this.#waiting.length > 0) await this.#takeFirst();
  }

  /** Waits for all work without calling `done`. */
  async settled(): Promise<void> {
    await Promise.all(this.#waiting.map(({ work }) => work));
  }

  async #takeFirst(): Promise<void> {
    const { piece, work, bytes } = this.#waiting[0]!;
    const result = await work;
    this.#waiting.shift();
    this.#bytes -= bytes;
    if ("error" in result) this.#done(piece, result.error);
    else this.#done(piece);
  }
}

type Outcome<T> = { value: T } | { error: unknown };

/** Never rejects: nobody may wait for the error yet. */
const outcome = <T>(work: Promise<T>): Promise<Outcome<T>> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

/** Values that are read ahead. */
class Queue<T> {
  readonly #bytes: (value: T) => number;
  readonly #waiting: Promise<Outcome<T>>[] = [];
  /** Of a value, in bytes, as far as values are known. */
  #largest: number | undefined;

  constructor(bytes: (value: T) => number) {
    this.#bytes = bytes;
  }

  /** Sizes are known only after reading: until the first is, two pieces are read. */
  get isFull(): boolean {
    const most = this.#largest === undefined ? 2 : Math.min(mostWaiting, Math.max(1, mostBytes / this.#largest));
    return this.#waiting.length >= most;
  }

  add(work: Promise<T>): void {
    this.#waiting.push(
      outcome(work).then((result) => {
        if ("value" in result) this.#largest = Math.max(this.#largest ?? 1, this.#bytes(result.value));
        return result;
      }),
    );
  }

  async first(): Promise<Outcome<T>> {
    return this.#waiting.shift()!;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#waiting);
  }
}
