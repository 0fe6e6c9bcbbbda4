/**
 * Edge strengths by a network in an ONNX file of the user's, such as HED (Xie and Tu 2015), which the paper used.
 *
 * The model has one input, float32 [1, 3, height, width], of any size or of one fixed size. Its values are, with
 * `caffe` (conversions of the published HED), B, G, R from 0 to 255 minus 104.00699, 116.66877, 122.67891; with `unit`,
 * R, G, B from 0 to 1. The output is float32 with height * width strengths from 0 to 1 (after the sigmoid). If there
 * are several outputs, the last one is used, which is the fused one of HED.
 */
import { mirrored } from "../data/mirror.ts";
import { messageOf, UserError } from "../errors.ts";
import type { InferenceSession, Ort, Picture } from "../platform.ts";
import type { Plane } from "./filters.ts";

export type ModelInput = "caffe" | "unit";

/** The training set's mean of B, G and R, as published with HED. */
const means = [104.00698793, 116.66876762, 122.67891434] as const;

/** The input, [1, 3, height + 2 border, width + 2 border], with mirrored borders. @param picture 1 or 3 channels */
export function modelInput(picture: Picture, input: ModelInput, border: number): Float32Array {
  const { width, height, channels, data } = picture;
  const [w, h] = [width + 2 * border, height + 2 * border];
  const out = new Float32Array(3 * w * h);
  const columns = Int32Array.from({ length: w }, (_, x) => mirrored(x - border, width) * channels);
  for (let c = 0; c < 3; c++) {
    const source = channels < 3 ? 0 : input === "caffe" ? 2 - c : c;
    for (let y = 0; y < h; y++) {
      const row = mirrored(y - border, height) * width * channels + source;
      for (let x = 0; x < w; x++) {
        const value = data[row + columns[x]!]!;
        out[(c * h + y) * w + x] = input === "caffe" ? value - means[c]! : value / 255;
      }
    }
  }
  return out;
}

export class EdgeModel {
  readonly #session: InferenceSession;
  readonly #ort: Ort;
  readonly #file: string;

  private constructor(session: InferenceSession, ort: Ort, file: string) {
    this.#session = session;
    this.#ort = ort;
    this.#file = file;
  }

  /** @param file name of the file, for messages. @throws UserError where ONNX Runtime cannot load the file */
  static async open(bytes: Uint8Array, file: string, ort: Ort): Promise<EdgeModel> {
    let session: InferenceSession;
    try {
      session = await ort.InferenceSession.create(bytes);
    } catch (error) {
      throw new UserError(`${file} is no model that ONNX Runtime can run: ${firstLine(error)}`);
    }
    if (session.inputNames.length !== 1) {
      throw new UserError(
        `${file} has ${session.inputNames.length} inputs (${session.inputNames.join(", ")}), expected one: ` +
          "float32 [1, 3, height, width].",
      );
    }
    return new EdgeModel(session, ort, file);
  }

  /**
   * The strengths of a picture of 1 or 3 channels. `border` mirrored pixels are added at each side before, and cut off
   * after: such networks find edges along the border of their input.
   * @throws UserError where the model does not accept the picture, or its output does not have the form above
   */
  async strengths(picture: Picture, { input, border }: { input: ModelInput; border: number }): Promise<Plane> {
    const { width, height } = picture;
    const [w, h] = [width + 2 * border, height + 2 * border];
    const tensor = new this.#ort.Tensor("float32", modelInput(picture, input, border), [1, 3, h, w]);
    const name = this.#session.outputNames.at(-1) ?? "";
    const results = await this.#session.run({ [this.#session.inputNames[0]!]: tensor }).catch((error: unknown) => {
      throw new UserError(
        `${this.#file} does not take [1, 3, ${h}, ${w}] (${border} pixels of border): ${firstLine(error)}`,
      );
    });
    const result = results[name];
    const values = result?.data;
    if (!(values instanceof Float32Array) || values.length !== w * h) {
      throw new UserError(
        `${this.#file}: the last output, ${name}, is ${result?.type} [${result?.dims.join(", ")}], expected float32 with ` +
          `${h} * ${w} values: the strength of an edge at each pixel.`,
      );
    }
    const data = new Float64Array(width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) data[y * width + x] = values[(y + border) * w + x + border]!;
    }
    const wrong = data.find((value) => !(value >= -0.001 && value <= 1.001));
    if (wrong !== undefined) {
      throw new UserError(
        `${this.#file}: the last output, ${name}, holds ${wrong}, expected strengths from 0 to 1; end the model with a sigmoid.`,
      );
    }
    return { width, height, data };
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}

function firstLine(error: unknown): string {
  return messageOf(error).split("\n")[0]!.slice(0, 300);
}
