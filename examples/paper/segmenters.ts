/** What gives every pixel of a photo a class, to judge translated photos by (the paper's FCN score, 4.2). */

import { nearestColours, type Palette } from "../../src/data/palette.ts";
import { resize } from "../../src/data/resize.ts";
import { UserError } from "../../src/errors.ts";
import type { Translator } from "../../src/inference/translator.ts";
import type { Picture, Platform } from "../../src/platform.ts";

export interface Segmenter {
  /** The class of every pixel of a photo, row by row. */
  classes(photo: Picture): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What the network takes: `caffe`, of FCN-8s: B, G, R from 0 to 255 less the mean below; `unit`: R, G, B from 0 to 1. */
export const segmenterInputs = ["caffe", "unit"] as const;
export type SegmenterInput = (typeof segmenterInputs)[number];

/** The mean of B, G and R that the paper's evaluation subtracts. */
const means = [72.78044, 83.21195, 73.45286] as const;

/**
 * A segmentation network as ONNX: one input, float32 [1, 3, height, width], one output, float32 [1, classes, h, w]; the
 * class is the largest of its values, at another size than the photo's that of the nearest position.
 * @throws UserError for a file that is none, and for an output that does not have as many channels as classes
 */
export async function onnxSegmenter(
  path: string,
  classes: number,
  input: SegmenterInput,
  { files, ort }: Platform,
): Promise<Segmenter> {
  const session = await ort.InferenceSession.create(await files.read(path)).catch((error: unknown) => {
    throw new UserError(`--segmenter: ${path} is no model that ONNX Runtime opens: ${messageOf(error)}`);
  });
  const [inputName, outputName] = [session.inputNames[0]!, session.outputNames[0]!];
  return {
    async classes(photo) {
      const { width, height } = photo;
      const values = segmenterInput(photo, input);
      const outputs = await session
        .run({ [inputName]: new ort.Tensor("float32", values, [1, 3, height, width]) })
        .catch((error: unknown) => {
          throw new UserError(`--segmenter: ${path} does not take [1, 3, ${height}, ${width}]: ${messageOf(error)}`);
        });
      const { dims, data } = outputs[outputName]!;
      const [n, channels, h, w] = dims as [number, number, number, number];
      if (dims.length !== 4 || n !== 1 || channels !== classes) {
        throw new UserError(
          `--segmenter: ${path} gave [${dims}], expected [1, ${classes}, height, width], one for each class`,
        );
      }
      return enlarged(largest(data as Float32Array, channels, h * w), h, w, height, width);
    },
    close: () => session.release(),
  };
}

/**
 * A generator that this tool trained, from photos to label maps: the class of a pixel is that of the nearest colour of the
 * palette in its output, at the nearest position.
 */
export function ownSegmenter(translator: Translator, palette: Palette): Segmenter {
  return {
    async classes(photo) {
      const labels = await translator.translate(photo);
      return enlarged(nearestColours(labels, palette), labels.height, labels.width, photo.height, photo.width);
    },
    close: () => translator.close(),
  };
}

/** A photo as it comes to a segmenter: a small one is enlarged to the size of its label map. */
export const atSizeOf = (photo: Picture, { width, height }: Picture): Picture =>
  resize(photo, width, height, "bilinear");

function segmenterInput({ data, width, height, channels }: Picture, input: SegmenterInput): Float32Array {
  const plane = width * height;
  const values = new Float32Array(3 * plane);
  for (let c = 0; c < 3; c++) {
    const source = channels < 3 ? 0 : input === "caffe" ? 2 - c : c;
    for (let i = 0; i < plane; i++) {
      const value = data[i * channels + source]!;
      values[c * plane + i] = input === "caffe" ? value - means[c]! : value / 255;
    }
  }
  return values;
}

/** The channel with the largest value at every position. */
function largest(values: Float32Array, channels: number, plane: number): Uint8Array {
  const classes = new Uint8Array(plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 1; c < channels; c++) if (values[c * plane + i]! > values[classes[i]! * plane + i]!) classes[i] = c;
  }
  return classes;
}

function enlarged(classes: Uint8Array, h: number, w: number, height: number, width: number): Uint8Array {
  return resize({ width: w, height: h, channels: 1, data: classes }, width, height, "nearest").data;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
