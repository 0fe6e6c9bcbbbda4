/** Trainings in processes of their own, for a server: `pix2pix train` as a user would start it. */
import { spawn } from "node:child_process";
import { realpath, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { UserError } from "../errors.ts";
import type { LockHolder } from "../platform.ts";

/** Milliseconds within which a training that cannot begin has ended. */
const startTimeout = 20_000;
/** Number of characters of its output that are kept, the last ones. */
const keptOutput = 2000;

/** The exit code of a training that was asked to save and end (cli/stop.ts). */
const stoppedCode = 99;

/** How a training has ended. @param last its last line: the error, or the command that continues a stopped training */
function ending(code: number | null, last: string): string {
  if (code === stoppedCode) return `is stopped. Go on with it on the page, or by ${last}`;
  if (code === 0) return "has ended.";
  return code === null ? "was killed." : `has failed (exit code ${code}): ${last}`;
}

/** The line of the error where there is one, else the last line. */
function lastLine(said: string): string {
  const lines = said.trim().split("\n");
  return (lines.findLast((line) => line.startsWith("error: ")) ?? lines.at(-1)!).trim().replace(/^error: /, "");
}

export class Trainings {
  readonly #program: readonly string[];
  readonly #note: (line: string) => void;
  readonly #children = new Set<number>();
  readonly #failures = new Map<string, string>();

  /**
   * @param program the command that starts pix2pix, with its first arguments
   * @param note called with lines for the log of the server
   */
  constructor(program: readonly string[], note: (line: string) => void) {
    this.#program = program;
    this.#note = note;
  }

  get running(): number {
    return this.#children.size;
  }

  /** Why the last training of this run has failed; undefined where it did not, or was not started here. */
  failureOf = (name: string): string | undefined => this.#failures.get(name);

  /**
   * Starts a training, which continues when this process ends. Resolves at its first output, or after 20 s.
   * @throws UserError with the message of a training that ends before
   */
  async train(options: Readonly<Record<string, string | true>>): Promise<{ pid: number }> {
    const [command, ...first] = this.#program;
    // Flag and value in one word, because a value that begins with a dash would be taken for an option.
    const words = Object.entries(options).map(([flag, value]) => (value === true ? flag : `${flag}=${value}`));
    const child = spawn(command!, [...first, "train", ...words], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      // Without npm's variables, or it would take this process for npx, and stop when this process ends (cli/stop.ts).
      env: { ...process.env, npm_command: "", npm_lifecycle_event: "" },
    });
    let said = "";
    const hear = (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-keptOutput);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    const { pid } = child;
    if (pid === undefined) {
      const reason = await new Promise<Error>((resolve) => child.once("error", resolve));
      throw new UserError(`the training could not be started: ${reason.message}`);
    }
    this.#children.add(pid);
    const name = String(options["--name"]);
    this.#failures.delete(name);
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    void ended.then((code) => {
      this.#children.delete(pid);
      const end = ending(code, lastLine(said));
      if (code !== 0 && code !== stoppedCode) this.#failures.set(name, end);
      this.#note(`The training of ${name} (process ${pid}) ${end}`);
    });
    const began = new Promise<"began">((resolve) => child.stdout.once("data", () => resolve("began")));
    const late = new Promise<"late">((resolve) => setTimeout(() => resolve("late"), startTimeout).unref());
    const how = await Promise.race([ended, began, late]);
    if (how !== "began" && how !== "late")
      throw new UserError(said.trim().replace(/^error: /, "") || "the training ended at once");
    this.#note(`Training ${name} in process ${pid}.`);
    // It outlives this process: neither it nor its output keeps this one alive.
    child.unref();
    for (const pipe of [child.stdout, child.stderr]) (pipe as Socket).unref();
    return { pid };
  }

  /** Asks a process to save and end, as Ctrl-C does. */
  async stop({ pid }: LockHolder): Promise<void> {
    try {
      process.kill(pid, "SIGTERM");
    } catch (error) {
      throw new UserError(`process ${pid} cannot be asked to stop: ${(error as Error).message}`);
    }
    this.#note(`Process ${pid} is asked to save and stop.`);
  }

  realPath = (path: string): Promise<string | undefined> => realpath(path).catch(() => undefined);

  async remove(dir: string): Promise<void> {
    await rm(dir, { recursive: true, force: true });
    this.#note(`Deleted ${dir}.`);
  }
}
