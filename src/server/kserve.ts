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
import type { Run } from "../run/run.ts";
import { bodyOf, objectIn } from "./body.ts";
import type { Choice, Generators } from "./generators.ts";
import type { Limits } from "./limits.ts";
import { Refusal } from "./problem.ts";
import type { RunSummary } from "./runs.ts";
import { queryOf } from "./translate.ts";

const inputName = "real_A";
const outputName = "fake_B";
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

interface InferenceInput {
  shape: readonly [n: number, channels: number, height: number, width: number];
  values: Float32Array;
}

interface InferenceRequest {
  id: string | undefined;
  input: InferenceInput;
  /** Whether the output goes out as bytes behind the JSON. */
  binary: boolean;
  choice: Omit<Choice, "run">;
  seed: number | undefined;
}

/** POST /v2/models/:name/infer. @param version of the model: the epoch of the weights */
export async function infer(
  request: Request,
  run: Run,
  version: string | undefined,
  { generators, limits }: { generators: Generators; limits: Limits },
): Promise<Response> {
  generators.checkRoom(1);
  const config = await run.config();
  const bytes = await bodyOf(request, limits.body);
  const asked = requestIn(bytes, request.headers.get(headerLength), version);
  const { shape, values } = asked.input;
  checkShape(shape, config, limits);
  const tensor = { A: values, shape, draw: { seed: asked.seed } };
  const output = await generators.run({ ...asked.choice, run }, tensor, request.signal);
  const [n, , height, width] = shape;
  return answer(asked, run, output, [n, config.outputNc, height, width]);
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
    if (parameters[name] !== undefined) query.set(name, String(parameters[name]));
  }
  const { draw, ...settings } = queryOf(query);
  return {
    id: typeof body.id === "string" ? body.id : undefined,
    input: inputIn(body, bytes.subarray(split)),
    binary: wantsBinary(body, parameters),
    choice: { ...settings, epoch: version ?? "latest" },
    seed: draw.seed,
  };
}

function inputIn(body: Record<string, unknown>, rest: Uint8Array): InferenceInput {
  const inputs = Array.isArray(body.inputs) ? body.inputs.map(objectOf) : [];
  const [input] = inputs;
  if (!input || inputs.length !== 1 || input.name !== inputName) {
    throw new Refusal(
      422,
      `inputs: got ${inputs.length} (${inputs.map(({ name }) => name).join(", ")}), expected one, ${inputName}`,
    );
  }
  if (input.datatype !== "FP32")
    throw new Refusal(422, `${inputName}: its datatype is ${input.datatype}, expected FP32`);
  const { shape } = input;
  if (!isShape(shape)) {
    throw new Refusal(
      422,
      `${inputName}: its shape is ${JSON.stringify(shape)?.slice(0, 100)}, expected four whole numbers [n, channels, height, width]`,
    );
  }
  const count = shape.reduce((product, side) => product * side, 1);
  const size = objectOf(input.parameters).binary_data_size;
  const values = size === undefined ? valuesIn(input.data, count) : floatsIn(rest, size, count);
  return { shape, values };
}

const isShape = (value: unknown): value is InferenceInput["shape"] =>
  Array.isArray(value) && value.length === 4 && value.every((side) => Number.isInteger(side) && side > 0);

function floatsIn(rest: Uint8Array, size: unknown, count: number): Float32Array {
  if (size !== count * 4 || rest.length < count * 4) {
    throw new Refusal(
      422,
      `${inputName}: binary data of ${size} bytes (${rest.length} came), expected ${count * 4} for its shape`,
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

function checkShape(
  [n, channels, height, width]: InferenceInput["shape"],
  config: Config,
  { pixels, pictures }: Limits,
): void {
  if (channels !== config.inputNc) {
    throw new Refusal(422, `${inputName}: it has ${channels} channels, expected ${config.inputNc}`);
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
  if (wrong) throw new Refusal(422, `outputs: got "${wrong.name}", expected ${outputName}`);
  return (objectOf(outputs[0]?.parameters).binary_data ?? parameters.binary_data_output) === true;
}

function answer(
  { id, binary, choice }: InferenceRequest,
  run: Run,
  values: Float32Array,
  shape: readonly number[],
): Response {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength) as Uint8Array<ArrayBuffer>;
  const tensor = { name: outputName, datatype: "FP32", shape };
  const output = binary
    ? { ...tensor, parameters: { binary_data_size: bytes.length } }
    : { ...tensor, data: Array.from(values) };
  const json = JSON.stringify({
    model_name: run.name,
    model_version: choice.epoch,
    ...(id !== undefined && { id }),
    outputs: [output],
  });
  if (!binary) return new Response(json, { headers: { "Content-Type": "application/json" } });
  const head = new TextEncoder().encode(json);
  return new Response(new Blob([head, bytes]), {
    headers: { "Content-Type": "application/octet-stream", [headerLength]: String(head.length) },
  });
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
