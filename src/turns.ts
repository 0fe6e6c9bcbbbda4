/** Works that must not run at the same time, because they share sessions and memory. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #end: Promise<void> | undefined;
  readonly #name: string;

  /** @param name of what the works use, for the message after its end: "this translator" */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Runs a work after those that were given before; their errors are not its own.
   * @throws Error after `close`
   */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#end) throw new Error(`${this.#name} is closed; open another one`);
    return this.#after(work);
  }

  /** Runs the last work, after all others. A second call waits for it. */
  close(work: () => Promise<void>): Promise<void> {
    this.#end ??= this.#after(work);
    return this.#end;
  }

  #after<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work);
    // Without its result, which may be large.
    this.#last = done.then(
      () => {},
      () => {},
    );
    return done;
  }
}
