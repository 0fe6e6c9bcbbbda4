/**
 * Signals that ask the program to stop. Work that has something to save listens itself: the first signal asks it for a clean
 * end, a second Ctrl-C ends the program at once. Other work ends at the first signal; files are written under another name and then
 * renamed, so none is left incomplete.
 */
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { isatty } from "node:tty";
import { anythingWritten } from "../node/unfinished.ts";
import { redraws } from "./screen.ts";

/**
 * npm passes a Ctrl-C on to its child, which has had it from the terminal too: one press gives two signals,
 * milliseconds apart.
 */
const samePress = 500;

/**
 * Asks the engine of a cluster to start the job again. Grid Engine does so at 99, LSF's manual has it as the example of
 * REQUEUE_EXIT_VALUES, Slurm takes it as RequeueExit, Kubernetes in a podFailurePolicy (docs/scale.md).
 */
const requeue = 99;
/** Exit codes of work that has saved its state. SIGTERM and SIGUSR1 are how engines announce the end of a job's time. */
const codes = { SIGINT: 130, SIGHUP: 129, SIGTERM: requeue, SIGUSR1: requeue } as const;
type Signal = keyof typeof codes;
const names = Object.keys(codes) as Signal[];

const heard = Symbol.for("pix2pix.signals");

/** Milliseconds between two checks whether the parent process has ended. */
const parentCheck = 1000;

/** Handlers of signals, of which only the last is called. */
const listeners: ((name: Signal) => void)[] = [(name) => endNow(name)];

let progressText: (() => string) | undefined;

/**
 * Sets the text with which a stopped program says how far it came.
 * @param text gives a text such as "after 3 of 10 pictures"; undefined when the work is done
 */
export function describeProgress(text: (() => string) | undefined): void {
  progressText = text;
}

/** The line of a program that is stopped. */
function stoppedLine(): string {
  const place = progressText ? ` ${progressText()}` : anythingWritten() ? "" : " before anything was written";
  return `Stopped${place}.${anythingWritten() ? " The files that were written are whole." : ""}`;
}

/**
 * From now on a signal ends the program, with a line and the exit code 128 + its number. The end of npx counts as SIGTERM: npx
 * ends at once when it is asked to, and does not pass the signal on.
 */
export function heedSignals(): void {
  const tell = (name: Signal) => listeners.at(-1)!(name);
  // bin/pix2pix.js listens from its first moment on.
  const early = (globalThis as { [heard]?: { tell(name: Signal): void } })[heard];
  if (early) early.tell = tell;
  else for (const name of names) process.on(name, tell);
  watchNpx(() => tell("SIGTERM"));
}

function endNow(name: Signal, code: number = 128 + constants.signals[name]): void {
  if (redraws(process.stdout)) process.stdout.write("\r\x1b[K");
  process.stderr.write(`${stoppedLine()}\n`);
  process.exit(code);
}

export interface Stop {
  /** Aborted by the first signal. */
  signal: AbortSignal;
  /** Exit code of the first signal: 99 for those of engines, else 128 + its number; 0 when there was none. */
  code(): number;
  /** Stops listening. */
  release(): void;
}

/**
 * Listens for SIGINT, SIGHUP, SIGTERM and SIGUSR1. A second Ctrl-C ends the program at once; engines send their signals several
 * times.
 * @param asked called once, at the first signal
 * @param idle whether there is nothing to save yet: then a signal ends the program at once
 */
export function listenForStop(asked: () => void, idle: () => boolean = () => false): Stop {
  const controller = new AbortController();
  let code = 0;
  let since = 0;
  const handle = (name: Signal) => {
    if (code === 0 && idle()) endNow(name, codes[name]);
    else if (code === 0) {
      code = codes[name];
      since = performance.now();
      asked();
      controller.abort();
    } else if (name === "SIGINT" && performance.now() - since > samePress) process.exit(codes[name]);
  };
  listeners.push(handle);
  return {
    signal: controller.signal,
    code: () => code,
    release: () => void listeners.splice(listeners.indexOf(handle), 1),
  };
}

/** Calls `ended` once when npx, if it has started this process, has ended. */
function watchNpx(ended: () => void): NodeJS.Timeout | undefined {
  if (process.env.npm_command !== "exec" && process.env.npm_lifecycle_event !== "npx") return undefined;
  const { ppid } = process;
  const timer = setInterval(() => {
    if (process.ppid === ppid) return;
    clearInterval(timer);
    ended();
  }, parentCheck);
  timer.unref();
  return timer;
}

/**
 * When the program ends, replaces terminals that were closed meanwhile by /dev/null. Node restores the settings of its
 * terminals at its end, and aborts with a native stack trace where that fails (node.cc, ResetStdio).
 */
export function leaveClosedTerminals(): void {
  const terminals = [0, 1, 2].filter(isatty);
  if (process.platform === "win32" || terminals.length === 0) return;
  process.on("exit", () => {
    for (const fd of terminals.filter((each) => !isatty(each))) {
      closeSync(fd);
      openSync("/dev/null", "r+");
    }
  });
}
