/** Signals that ask a command to stop: the first asks for a clean end, a second Ctrl-C ends the program at once. */
import { closeSync, openSync } from "node:fs";
import { isatty } from "node:tty";

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
/** SIGTERM and SIGUSR1 are how engines announce the end of a job's time. */
const codes = { SIGINT: 130, SIGHUP: 129, SIGTERM: requeue, SIGUSR1: requeue } as const;
type Signal = keyof typeof codes;

/** Milliseconds between two looks at the parent. */
const parentCheck = 1000;

export interface Stop {
  /** Aborted by the first signal. */
  signal: AbortSignal;
  /** Exit code of the first signal: 99 for those of engines, else 128 + its number; 0 when there was none. */
  code(): number;
  /** Stops listening. */
  release(): void;
}

/**
 * Listens for SIGINT, SIGHUP, SIGTERM and SIGUSR1. The end of npx counts as SIGTERM: npx ends at once when it is asked
 * to, and does not tell its child. A second Ctrl-C ends the program at once; engines send their signals several times.
 * @param asked called once, at the first signal
 */
export function listenForStop(asked: () => void): Stop {
  const controller = new AbortController();
  let code = 0;
  let since = 0;
  const handle = (name: Signal) => {
    if (code === 0) {
      code = codes[name];
      since = performance.now();
      asked();
      controller.abort();
    } else if (name === "SIGINT" && performance.now() - since > samePress) process.exit(codes[name]);
  };
  const names = Object.keys(codes) as Signal[];
  for (const name of names) process.on(name, handle);
  const parent = watchNpx(() => handle("SIGTERM"));
  return {
    signal: controller.signal,
    code: () => code,
    release: () => {
      clearInterval(parent);
      for (const name of names) process.off(name, handle);
    },
  };
}

/** Calls once when npx, which has started this process, has ended. */
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
