/**
 * The server of `pix2pix serve`: the runs of a folder as an HTTP API. It speaks Request and Response of the web's
 * standards, so it runs on any runtime that has a `Platform`.
 */
import { type Context, Hono } from "hono";
import { compress } from "hono/compress";
import { etag } from "hono/etag";
import { type Precision, precisions } from "../formats/compact.ts";
import type { Platform } from "../platform.ts";
import { bucketed } from "../run/follow.ts";
import type { Run } from "../run/run.ts";
import { Runs } from "../run/summaries.ts";
import { Bodies, jsonOf } from "./body.ts";
import { continueRun, deleteRun, type RunControl, requireControl, stopRun } from "./control.ts";
import { Watching } from "./events.ts";
import { Exports } from "./exports.ts";
import { fileOf } from "./files.ts";
import { Generators } from "./generators.ts";
import { addressOf, type GuardOptions, guard, welcome } from "./guard.ts";
import { infer, modelConfig, modelMetadata, repositoryIndex, serverMetadata } from "./kserve.ts";
import { type Limits, usualLimits } from "./limits.ts";
import { openapi } from "./openapi.ts";
import { patchesOf } from "./patches.ts";
import { failure, Refusal, statusOf } from "./problem.ts";
import { dataFolders, startRun } from "./start.ts";
import { pairOf, studioOf } from "./studio.ts";
import { queryOf, translateRequest } from "./translate.ts";
import { Unread } from "./unread.ts";

/** What a server needs: a platform, the folder of the runs, and who may use it. */
export interface ServerOptions extends GuardOptions {
  platform: Platform;
  /** The folder of the runs. */
  checkpointsDir: string;
  /** The version of the program. */
  version: string;
  limits?: Partial<Limits> | undefined;
  /** Threads of the generators on a CPU. Default: the run's, or all cores. */
  threads?: number | undefined;
  /** Starts, stops and deletes runs; absent: the server only shows them. */
  control?: RunControl | undefined;
  /** Folders whose data sets may be trained on, beside those of the runs. Default: none. */
  dataDirs?: readonly string[] | undefined;
  /** The files of the page; undefined for an address that is none of them. */
  page?: ((request: Request) => Promise<Response | undefined>) | undefined;
  /** Called with the faults of the server, for its log. */
  fault?: ((error: unknown, request: Request) => void) | undefined;
}

/** A server without a socket. */
export interface PixServer {
  /** Answers a request; never throws. */
  fetch(request: Request): Promise<Response>;
  /** Takes no more pictures, ends the streams of events, waits for the pictures under way, and frees the generators. */
  close(): Promise<void>;
}

/** What the routes share. */
interface Services extends ServerOptions {
  runs: Runs;
  generators: Generators;
  bodies: Bodies;
  unread: Unread;
  exports: Exports;
  watching: Watching;
  limits: Limits;
  closing: boolean;
}

/**
 * The server of `pix2pix serve` without a socket: it answers requests about the runs of a folder.
 *
 * @example
 * ```ts
 * import { createServer } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const server = createServer({ platform: await nodePlatform(), checkpointsDir: "runs", version: "1" });
 * const runs = await server.fetch(new Request("http://localhost/api/runs", { headers: { host: "localhost" } }));
 * console.log(await runs.json());
 * await server.close();
 * ```
 */
export function createServer(options: ServerOptions): PixServer {
  const { platform, checkpointsDir, threads } = options;
  const given = { ...usualLimits, ...options.limits };
  const limits = { ...given, held: Math.max(given.held, given.body) };
  const runs = new Runs(platform.files, checkpointsDir, {
    failureOf: (name) => options.control?.failureOf(name),
  });
  const generators = new Generators(platform, checkpointsDir, limits, threads);
  const services: Services = {
    ...options,
    limits,
    runs,
    generators,
    bodies: new Bodies(limits),
    unread: new Unread("outputs", limits),
    exports: new Exports({ platform, checkpointsDir, generators, limits }),
    watching: new Watching(runs, { most: limits.watchers, fault: options.fault }),
    closing: false,
  };
  const app = routes(services);
  return {
    fetch: async (request) => secured(await app.fetch(request)),
    close: async () => {
      services.closing = true;
      services.watching.close();
      await generators.close();
    },
  };
}

/** Headers that every answer has: cross-origin isolation, which WASM needs for threads, and no guessing of types. */
function secured(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("Referrer-Policy", "same-origin");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

function routes(services: Services): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    if (statusOf(error) === 500) services.fault?.(error, context.req.raw);
    return failure(error);
  });
  app.use(async (context, next) => {
    const redirect = welcome(context.req.raw, services);
    if (redirect) return redirect;
    guard(context.req.raw, services);
    await next();
  });
  app.use(compress({ contentTypeFilter: /^(application\/(json|x-ndjson)|text\/(html|css|csv)|image\/svg)/ }));
  const tagged = etag();
  // A tag is a digest of the whole answer: a stream of events has no end, and weights and arrays are large.
  app.on("GET", "/api/*", (context, next) =>
    /\/(events|onnx)$|\.(safetensors|onnx|npy)$/.test(context.req.path) ? next() : tagged(context, next),
  );
  healthRoutes(app, services);
  runRoutes(app, services);
  fileRoutes(app, services);
  workRoutes(app, services);
  kserveRoutes(app, services);
  app.notFound(async (context) => {
    const { method } = context.req;
    const page = method === "GET" || method === "HEAD" ? await services.page?.(context.req.raw) : undefined;
    return page ?? noRoute(app, method, addressOf(context.req.raw).pathname);
  });
  return app;
}

/** The answer to a request that no route takes: 405 where the address takes other methods, else 404. */
function noRoute(app: Hono, method: string, path: string): Response {
  const shown = path.slice(0, 200);
  const methods = new Set(app.routes.flatMap((route) => (isAt(route.path, path) ? route.method : [])));
  methods.delete("ALL");
  if (methods.size === 0 || methods.has(method)) {
    return failure(new Refusal(404, `there is no ${method} ${shown} here; /openapi.json lists what there is`));
  }
  const allowed = [...methods].join(", ");
  const refused = failure(new Refusal(405, `${shown} takes ${allowed}, got ${method}`));
  refused.headers.set("Allow", allowed);
  return refused;
}

/** Whether a path is one of a route such as "/api/runs/:name/files/:path{.+}". */
function isAt(route: string, path: string): boolean {
  const pattern = route.replace(/:\w+\{(.+)\}/, "$1").replaceAll(/:\w+/g, "[^/]+");
  return new RegExp(`^${pattern}$`).test(path);
}

function healthRoutes(app: Hono, services: Services): void {
  const ready = () => {
    if (services.closing) throw new Refusal(503, "the server is about to end", 5);
  };
  app.get("/healthz", (context) => {
    ready();
    return context.json({ status: "ok", version: services.version, waiting: services.generators.waiting });
  });
  app.get("/v2/health/live", (context) => context.body(null, 200));
  app.get("/v2/health/ready", (context) => {
    ready();
    return context.body(null, 200);
  });
  const document = openapi(services.version);
  app.get("/openapi.json", (context) => context.json(document));
}

const nameOf = (context: Context): string => context.req.param("name") ?? "";
const runOf = (context: Context, { runs }: Services): Promise<Run> => opened(runs, nameOf(context));

/** @throws Refusal 404 where there is no run of this name */
async function opened(runs: Runs, name: string): Promise<Run> {
  const run = await runs.find(name);
  if (run) return run;
  throw new Refusal(404, `there is no run "${name}"; GET /api/runs lists them`);
}

function runRoutes(app: Hono, services: Services): void {
  const { runs, watching } = services;
  const fresh = { "Cache-Control": "no-cache" };
  app.get("/api", (context) =>
    context.json(
      { version: services.version, checkpointsDir: services.checkpointsDir, canTrain: services.control !== undefined },
      200,
      fresh,
    ),
  );
  app.get("/api/runs", async (context) => context.json(await runs.summaries(), 200, fresh));
  app.get("/api/runs/:name", async (context) =>
    context.json(await runs.detail(await runOf(context, services)), 200, fresh),
  );
  app.get("/api/runs/:name/studio", async (context) =>
    context.json(await studioOf(await runOf(context, services), services, context.req.raw.signal)),
  );
  app.get("/api/runs/:name/pair", async (context) =>
    pairOf(await runOf(context, services), services, context.req.raw.signal),
  );
  app.get("/api/runs/:name/patches", async (context) =>
    context.json(
      await patchesOf(await runOf(context, services), context.req.query("sample"), services, context.req.raw.signal),
      200,
      fresh,
    ),
  );
  app.get("/api/runs/:name/losses", async (context) => {
    const log = await runs.losses(await runOf(context, services));
    const from = numberIn(context, "from", 0);
    const to = numberIn(context, "to", Number.MAX_SAFE_INTEGER);
    const points = numberIn(context, "points", 800, [1, 5000]);
    const range = { from: log.indexOf(from), to: log.indexOf(to + 1), points };
    return context.json({ ...bucketed(log.columns, range), lines: log.length }, 200, fresh);
  });
  app.get("/api/runs/:name/events", async (context) =>
    watching.response([await runOf(context, services)], context.req.raw),
  );
  app.get("/api/events", async (context) => {
    const names = context.req.queries("run");
    if (names && names.length > 20) throw new Refusal(422, `${names.length} runs; at most 20 are watched at once`);
    const named = names && (await Promise.all(names.map((name) => opened(runs, name))));
    return watching.response(named, context.req.raw);
  });
}

function fileRoutes(app: Hono, services: Services): void {
  app.get("/api/runs/:name/files/:path{.+}", async (context) =>
    fileOf(services.platform.files, await runOf(context, services), context.req.param("path")),
  );
  app.get("/api/runs/:name/onnx", async (context) => {
    const run = await runOf(context, services);
    const epoch = context.req.query("epoch") ?? "latest";
    const precision = precisionIn(context);
    const form = precision === "float32" ? "" : `_${precision}`;
    const file = encodeURIComponent(`${run.name}_${epoch}${form}.onnx`);
    const headers = {
      "Content-Type": "application/octet-stream",
      "Content-Disposition": `attachment; filename*=UTF-8''${file}`,
    };
    if (context.req.method !== "HEAD")
      return services.exports.answer(run, { epoch, precision }, headers, context.req.raw.signal);
    // Nobody would read the file.
    await services.generators.keyOf({ run, epoch });
    return new Response(null, { headers });
  });
}

/** @throws Refusal 422 for another text than a precision */
function precisionIn(context: Context): Precision {
  const text = context.req.query("precision") ?? "float32";
  const found = precisions.find((precision) => precision === text);
  if (found) return found;
  throw new Refusal(422, `precision: got "${text.slice(0, 40)}", expected ${precisions.join(", ")}`);
}

/** @throws Refusal 422 for anything but a whole number in the range */
function numberIn(
  context: Context,
  name: string,
  initial: number,
  [least, most] = [0, Number.MAX_SAFE_INTEGER],
): number {
  const text = context.req.query(name);
  if (text === undefined) return initial;
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && value >= least! && value <= most!) return value;
  throw new Refusal(422, `${name}: got "${text.slice(0, 40)}", expected a whole number from ${least} to ${most}`);
}

function workRoutes(app: Hono, services: Services): void {
  const { runs, control, limits } = services;
  const places = { files: services.platform.files, dataDirs: services.dataDirs ?? [] };
  app.get("/api/data", async (context) =>
    context.json({ folders: control ? await dataFolders(runs, places, control) : [] }),
  );
  app.post("/api/runs", async (context) => {
    const asked = await jsonOf(context.req.raw, Math.min(limits.body, 65536));
    return context.json(await startRun(asked, runs, places, requireControl(control)), 202);
  });
  app.post("/api/runs/:name/translate", async (context) => {
    const run = await runOf(context, services);
    const query = queryOf(addressOf(context.req.raw).searchParams);
    return translateRequest(context.req.raw, query, { ...services, run });
  });
  app.post("/api/runs/:name/stop", async (context) => {
    await stopRun(runs, await runOf(context, services), requireControl(control));
    return context.body(null, 202);
  });
  app.post("/api/runs/:name/continue", async (context) => {
    const run = await runOf(context, services);
    const more = await jsonOf(context.req.raw, Math.min(limits.body, 4096));
    return context.json(await continueRun(runs, run, more, requireControl(control)), 202);
  });
  app.delete("/api/runs/:name", async (context) => {
    await deleteRun(runs, await runOf(context, services), requireControl(control));
    return context.body(null, 204);
  });
}

function kserveRoutes(app: Hono, services: Services): void {
  const { runs } = services;
  app.get("/v2", (context) => context.json(serverMetadata(services.version)));
  /** The run of a request and the labels of its weights. @throws Refusal 404 where it does not have the version */
  const modelOf = async (context: Context, version: string | undefined) => {
    const run = await runOf(context, services);
    const versions = await run.keptWeights();
    if (version !== undefined && !versions.includes(version))
      throw new Refusal(404, `the run "${run.name}" has no weights "${version}"`);
    return { run, versions };
  };
  const metadata = async (context: Context) => {
    const { run, versions } = await modelOf(context, context.req.param("version"));
    return context.json(modelMetadata(run, await run.config(), versions));
  };
  const ready = async (context: Context) => {
    await modelOf(context, context.req.param("version") ?? "latest");
    return context.body(null, 200);
  };
  const config = async (context: Context) => {
    const { run } = await modelOf(context, context.req.param("version"));
    return context.json(modelConfig(run, await run.config()));
  };
  const work = async (context: Context) =>
    infer(context.req.raw, await runOf(context, services), context.req.param("version"), services);
  for (const model of ["/v2/models/:name", "/v2/models/:name/versions/:version"]) {
    app.get(model, metadata);
    app.get(`${model}/ready`, ready);
    app.get(`${model}/config`, config);
    app.post(`${model}/infer`, work);
  }
  app.post("/v2/repository/index", async (context) => {
    return context.json(repositoryIndex(await runs.summaries()));
  });
}
