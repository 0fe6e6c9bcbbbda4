/** ONNX files with 8-bit weights: in ONNX Runtime they give what the site's 8-bit weights give, in a quarter of the bytes. */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import type { ConfigInput } from "../../src/config/schema.ts";
import { type ExportModel, modelOfRun } from "../../src/exchange/model.ts";
import { type OnnxForm, pictureModel } from "../../src/exchange/onnx/assemble.ts";
import { exportOnnx } from "../../src/exchange/onnx/export.ts";
import { compactWeights, expandWeights } from "../../src/formats/compact.ts";
import { decode, encode } from "../../src/formats/safetensors.ts";
import { joined } from "../../src/formats/streams.ts";
import { files } from "../../src/node/files.ts";
import { encodeModel } from "../../src/onnx/encode.ts";
import { workFolder } from "../work-folder.ts";
import { picture, planes } from "./pictures.ts";
import { storedRun } from "./stored-run.ts";

const checkpointsDir = workFolder("int8");
let runs = 0;
async function stored(options: Partial<ConfigInput>): Promise<ExportModel> {
  const name = `run${++runs}`;
  await storedRun(checkpointsDir, name, options);
  return modelOfRun({ name, checkpointsDir }, "latest", files);
}

/** The weights as a visitor of the site gets them. */
const fromSite = (model: ExportModel): ExportModel => {
  const sent = joined(encode(compactWeights(model.tensors, "int8")));
  return { ...model, tensors: decode(expandWeights(sent, "site"), "site").tensors };
};

const form: OnnxForm = {
  size: undefined,
  anyBatch: true,
  bytes: false,
  precision: "float32",
  opset: 18,
  statistics: "batch",
  dropout: "off",
};

/** With weights that are expanded when the file is loaded, the kernels are those of float32. */
const expanding = { session: { disable_quant_qdq: "1" } };

async function outputOf(model: ExportModel, precision: OnnxForm["precision"], extra = {}): Promise<Float32Array> {
  const bytes = encodeModel(pictureModel(model, { ...form, precision }));
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3, extra });
  const pictures = [picture(53, 40, model.config.inputNc, 1), picture(53, 40, model.config.inputNc, 2)].map(planes);
  const values = Float32Array.from(pictures.flatMap((each) => [...each]));
  const { fake_B } = await session.run({ real_A: new Tensor("float32", values, [2, model.config.inputNc, 40, 53]) });
  await session.release();
  return fake_B!.data as Float32Array;
}

const apart = (a: Float32Array, b: Float32Array) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);

it.each<[string, Partial<ConfigInput>]>([
  ["unet_32", {}],
  ["unet_32 with resize convolutions and filters", { upsample: "resize", blurPool: "both", norm: "instance" }],
  ["unet_32 with separable convolutions", { separableConv: true }],
  ["resnet_6blocks", { netG: "resnet_6blocks", norm: "instance" }],
  ["global_9blocks", { netG: "global_9blocks", ngf: 2, norm: "instance" }],
  ["enhancer", { netG: "enhancer", ngf: 1, norm: "instance", loadSize: 64, cropSize: 64 }],
])("%s: each convolution has the site's 8-bit weights", async (_, options) => {
  const model = await stored(options);
  const { nodes, initializers } = pictureModel(model, { ...form, precision: "int8" });
  const types = new Map(initializers.map(({ name, type }) => [name, type]));
  const weights = Object.entries(model.tensors).filter(([, { shape }]) => shape.length === 4);
  for (const [name] of weights) {
    expect(types.get(`netG.${name}_int8`), name).toBe("int8");
    expect(types.has(`netG.${name}`), name).toBe(false);
  }
  expect(nodes.filter(({ type }) => type === "DequantizeLinear")).toHaveLength(weights.length);
  const [got, site] = [await outputOf(model, "int8"), await outputOf(fromSite(model), "float32")];
  expect(apart(got, site)).toBeLessThan(1e-3);
  expect(await outputOf(model, "int8", expanding)).toEqual(site);
  expect(apart(got, await outputOf(model, "float32"))).toBeGreaterThan(2e-3);
});

it("is about a quarter of the file, of every operator set", async () => {
  await storedRun(checkpointsDir, "wide", { ngf: 16 });
  const file = (options: object) => exportOnnx({ name: "wide", checkpointsDir, ...options }, files);
  const whole = (await file({})).length;
  for (const opset of [13, 18, 23]) expect((await file({ int8: true, opset })).length / whole).toBeLessThan(0.27);
  await expect(file({ int8: true, fp16: true })).rejects.toThrow("--fp16 and --int8: the weights have one precision");
});
