/** Server-sent events: what happens to runs while somebody watches them. */
import { bucketed } from "../run/follow.ts";
import type { Run } from "../run/run.ts";
import { Refusal } from "./problem.ts";
import type { RunSummary, Runs } from "./runs.ts";

/** Seconds between two looks at the files, and between two signs of life. */
const [look, beat] = [1, 15];
/** Buckets of new losses in one event. */
const mostPoints = 200;
/** Events that wait for a client; one that reads no more must not fill the memory. */
const mostUnread = 1000;
const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no" };

/** Sent as the event of the same name. */
export interface WatchEvents {
  /** A run as `GET /api/runs` lists it, whenever something of it has changed. */
  run: RunSummary;
  /** The names of all runs, whenever they have changed; only where no run is named. */
  runs: string[];
  /** New losses of a named run. */
  losses: { name: string } & ReturnType<typeof bucketed>;
  /** The log of a named run was cut back: it has to be read anew. */
  reset: { name: string };
}

/** Lines that a watcher knows, by run. */
type Known = Map<string, { length: number; generation: number }>;

export interface WatchingOptions {
  /** Connections at a time. */
  most: number;
  /** Called with what ends a stream of events beside the client and the server. */
  fault?: ((error: unknown, request: Request) => void) | undefined;
}

export class Watching {
  readonly #runs: Runs;
  readonly #options: WatchingOptions;
  readonly #watchers = new Set<AbortController>();

  constructor(runs: Runs, options: WatchingOptions) {
    this.#runs = runs;
    this.#options = options;
  }

  /**
   * @param named the runs whose losses are sent; undefined: only the state of all runs
   * @throws Refusal 429 for too many watchers
   */
  response(named: readonly Run[] | undefined, request: Request): Response {
    const { most, fault } = this.#options;
    const { signal, method } = request;
    // Nobody would read the body, and so nobody would end it.
    if (method === "HEAD" || signal.aborted) return new Response(null, { headers });
    if (this.#watchers.size >= most) throw new Refusal(429, `${most} pages watch already`, 30);
    const own = new AbortController();
    this.#watchers.add(own);
    const end = () => own.abort();
    signal.addEventListener("abort", end);
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (text: string) => {
          if (own.signal.aborted) return;
          controller.enqueue(encoder.encode(text));
          if ((controller.desiredSize ?? 0) < -mostUnread) end();
        };
        void this.#watch(named, send, own.signal)
          .catch((error) => fault?.(error, request))
          .finally(() => {
            this.#watchers.delete(own);
            signal.removeEventListener("abort", end);
            try {
              controller.close();
            } catch {
              // The client has closed it.
            }
          });
      },
      cancel: end,
    });
    return new Response(body, { headers });
  }

  /** Ends all connections. */
  close(): void {
    for (const watcher of this.#watchers) watcher.abort();
  }

  async #watch(named: readonly Run[] | undefined, send: (text: string) => void, signal: AbortSignal): Promise<void> {
    const event = <K extends keyof WatchEvents>(name: K, data: WatchEvents[K]) =>
      send(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    const known = new Map<string, string>();
    const lines: Known = new Map();
    for (const run of named ?? []) await this.#sendLosses(run, lines, event);
    let beaten = performance.now();
    send("retry: 2000\n\n");
    while (!signal.aborted) {
      const summaries = named
        ? await Promise.all(named.map((run) => this.#runs.summary(run)))
        : await this.#runs.summaries();
      const names = JSON.stringify(summaries.map(({ name }) => name));
      if (!named && known.get("") !== names) event("runs", JSON.parse(names) as string[]);
      known.set("", names);
      for (const summary of summaries) {
        const text = JSON.stringify(summary);
        if (known.get(summary.name) !== text) event("run", summary);
        known.set(summary.name, text);
      }
      for (const run of named ?? []) await this.#sendLosses(run, lines, event);
      if (performance.now() - beaten > beat * 1000) {
        send(": alive\n\n");
        beaten = performance.now();
      }
      await pause(look * 1000, signal);
    }
  }

  async #sendLosses(
    run: Run,
    lines: Known,
    event: <K extends keyof WatchEvents>(name: K, data: WatchEvents[K]) => void,
  ): Promise<void> {
    const { name } = run;
    const log = await this.#runs.losses(run);
    const { length, generation } = log;
    const before = lines.get(name) ?? { length, generation };
    lines.set(name, { length, generation });
    const from = before.length;
    if (before.generation !== generation) event("reset", { name });
    else if (length > from)
      event("losses", { name, ...bucketed(log.columns, { from, to: log.length, points: mostPoints }) });
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}
