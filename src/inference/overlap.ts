/** Reading, computing and writing of many pictures at the same time. */

/** Most pieces that wait between two stages. */
const mostWaiting = 16;
/** About the most bytes that wait between two stages: of large pictures fewer wait. */
const mostBytes = 256 * 2 ** 20;

/** The three stages of the work on a piece. */
export interface Stages<Piece, Read, Computed> {
  /** Runs before `compute` needs it, for several pieces at once. */
  read(piece: Piece): Promise<Read>;
  /** Runs for one piece at a time, in their order. */
  compute(read: Read, piece: Piece): Promise<Computed>;
  /** Runs while later pieces are computed, for several pieces at once. */
  write(computed: Computed, piece: Piece): Promise<unknown>;
  /** The size of what waits between two stages, in bytes. */
  bytes(value: Read | Computed): number;
  /**
   * Called for each piece, in their order, when its last stage has ended. If it throws, the work ends.
   * @param error what a stage has thrown
   */
  done(piece: Piece, error?: unknown): void;
}

/**
 * Takes every piece through its stages; pieces in different stages run at the same time. Memory stays bounded. After an error
 * of `done` or an abort, work that has begun is finished and no other work begins.
 * @param signal abort it to begin no more pieces
 */
export async function overlapped<Piece, Read, Computed>(
  pieces: readonly Piece[],
  { read, compute, write, bytes, done }: Stages<Piece, Read, Computed>,
  signal?: AbortSignal,
): Promise<void> {
  const reading = new Queue<Read>(bytes);
  const written = new InOrder<Piece>(done);
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

/** Work on several pieces at once, up to a limit. `done` is called for the pieces in the order in which they were added. */
export class InOrder<Piece> {
  readonly #done: Stages<Piece, unknown, unknown>["done"];
  readonly #most: number;
  readonly #waiting: { piece: Piece; work: Promise<Outcome<unknown>>; bytes: number }[] = [];
  #bytes = 0;

  /**
   * @param done called for each piece in order, with the error of its work if any
   * @param most the number of pieces whose work may run when `add` returns
   */
  constructor(done: Stages<Piece, unknown, unknown>["done"], most: number = mostWaiting) {
    this.#done = done;
    this.#most = most;
  }

  /** Adds work that has begun; waits for the earliest work while too much is running. @throws what `done` throws */
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

/** Never rejects: an error that nothing awaits yet would be an unhandled rejection. */
const outcome = <T>(work: Promise<T>): Promise<Outcome<T>> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

/** Values that are read ahead. */
class Queue<T> {
  readonly #bytes: (value: T) => number;
  readonly #waiting: Promise<Outcome<T>>[] = [];
  /** Bytes of the largest value so far; undefined before the first. */
  #largest: number | undefined;

  constructor(bytes: (value: T) => number) {
    this.#bytes = bytes;
  }

  /** Until the size of the first piece is known, two pieces are read. */
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
