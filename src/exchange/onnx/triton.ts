/**
 * --format triton: a model repository of the Triton Inference Server, with dynamic batching. KServe's Triton runtime takes
 * the same folder.
 */
import * as z from "zod";
import { option } from "../../config/options.ts";
import { sideForms } from "../../data/sides.ts";
import type { Model, ValueInfo } from "../../onnx/model.ts";
import { exportFormat } from "../format.ts";
import { type ExportModel, fileStem } from "../model.ts";
import { type OnnxForm, pictureModel } from "./assemble.ts";
import { writeOnnx } from "./files.ts";
import { formOf, type OnnxOptions, onnxOptions, onnxProblems } from "./options.ts";
import { channelsOfPicture } from "./pictures.ts";
import { valuesUsage } from "./usage.ts";

const tritonOptions = {
  ...onnxOptions,
  maxBatch: option(z.int().min(1).max(1024).default(8), {
    group: "Triton",
    unit: "pictures",
    help: "most pictures in a batch that Triton makes of several requests",
  }),
};

export const triton = exportFormat({
  help: "a model repository for the Triton Inference Server and KServe, with dynamic batching",
  options: tritonOptions,
  problems: onnxProblems,
  async write(model, options, context) {
    const form = batchForm(model, options);
    const name = fileStem(model);
    await context.write(`${name}/config.pbtxt`, configText(name, pictureModel(model, form), options.maxBatch));
    await writeOnnx(`${name}/1/model.onnx`, model, form, context);
  },
  usage: (model, options) => {
    const form = batchForm(model, options);
    return [valuesUsage(model, form), serving(model, form)].join("\n\n");
  },
});

/** Triton adds the axis of the batch to every request. */
const batchForm = (model: ExportModel, options: OnnxOptions): OnnxForm => ({
  ...formOf(model, options),
  anyBatch: true,
});

/** Microseconds that a request waits for others. */
const queueDelay = 1000;

/**
 * The text of config.pbtxt (ModelConfig of Triton's model_config.proto).
 * @see https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html
 */
function configText(name: string, model: Model, maxBatch: number): string {
  return `name: ${JSON.stringify(name)}
backend: "onnxruntime"
max_batch_size: ${maxBatch}
input [
${valueText(model.inputs[0]!)}
]
output [
${valueText(model.outputs[0]!)}
]
dynamic_batching {
  max_queue_delay_microseconds: ${queueDelay}
}
`;
}

/** Without the axis of the batch; -1 is an open size. */
function valueText({ name, type, shape }: ValueInfo): string {
  const dims = shape.slice(1).map((size) => (typeof size === "string" ? -1 : size));
  const lines = [
    `name: ${JSON.stringify(name)}`,
    `data_type: ${type === "uint8" ? "TYPE_UINT8" : "TYPE_FP32"}`,
    `dims: [ ${dims.join(", ")} ]`,
  ];
  return ["  {", ...lines.map((line) => `    ${line}`), "  }"].join("\n");
}

function serving(model: ExportModel, { size, bytes }: OnnxForm): string {
  const name = fileStem(model);
  const channels = channelsOfPicture(sideForms(model.config).input, bytes);
  const [height, width] = size ? [size.height, size.width] : [256, 256];
  const shape = bytes ? `[1, ${height}, ${width}, ${channels}]` : `[1, ${channels}, ${height}, ${width}]`;
  const type = bytes ? "UINT8" : "FP32";
  return `### Triton

\`\`\`sh
docker run --rm -p 8000:8000 -v "$PWD":/models nvcr.io/nvidia/tritonserver:24.10-py3 tritonserver --model-repository=/models
\`\`\`

\`\`\`python
import tritonclient.http as http

client = http.InferenceServerClient("localhost:8000")
real_A = http.InferInput("real_A", ${shape}, "${type}")
real_A.set_data_from_numpy(picture)
fake_B = client.infer("${name}", [real_A]).as_numpy("fake_B")
\`\`\`

### KServe

Put this folder where the cluster can read it, and name it in an InferenceService:

\`\`\`yaml
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: ${name.toLowerCase().replace(/[^a-z0-9-]+/g, "-")}
spec:
  predictor:
    model:
      modelFormat:
        name: triton
      protocolVersion: v2
      storageUri: pvc://models/this-folder
\`\`\``;
}
