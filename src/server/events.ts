/** Server-sent events: what happens to runs while somebody watches them. */
import { bucketed, type Columns } from "../run/follow.ts";
import type { Run } from "../run/run.ts";
import type { RunSummary, Runs } from "../run/summaries.ts";
import { Refusal } from "./problem.ts";

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

/** The log of a run at a look. */
interface Log {
  length: number;
  generation: number;
  columns: Columns;
}

/** Lines that a watcher knows, by run. */
type Known = Map<string, Pick<Log, "length" | "generation">>;

/** A connection: what it watches, and what it has been sent. */
interface Watcher {
  named: readonly Run[] | undefined;
  /** Summaries by run, as JSON; those of all names under "". */
  known: Map<string, string>;
  lines: Known;
  /** When it was last sent a sign of life. */
  beaten: number;
  send(text: string): void;
  end(): void;
  fail(error: unknown): void;
}

/** Reads what has a key once. */
type Once = <T>(key: string, read: () => Promise<T>) => Promise<T>;

export interface WatchingOptions {
  /** Connections at a time. */
  most: number;
  /** Called with what ends a stream of events beside the client and the server. */
  fault?: ((error: unknown, request: Request) => void) | undefined;
}

/** Looks at the files once a second for all watchers together, while there is one. */
export class Watching {
  readonly #runs: Runs;
  readonly #options: WatchingOptions;
  readonly #watchers = new Set<Watcher>();
  #looking = false;
  #closed = false;
  /** Ends the pause before the next look. */
  #pause = new AbortController();

  constructor(runs: Runs, options: WatchingOptions) {
    this.#runs = runs;
    this.#options = options;
  }

  /**
   * @param named the runs whose losses are sent from now on; undefined: only the state of all runs
   * @throws Refusal 429 for too many watchers, 503 when the server ends
   */
  async response(named: readonly Run[] | undefined, request: Request): Promise<Response> {
    const { most } = this.#options;
    const { signal, method } = request;
    // Nobody would read the body, and so nobody would end it.
    if (method === "HEAD") return new Response(null, { headers });
    const lines: Known = new Map();
    for (const run of named ?? []) lines.set(run.name, await this.#logOf(run));
    if (signal.aborted) return new Response(null, { headers });
    if (this.#closed) throw new Refusal(503, "the server is about to end", 5);
    if (this.#watchers.size >= most) throw new Refusal(429, `${most} pages watch already`, 30);
    return new Response(this.#streamOf(named, lines, request), { headers });
  }

  /** Ends all connections. */
  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.end();
  }

  #streamOf(named: readonly Run[] | undefined, lines: Known, request: Request): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    let watcher: Watcher;
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      const end = () => {
        if (!this.#watchers.delete(watcher)) return;
        if (this.#watchers.size === 0) this.#pause.abort();
        request.signal.removeEventListener("abort", end);
        try {
          controller.close();
        } catch {
          // The client has closed it.
        }
      };
      const send = (text: string) => {
        if (!this.#watchers.has(watcher)) return;
        controller.enqueue(encoder.encode(text));
        if ((controller.desiredSize ?? 0) < -mostUnread) end();
      };
      const fail = (error: unknown) => {
        if (this.#watchers.has(watcher)) this.#options.fault?.(error, request);
        end();
      };
      watcher = { named, known: new Map(), lines, beaten: performance.now(), send, end, fail };
      request.signal.addEventListener("abort", end);
      this.#watchers.add(watcher);
      send("retry: 2000\n\n");
      if (this.#looking) this.#pause.abort();
      else void this.#look();
    };
    return new ReadableStream<Uint8Array>({ start, cancel: () => watcher.end() });
  }

  async #look(): Promise<void> {
    this.#looking = true;
    while (this.#watchers.size > 0) {
      // Whoever comes during this look ends the pause after it.
      this.#pause = new AbortController();
      const once = onceEach();
      await Promise.all([...this.#watchers].map((watcher) => this.#show(watcher, once).catch(watcher.fail)));
      await pause(look * 1000, this.#pause.signal);
    }
    this.#looking = false;
  }

  async #show(watcher: Watcher, once: Once): Promise<void> {
    const { named, known } = watcher;
    const event = <K extends keyof WatchEvents>(name: K, data: WatchEvents[K]) =>
      watcher.send(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    const summaries = await (named
      ? Promise.all(named.map((run) => once(`run ${run.name}`, () => this.#runs.summary(run))))
      : once("all", () => this.#runs.summaries()));
    const names = JSON.stringify(summaries.map(({ name }) => name));
    if (!named && known.get("") !== names) event("runs", JSON.parse(names) as string[]);
    known.set("", names);
    for (const summary of summaries) {
      const text = JSON.stringify(summary);
      if (known.get(summary.name) !== text) event("run", summary);
      known.set(summary.name, text);
    }
    for (const run of named ?? []) {
      sendLosses(await once(`log ${run.name}`, () => this.#logOf(run)), run, watcher.lines, event);
    }
    if (performance.now() - watcher.beaten < beat * 1000) return;
    watcher.send(": alive\n\n");
    watcher.beaten = performance.now();
  }

  async #logOf(run: Run): Promise<Log> {
    const { length, generation, columns } = await this.#runs.losses(run);
    return { length, generation, columns };
  }
}

function sendLosses(
  { length, generation, columns }: Log,
  { name }: Run,
  lines: Known,
  event: <K extends keyof WatchEvents>(name: K, data: WatchEvents[K]) => void,
): void {
  const before = lines.get(name)!;
  lines.set(name, { length, generation });
  if (before.generation !== generation) event("reset", { name });
  else if (length > before.length) {
    event("losses", { name, ...bucketed(columns, { from: before.length, to: length, points: mostPoints }) });
  }
}

function onceEach(): Once {
  const known = new Map<string, Promise<unknown>>();
  return <T>(key: string, read: () => Promise<T>) => {
    const reading = (known.get(key) as Promise<T> | undefined) ?? read();
    known.set(key, reading);
    return reading;
  };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    if (signal.aborted) done();
    else signal.addEventListener("abort", done);
  });
}
