/** A trained generator as the bytes of an ONNX file. */
import * as z from "zod";
import { parseOptions } from "../../config/options.ts";
import { ConfigError, refuse, UserError } from "../../errors.ts";
import { encodeModel } from "../../onnx/encode.ts";
import type { Model } from "../../onnx/model.ts";
import type { Files, Ort } from "../../platform.ts";
import { Random } from "../../random.ts";
import { type ExportModel, modelOfRun } from "../model.ts";
import { inputName, type OnnxForm, outputName, pictureModel } from "./assemble.ts";
import { type Difference, described } from "./metadata.ts";
import { formOf, type OnnxOptions, onnxOptions, onnxProblems } from "./options.ts";

/** The largest message of protobuf. */
const mostBytes = 2 ** 31 - 1;

/** The bytes of a model with its description. @throws UserError above 2 GB, which no ONNX file can have */
export function onnxFile(
  model: Model,
  from: ExportModel,
  form: OnnxForm,
  facts: { licence?: string | undefined; difference?: Difference | undefined },
): Uint8Array<ArrayBuffer> {
  const size = model.initializers.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (size > mostBytes - 2 ** 20) {
    throw new UserError(
      `the weights of ${from.name} take ${(size / 1e9).toFixed(1)} GB, but an ONNX file holds at most 2.1 GB; --fp16 halves them, --int8 quarters them`,
    );
  }
  return encodeModel(described(model, from, form, { ...facts, date: new Date() }));
}

/** Pixels of the test picture where a file takes any size. */
const testSide = 256;

/**
 * The difference between the outputs of two files for one picture.
 * @param form the form of both, which differ in precision only; without dropout
 */
export async function differenceOf(one: Model, other: Model, form: OnnxForm, ort: Ort): Promise<Difference> {
  const [a, b] = [await outputFor(one, form, ort), await outputFor(other, form, ort)];
  const steps = a.map((value, i) => Math.abs(value - b[i]!) * 127.5);
  return {
    mean: steps.reduce((sum, value) => sum + value, 0) / steps.length,
    largest: steps.reduce((most, value) => Math.max(most, value), 0),
  };
}

async function outputFor(model: Model, { size }: OnnxForm, ort: Ort): Promise<Float32Array> {
  const { height, width } = size ?? { height: testSide, width: testSide };
  const shape = [1, Number(model.inputs[0]!.shape[1]), height, width];
  const session = await ort.InferenceSession.create(encodeModel(model));
  const picture = testPicture(shape[1]!, height, width);
  const outputs = await session.run({ [inputName]: new ort.Tensor("float32", picture, shape) });
  await session.release();
  return outputs[outputName]!.data as Float32Array;
}

/** Squares of random colours in [-1, 1], as in a label map: [channels, height, width]. */
function testPicture(channels: number, height: number, width: number): Float32Array {
  const square = 16;
  const columns = Math.ceil(width / square);
  const colours = new Float32Array(channels * columns * Math.ceil(height / square));
  new Random(1, "export", 0).fillNormal(colours, 0, 0.5);
  const across = colours.length / channels / columns;
  return Float32Array.from({ length: channels * height * width }, (_, i) => {
    const [channel, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    const at = (channel * across + Math.floor(y / square)) * columns + Math.floor(x / square);
    return Math.max(-1, Math.min(1, colours[at]!));
  });
}

/** The run, the choice of its weights, and the form of the file. */
export interface ExportOptions {
  /** The name of the run. */
  name: string;
  /** The folder of the runs. */
  checkpointsDir: string;
  /** Which weights: "latest" (default), "best", or the number of a kept epoch. */
  epoch?: string | undefined;
  /** Size of the pictures, 1 to 99999 pixels: with `height`. Default: the crop size of the run; any size where the run does not crop. */
  width?: number | undefined;
  /** With `width`. */
  height?: number | undefined;
  /** Any number of pictures of any size; without `width` and `height`. Default false. */
  dynamic?: boolean | undefined;
  /** Bytes, [N, height, width, channels], in place of values in [-1, 1], [N, channels, height, width]. Default false. */
  uint8?: boolean | undefined;
  /** Weights and activations in half precision. Default false. */
  fp16?: boolean | undefined;
  /** Weights of convolutions in 8 bits; without `fp16`. Everything is computed in float32. Default false. */
  int8?: boolean | undefined;
  /** The version of ONNX's operator set, 13 to 23. Default 18. */
  opset?: number | undefined;
  /** The statistics of batch norms; "batch" is that of each picture. Default: the run's. */
  statistics?: OnnxForm["statistics"] | undefined;
  /** Default "off". */
  dropout?: OnnxForm["dropout"] | undefined;
  /** The licence of the weights, for the file's metadata. */
  licence?: string | undefined;
}

/**
 * The generator of a run as the bytes of an ONNX model with its weights. Its input is `real_A` [1, channels, height,
 * width], its output `fake_B` of the same form: pictures in [-1, 1], in RGB whatever order the network sees. The
 * output is that of `Translator.translate` without dropout.
 * @throws CheckpointError when the run or its weights do not exist, are damaged, or are of another network
 * @throws ConfigError for options that are out of their range or do not fit the run, or one another
 *
 * @example
 * ```ts
 * import { exportOnnx } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const { files } = await nodePlatform();
 * const options = { name: "mine", checkpointsDir: "runs", dynamic: true, uint8: true };
 * await files.write("mine.onnx", await exportOnnx(options, files));
 * ```
 */
export async function exportOnnx(options: ExportOptions, files: Files): Promise<Uint8Array<ArrayBuffer>> {
  const { epoch = "latest", licence } = options;
  const chosen = onnxOptionsOf(options);
  const model = await modelOfRun(options, epoch, files);
  refuse(onnxProblems(model, chosen));
  const form = formOf(model, chosen);
  return onnxFile(pictureModel(model, form), model, form, { licence });
}

/** The options of `export --format onnx` that say the same. @throws ConfigError */
function onnxOptionsOf({ width, height, ...options }: ExportOptions): OnnxOptions {
  if ((width === undefined) !== (height === undefined)) {
    throw new ConfigError(`width and height: got ${width} and ${height}, expected both or neither`);
  }
  const size = width === undefined ? undefined : `${width}x${height}`;
  const own = Object.entries({ ...options, size }).filter(([key, value]) => key in onnxOptions && value !== undefined);
  return parseOptions(z.object(onnxOptions), Object.fromEntries(own));
}
