/** The schemas of the API's JSON, for openapi.ts. A property that no `required` names may be absent. */
import { runStates } from "../run/summaries.ts";

export type Schema = Readonly<Record<string, unknown>>;

export const text = { type: "string" } as const;
export const number = { type: "number" } as const;
export const flag = { type: "boolean" } as const;
export const whole = { type: "integer", minimum: 0 } as const;
/** An object with further properties than are listed here. */
export const anObject = { type: "object", additionalProperties: true } as const;
export const list = (items: Schema) => ({ type: "array", items });
export const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** An object whose properties all occur, but for those of `optional`. */
export const object = (
  properties: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
) => ({
  type: "object",
  ...(Object.keys(properties).length > 0 && { required: Object.keys(properties) }),
  properties: { ...properties, ...optional },
});

const sample = object(
  { epoch: whole, file: { ...text, description: "relative to the folder of the run" } },
  { step: whole },
);
const score = object(
  { epoch: whole, step: whole, L1: number, SSIM: number },
  { PSNR: number, LPIPS: number, KID: number, phase: text, pairs: whole },
);
const alarm = object({ kind: text, epoch: whole, text, advice: text });

const run = object(
  {
    name: text,
    state: { type: "string", enum: [...runStates] },
    usable: { ...flag, description: "whether it has weights to translate with" },
    step: whole,
    epoch: whole,
    epochs: whole,
    losses: { type: "object", additionalProperties: number },
    metric: text,
    alarms: list(alarm),
    about: text,
  },
  {
    lastStep: whole,
    secondsPerStep: number,
    secondsLeft: number,
    imagesPerSecond: number,
    best: score,
    sample,
    trainer: object({ pid: whole, host: text, since: { type: "string", format: "date-time" }, here: flag }),
    failure: text,
    problem: text,
  },
);

const detail = object(
  {
    config: { ...anObject, description: "the run's config.json" },
    samples: list(sample),
    scores: list(score),
    weights: { ...list(text), description: "latest, best, numbers of kept epochs, iter_500: values of epoch" },
    pages: list(object({ title: text, file: text })),
  },
  { status: anObject },
);

/** A tensor of a request or an answer; its values are `data`, or bytes behind the JSON (binary_data_size). */
const tensor = (name: string, data: Schema) =>
  object(
    {
      name: { type: "string", enum: [name] },
      datatype: { type: "string", enum: ["FP32"] },
      shape: { ...list(whole), minItems: 4, maxItems: 4, description: "[n, channels, height, width]" },
    },
    { data, parameters: object({}, { binary_data_size: whole }) },
  );
const valueInfo = object({
  name: text,
  datatype: text,
  shape: { ...list({ type: "integer" }), description: "-1: any size" },
});
const configValue = object({ name: text, data_type: text, dims: list({ type: "integer" }) });

/** The named schemas of the document. */
export const schemas = {
  Failure: object({ error: text }),
  Server: object({ version: text, checkpointsDir: text, canTrain: flag }),
  Run: run,
  RunDetail: { allOf: [ref("Run"), detail] },
  Losses: object({
    steps: list(whole),
    epochs: list(whole),
    lines: whole,
    series: {
      type: "object",
      // Without min and max each bucket is one step.
      additionalProperties: object({ mean: list(number) }, { min: list(number), max: list(number) }),
    },
  }),
  InferRequest: object(
    {
      inputs: {
        ...list(tensor("real_A", { type: "array", items: {}, description: "numbers, flat or in nested lists" })),
        minItems: 1,
        maxItems: 1,
      },
    },
    {
      id: text,
      parameters: object(
        {},
        {
          seed: whole,
          dropout: { type: "string", enum: ["on", "off"] },
          statistics: { type: "string", enum: ["batch", "running", "image"] },
          binary_data_output: flag,
        },
      ),
      outputs: list(
        object({ name: { type: "string", enum: ["fake_B"] } }, { parameters: object({}, { binary_data: flag }) }),
      ),
    },
  ),
  InferResponse: object(
    { model_name: text, model_version: text, outputs: list(tensor("fake_B", list(number))) },
    { id: text },
  ),
  ServerMetadata: object({ name: text, version: text, extensions: list(text) }),
  ModelMetadata: object({
    name: text,
    versions: list(text),
    platform: text,
    inputs: list(valueInfo),
    outputs: list(valueInfo),
  }),
  ModelConfig: object({
    name: text,
    platform: text,
    backend: text,
    max_batch_size: whole,
    input: list(configValue),
    output: list(configValue),
  }),
  RepositoryEntry: object({
    name: text,
    version: text,
    state: { type: "string", enum: ["READY", "UNAVAILABLE"] },
    reason: text,
  }),
  Health: object({ status: text, version: text, waiting: whole }),
};
