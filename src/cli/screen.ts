/** What progress is written to: a terminal, on which a line can be redrawn, or a file or a pipe. */

/** A stream to write to, such as `process.stdout`. */
export interface Screen {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

/** Whether a line can be redrawn. A terminal with TERM=dumb, such as the shell of Emacs, shows the codes for it as characters. */
export const redraws = ({ isTTY }: Pick<Screen, "isTTY">): boolean => isTTY === true && process.env.TERM !== "dumb";

/** The line of a piece of work, redrawn where that is possible; elsewhere a new line every 5 seconds. */
export class Line {
  readonly #screen: Screen;
  readonly #clock: () => number;
  readonly #start: number;
  /** Seconds at the last line, where lines are not redrawn. */
  #printed = 0;

  /** @param clock the time in milliseconds */
  constructor(screen: Screen, clock: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#clock = clock;
    this.#start = clock();
  }

  /** Seconds since the line was created. */
  get seconds(): number {
    return (this.#clock() - this.#start) / 1000;
  }

  show(text: string): void {
    if (redraws(this.#screen)) this.draw(text);
    else if (this.seconds >= this.#printed + betweenLines) {
      this.#printed = this.seconds;
      this.#screen.write(`${text}\n`);
    }
  }

  /** Shows a text where it will be replaced; elsewhere nothing. */
  draw(text: string): void {
    if (redraws(this.#screen)) this.#screen.write(`\r${text.slice(0, (this.#screen.columns || 80) - 1)}\x1b[K`);
  }

  /** Removes the line; call it before other output. */
  clear(): void {
    if (redraws(this.#screen)) this.#screen.write("\r\x1b[K");
  }
}

/** Seconds between two lines, where they are not redrawn. */
const betweenLines = 5;
