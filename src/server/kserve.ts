/**
 * The HTTP protocol of KServe and Triton, version 2, with its binary tensor data:
 * https://github.com/kserve/open-inference-protocol and
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 *
 * A run is a model. Its input `real_A` is [n, inputNc, height, width], its output `fake_B` [n, outputNc, height, width],
 * both FP32 in [-1, 1], as in an exported ONNX file. Its versions are the weights that are kept.
 */
import type { Config } from "../config/schema.ts";
import { quoted } from "../errors.ts";
import { inputName, outputName } from "../exchange/onnx/assemble.ts";
import type { Run } from "../run/run.ts";
import type { RunSummary } from "../run/summaries.ts";
import { type Bodies, objectIn } from "./body.ts";
import type { Generators, TensorBatch } from "./generators.ts";
import type { Limits } from "./limits.ts";
import { Refusal } from "./problem.ts";
import { queryOf } from "./translate.ts";
import type { Unread } from "./unread.ts";

/** Bytes of the JSON at the start of a body that has binary data. */
const headerLength = "Inference-Header-Content-Length";

export const serverMetadata = (version: string) => ({
  name: "pix2pix",
  version,
  extensions: ["binary_tensor_data", "model_repository(index)"],
});

export function modelMetadata(run: Run, { inputNc, outputNc }: Config, versions: readonly string[]) {
  const tensor = (name: string, channels: number) => ({ name, datatype: "FP32", shape: [-1, channels, -1, -1] });
  return {
    name: run.name,
    versions,
    platform: "pix2pix",
    inputs: [tensor(inputName, inputNc)],
    outputs: [tensor(outputName, outputNc)],
  };
}

/** Triton's configuration of a model, of which its clients read sizes and types. */
export function modelConfig(run: Run, { inputNc, outputNc }: Config) {
  const tensor = (name: string, channels: number) => ({ name, data_type: "TYPE_FP32", dims: [-1, channels, -1, -1] });
  return {
    name: run.name,
    platform: "pix2pix",
    backend: "onnxruntime",
    max_batch_size: 0,
    input: [tensor(inputName, inputNc)],
    output: [tensor(outputName, outputNc)],
  };
}

/** All runs; those without weights cannot be asked for outputs. */
export const repositoryIndex = (runs: readonly RunSummary[]) =>
  runs.map(({ name, usable, problem = "it has no weights yet" }) => ({
    name,
    version: "latest",
    state: usable ? "READY" : "UNAVAILABLE",
    reason: usable ? "" : problem,
  }));

type InferenceInput = Pick<TensorBatch, "A" | "shape">;

interface InferenceRequest extends TensorBatch {
  id: string | undefined;
  /** Whether the output goes out as bytes behind the JSON. */
  binary: boolean;
}

interface InferenceServices {
  generators: Generators;
  bodies: Bodies;
  unread: Unread;
  limits: Limits;
}

/** POST /v2/models/:name/infer. @param version of the model: the epoch of the weights */
export async function infer(
  request: Request,
  run: Run,
  version: string | undefined,
  { generators, bodies, unread, limits }: InferenceServices,
): Promise<Response> {
  generators.checkRoom(1);
  const config = await run.config();
  const decode = async (bytes: Uint8Array) => {
    const asked = requestIn(bytes, request.headers.get(headerLength), version);
    checkShape(asked.shape, config, limits);
    return asked;
  };
  const respond = async (values: Float32Array, asked: InferenceRequest) => {
    const [n, , height, width] = asked.shape;
    const response = answer(asked, run, values, [n, config.outputNc, height, width]);
    return { response, length: values.byteLength };
  };
  const { response, length } = await bodies.use(request, (bytes) =>
    generators.infer({ run, decode: () => decode(bytes), answer: respond }, request.signal),
  );
  return new Response(unread.send(response.body!, length), { headers: response.headers });
}

function requestIn(bytes: Uint8Array, header: string | null, version: string | undefined): InferenceRequest {
  const split = header === null ? bytes.length : Number(header);
  if (!Number.isInteger(split) || split < 0 || split > bytes.length) {
    throw new Refusal(
      422,
      `${headerLength}: got "${header}", expected a whole number up to the body's ${bytes.length} bytes`,
    );
  }
  const body = objectIn(new TextDecoder().decode(bytes.subarray(0, split)));
  const parameters = objectOf(body.parameters);
  const query = new URLSearchParams();
  for (const name of ["seed", "dropout", "statistics"]) {
    if (parameters[name] !== undefined) query.set(name, shown(parameters[name]));
  }
  const { draw, dropout, statistics } = queryOf(query);
  return {
    id: typeof body.id === "string" ? body.id : undefined,
    ...inputIn(body, bytes.subarray(split)),
    binary: wantsBinary(body, parameters),
    epoch: version ?? "latest",
    dropout,
    statistics,
    draw: { seed: draw.seed },
  };
}

function inputIn(body: Record<string, unknown>, rest: Uint8Array): InferenceInput {
  const inputs = Array.isArray(body.inputs) ? body.inputs.map(objectOf) : [];
  const [input] = inputs;
  if (!input || inputs.length !== 1 || input.name !== inputName) {
    throw new Refusal(
      422,
      `inputs: got ${inputs.length} (${inputs
        .slice(0, 4)
        .map(({ name }) => shown(name))
        .join(", ")}), expected one, ${inputName}`,
    );
  }
  if (input.datatype !== "FP32")
    throw new Refusal(422, `${inputName}: its datatype is ${shown(input.datatype)}, expected FP32`);
  const { shape } = input;
  if (!isShape(shape)) {
    throw new Refusal(
      422,
      `${inputName}: its shape is ${quoted(shape)}, expected four whole numbers [n, channels, height, width]`,
    );
  }
  const count = shape.reduce((product, side) => product * side, 1);
  const size = objectOf(input.parameters).binary_data_size;
  return { shape, A: size === undefined ? valuesIn(input.data, count) : floatsIn(rest, size, count) };
}

const isShape = (value: unknown): value is InferenceInput["shape"] =>
  Array.isArray(value) && value.length === 4 && value.every((side) => Number.isInteger(side) && side > 0);

function floatsIn(rest: Uint8Array, size: unknown, count: number): Float32Array {
  if (size !== count * 4 || rest.length < count * 4) {
    throw new Refusal(
      422,
      `${inputName}: binary data of ${shown(size)} bytes (${rest.length} came), expected ${count * 4} for its shape`,
    );
  }
  return finite(new Float32Array(rest.slice(0, count * 4).buffer));
}

/** @param data numbers in lists of any depth */
function valuesIn(data: unknown, count: number): Float32Array {
  const flat = Array.isArray(data) ? (data.flat(3) as unknown[]) : [];
  const other = flat.find((value) => typeof value !== "number");
  const wrong = flat.length !== count ? `${flat.length} values` : other !== undefined && quoted(other, 40);
  if (wrong) {
    throw new Refusal(422, `${inputName}: its data has ${wrong}, expected ${count} numbers for its shape`);
  }
  return finite(Float32Array.from(flat as number[]));
}

function finite(values: Float32Array): Float32Array {
  for (const value of values) {
    if (!Number.isFinite(value))
      throw new Refusal(422, `${inputName}: it has values that are not finite; expected numbers in [-1, 1]`);
  }
  return values;
}

function checkShape(shape: InferenceInput["shape"], { inputNc }: Config, { pixels, pictures }: Limits): void {
  const [n, channels, height, width] = shape;
  if (channels !== inputNc) {
    throw new Refusal(422, `${inputName}: its shape is ${quoted(shape)}, expected [n, ${inputNc}, height, width]`);
  }
  if (n > pictures) throw new Refusal(413, `${inputName}: it has ${n} pictures; at most ${pictures} are taken at once`);
  if (n * height * width > pixels) {
    throw new Refusal(413, `${inputName}: it has ${n * height * width} pixels; at most ${pixels} are taken`);
  }
}

/** The output's own parameter counts, then the request's. */
function wantsBinary(body: Record<string, unknown>, parameters: Record<string, unknown>): boolean {
  const outputs = Array.isArray(body.outputs) ? body.outputs.map(objectOf) : [];
  const wrong = outputs.find(({ name }) => name !== outputName);
  if (wrong) throw new Refusal(422, `outputs: got "${shown(wrong.name)}", expected ${outputName}`);
  return (objectOf(outputs[0]?.parameters).binary_data ?? parameters.binary_data_output) === true;
}

function answer(
  { id, binary, epoch }: InferenceRequest,
  run: Run,
  values: Float32Array,
  shape: readonly number[],
): Response {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength) as Uint8Array<ArrayBuffer>;
  const tensor = { name: outputName, datatype: "FP32", shape };
  const output = binary ? { ...tensor, parameters: { binary_data_size: bytes.length } } : { ...tensor, data: [] };
  const json = JSON.stringify({
    model_name: run.name,
    model_version: epoch,
    ...(id !== undefined && { id }),
    outputs: [output],
  });
  if (!binary) return new Response(withData(json, values), { headers: { "Content-Type": "application/json" } });
  const head = new TextEncoder().encode(json);
  return new Response(new Blob([head, bytes]), {
    headers: { "Content-Type": "application/octet-stream", [headerLength]: String(head.length) },
  });
}

/** What an answer ends with while its data is empty. */
const end = "]}]}";
/** Values of one piece. */
const piece = 2 ** 16;

/** The answer with its data, piece by piece as it is read: as one text a large output would be longer than a text may be. */
function withData(json: string, values: Float32Array): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const head = json.slice(0, -end.length);
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const text = JSON.stringify(Array.from(values.subarray(at, at + piece))).slice(1, -1);
      const isLast = at + piece >= values.length;
      controller.enqueue(encoder.encode(`${at === 0 ? head : ","}${text}${isLast ? end : ""}`));
      at += piece;
      if (isLast) controller.close();
    },
  });
}

/** A value of a request for a message: texts as they are, others as JSON. */
const shown = (value: unknown): string => (typeof value === "string" ? value.slice(0, 40) : quoted(value, 40));

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
