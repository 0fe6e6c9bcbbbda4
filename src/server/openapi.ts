/** The description of the API for machines: https://spec.openapis.org/oas/v3.1.0 */
import { precisions } from "../formats/compact.ts";
import { anObject, list, object, ref, type Schema, schemas, text, whole } from "./schemas.ts";

const more = (what: string) => ({
  type: "integer",
  minimum: 1,
  description: `${what} beyond the end that the run has now; without, it goes on to that end`,
});
const json = (schema: Schema) => ({ "application/json": { schema } });
const binary = { type: "string", format: "binary" } as const;

const named = (name: string, place: "path" | "query", description: string, schema: Schema = text) => ({
  name,
  in: place,
  description,
  required: place === "path",
  schema,
});
const runName = named("name", "path", "name of the run");
const precisionOf = named("precision", "query", "of the weights; default float32", {
  type: "string",
  enum: [...precisions],
});
const epochOf = named(
  "epoch",
  "query",
  "weights: latest, best, the number of a kept epoch, or iter_500; default latest",
);

const failures: Readonly<Record<number, string>> = {
  401: "a token is needed and was not given",
  403: "the host or the origin is foreign",
  404: "there is no such run, file or version",
  409: "the state of the run does not allow it",
  413: "the body, the picture or the number of pictures is too large",
  415: "the body is no picture where one is expected, or is compressed in another way than gzip and deflate",
  422: "a value is wrong, or the picture is damaged",
  429: "too many pictures and exports wait, the bodies and answers of other requests fill the memory, or too many pages watch; Retry-After says how many seconds to wait",
  501: "this server cannot train",
  503: "the server is about to end, or the time is over; see Retry-After",
};

/** Answers of an operation: what it gives, and the failures it may have. */
function answers(description: string, content: Schema | undefined, statuses: readonly number[], status = 200) {
  const failed = statuses.map((each) => [
    String(each),
    {
      description: failures[each]!,
      content: json(ref("Failure")),
      ...([429, 503].includes(each) && { headers: { "Retry-After": { schema: whole, description: "seconds" } } }),
    },
  ]);
  return {
    [String(status)]: { description, ...(content && { content }) },
    ...Object.fromEntries(failed),
  };
}

const get = (operationId: string, summary: string, parameters: readonly unknown[], responses: Schema) => ({
  get: { operationId, summary, parameters, responses },
});

const startBody = object(
  { name: text, dataroot: { ...text, description: "a folder of those that the server reads" } },
  {
    options: {
      type: "object",
      description: "values by the keys of config.json",
      additionalProperties: { type: ["string", "number", "boolean"] },
    },
  },
);

const runPaths = {
  "/api": get(
    "getServer",
    "version, folder of the runs, and whether this server can train",
    [],
    answers("the server", json(ref("Server")), [401, 403]),
  ),
  "/api/runs": {
    ...get("listRuns", "all runs with their state", [], answers("the runs", json(list(ref("Run"))), [401, 403])),
    post: {
      operationId: "startRun",
      summary: "begin a run, in a process that the server starts",
      parameters: [],
      requestBody: { required: true, content: json(startBody) },
      responses: answers(
        "it trains",
        json(object({ pid: whole, name: text })),
        [401, 403, 409, 413, 415, 422, 501],
        202,
      ),
    },
  },
  "/api/runs/{name}": {
    ...get(
      "getRun",
      "one run: state, options, samples, scores, weights",
      [runName],
      answers("the run", json(ref("RunDetail")), [401, 403, 404]),
    ),
    delete: {
      operationId: "deleteRun",
      summary: "delete the folder of a run that nobody trains",
      parameters: [runName],
      responses: answers("it is deleted", undefined, [401, 403, 404, 409, 501], 204),
    },
  },
  "/api/runs/{name}/studio": get(
    "getStudio",
    "what a page needs to draw inputs of a run",
    [runName],
    answers("size, palette and switches", json(anObject), [401, 403, 404, 422, 429, 503]),
  ),
  "/api/runs/{name}/pair": get(
    "getPair",
    "a pair of the data set at random, test pairs before others",
    [runName],
    answers(
      "a form with the PNGs input and target",
      { "multipart/form-data": { schema: anObject } },
      [401, 403, 404, 422, 429, 503],
    ),
  ),
  "/api/runs/{name}/patches": get(
    "judgeSample",
    "where the run's discriminator takes the outputs and targets of a sample for real",
    [runName, named("sample", "query", "file in the run's folder; default the newest sample")],
    answers("maps of values from 0 to 1 for each pair", json(anObject), [401, 403, 404, 409, 422, 429, 503]),
  ),
  "/api/runs/{name}/losses": get(
    "getLosses",
    "losses by step, in buckets with mean, least and largest value",
    [
      runName,
      named("from", "query", "first step", whole),
      named("to", "query", "last step", whole),
      named("points", "query", "most buckets, 1 to 5000; default 800", { type: "integer", minimum: 1, maximum: 5000 }),
    ],
    answers("the losses", json(ref("Losses")), [401, 403, 404, 422]),
  ),
  "/api/runs/{name}/events": get(
    "watchRun",
    "server-sent events of a run: run, losses, reset",
    [runName],
    answers("a stream that stays open", { "text/event-stream": { schema: text } }, [401, 403, 404, 429, 503]),
  ),
  "/api/events": get(
    "watchRuns",
    "server-sent events of all runs, or with the losses of those that are named",
    [named("run", "query", "name of a run; may be given several times", list(text))],
    answers("a stream that stays open", { "text/event-stream": { schema: text } }, [401, 403, 404, 422, 429, 503]),
  ),
  "/api/runs/{name}/files/{path}": get(
    "getFile",
    "a file of the run: samples, pages, logs, weights",
    [runName, named("path", "path", "path in the run's folder, such as samples/epoch_001.png")],
    answers("the file", { "*/*": { schema: binary } }, [401, 403, 404]),
  ),
  "/api/runs/{name}/onnx": get(
    "exportOnnx",
    "the generator as an ONNX file",
    [runName, epochOf, precisionOf],
    answers("the file", { "application/octet-stream": { schema: binary } }, [401, 403, 404, 409, 422, 429, 503]),
  ),
};

const change = (operationId: string, summary: string, request: Schema, responses: Schema) => ({
  post: { operationId, summary, parameters: [runName], ...request, responses },
});

const workPaths = {
  "/api/data": get(
    "listData",
    "folders that can be trained on",
    [],
    answers("the folders", json(object({ folders: list(text) })), [401, 403]),
  ),
  "/api/runs/{name}/translate": {
    post: {
      operationId: "translate",
      summary: "a picture in, the generator's picture out; several as the files of a form",
      parameters: [
        runName,
        epochOf,
        named("seed", "query", "seed of the dropout masks; default the run's", whole),
        named("sample", "query", "number of the output for this picture; default 0", whole),
        named("name", "query", "name of the picture: masks depend on it, as in pix2pix translate"),
        named("dropout", "query", "default the run's", { type: "string", enum: ["on", "off"] }),
        named("statistics", "query", "of batch norms; default the run's", {
          type: "string",
          enum: ["batch", "running", "image"],
        }),
        named("preprocess", "query", "how the picture is brought to the network's size; default the run's"),
        named("keep-size", "query", "whether the output gets the size of the picture", { type: "boolean" }),
      ],
      requestBody: {
        required: true,
        content: {
          "image/*": { schema: binary },
          "application/octet-stream": { schema: binary },
          "multipart/form-data": { schema: { type: "object", additionalProperties: binary } },
        },
      },
      responses: answers(
        "the picture; for a form a form with a PNG for each picture",
        { "image/png": { schema: binary }, "multipart/form-data": { schema: anObject } },
        [401, 403, 404, 409, 413, 415, 422, 429, 503],
      ),
    },
  },
  "/api/runs/{name}/stop": change(
    "stopRun",
    "ask whoever trains the run to save and end",
    {},
    answers("it was asked", undefined, [401, 403, 404, 409, 501], 202),
  ),
  "/api/runs/{name}/continue": change(
    "continueRun",
    "go on with a run, in a process that the server starts",
    {
      requestBody: { content: json({ type: "object", properties: { epochs: more("epochs"), steps: more("steps") } }) },
    },
    answers("it trains", json(object({ pid: whole })), [401, 403, 404, 409, 413, 415, 422, 501], 202),
  ),
};

const model = named("name", "path", "name of the run");
const version = named("version", "path", "weights, as epoch elsewhere");
const inferBody = {
  required: true,
  content: { ...json(ref("InferRequest")), "application/octet-stream": { schema: binary } },
};
/** The paths of a model, or of one of its versions. */
const modelPaths = (path: string, suffix: string, parameters: readonly unknown[]) => ({
  [path]: get(
    `modelMetadata${suffix}`,
    "inputs, outputs and versions",
    parameters,
    answers("the model", json(ref("ModelMetadata")), [401, 403, 404]),
  ),
  [`${path}/ready`]: get(
    `modelReady${suffix}`,
    "whether it has weights",
    parameters,
    answers("it has", undefined, [401, 403, 404]),
  ),
  [`${path}/config`]: get(
    `modelConfig${suffix}`,
    "Triton's configuration",
    parameters,
    answers("the model", json(ref("ModelConfig")), [401, 403, 404]),
  ),
  [`${path}/infer`]: {
    post: {
      operationId: `infer${suffix}`,
      summary: "a tensor real_A in, a tensor fake_B out, as JSON or with binary tensor data",
      parameters,
      requestBody: inferBody,
      responses: answers(
        "the output, with binary data if it is asked for",
        { ...json(ref("InferResponse")), "application/octet-stream": { schema: binary } },
        [401, 403, 404, 409, 413, 415, 422, 429, 503],
      ),
    },
  },
});

const kservePaths = {
  "/v2": get(
    "serverMetadata",
    "name, version and extensions",
    [],
    answers("the server", json(ref("ServerMetadata")), [401, 403]),
  ),
  "/v2/health/live": get("serverLive", "whether the process answers", [], answers("it does", undefined, [])),
  "/v2/health/ready": get("serverReady", "whether it takes pictures", [], answers("it does", undefined, [503])),
  ...modelPaths("/v2/models/{name}", "", [model]),
  ...modelPaths("/v2/models/{name}/versions/{version}", "Version", [model, version]),
  "/v2/repository/index": {
    post: {
      operationId: "repositoryIndex",
      summary: "all models, and whether they have weights",
      parameters: [],
      responses: answers("the models", json(list(ref("RepositoryEntry"))), [401, 403]),
    },
  },
  "/openapi.json": get("getDocument", "this document", [], answers("the document", json(anObject), [401, 403])),
  "/healthz": get("health", "for watchdogs", [], answers("it lives", json(ref("Health")), [503])),
};

const components = {
  securitySchemes: {
    token: { type: "http", scheme: "bearer", description: "only where the server was started with --token" },
  },
  schemas,
};

/** The document of `GET /openapi.json`. */
export function openapi(version: string): Schema {
  return {
    openapi: "3.1.0",
    info: {
      title: "pix2pix serve",
      version,
      description: "Runs of pix2pix: their state, their losses, their generators.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{}, { token: [] }],
    paths: { ...runPaths, ...workPaths, ...kservePaths },
    components,
  };
}
