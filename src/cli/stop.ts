/** Ctrl-C and the like: the first asks for a clean stop, a second one ends the program at once. */

/** npm hands a Ctrl-C of the terminal on to its child, which has had it from the terminal too: one press, two signals. */
const samePress = 500;
const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export interface Stop {
  /** Aborted by the first signal. */
  signal: AbortSignal;
  /** Exit code of the first signal (128 + its number), 0 when there was none. */
  code(): number;
  /** Gives the signals back to the system. */
  release(): void;
}

/** Listens for SIGINT, SIGTERM and SIGHUP. @param asked called once, at the first of them */
export function listenForStop(asked: () => void): Stop {
  const controller = new AbortController();
  let code = 0;
  let since = 0;
  const handle = (name: keyof typeof codes) => {
    if (code === 0) {
      code = codes[name];
      since = performance.now();
      asked();
      controller.abort();
    } else if (performance.now() - since > samePress) process.exit(codes[name]);
  };
  const names = Object.keys(codes) as (keyof typeof codes)[];
  for (const name of names) process.on(name, handle);
  return {
    signal: controller.signal,
    code: () => code,
    release: () => {
      for (const name of names) process.off(name, handle);
    },
  };
}
