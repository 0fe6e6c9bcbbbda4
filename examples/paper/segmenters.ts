/** Segmentation networks that score translated photos (the FCN score of Isola et al. 2017, section 4.2). */
import { nearestColours, type Palette } from "../../src/data/palette.ts";
import { resize } from "../../src/data/resize.ts";
import { UserError } from "../../src/errors.ts";
import type { Translator } from "../../src/inference/translator.ts";
import type { Picture, Platform } from "../../src/platform.ts";

export interface Segmenter {
  /** The class of every pixel of a photo, row by row, width * height values. */
  classes(photo: Picture): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Input of the network. `caffe`, for FCN-8s: B, G, R from 0 to 255 minus the mean below. `unit`: R, G, B from 0 to 1. */
export const segmenterInputs = ["caffe", "unit"] as const;
export type SegmenterInput = (typeof segmenterInputs)[number];

/** Means of B, G and R that the paper's evaluation subtracts. */
const means = [72.78044, 83.21195, 73.45286] as const;

/**
 * A segmentation network in an ONNX file: one input, float32 [1, 3, height, width], and one output, float32
 * [1, classes, h, w]. The class of a position is the channel with the largest value. If h x w differs from the photo's size, a
 * pixel gets the class of the nearest position.
 * @throws UserError if the file is no ONNX model, if the model does not accept the photo's size, or if its output does not have
 * one channel per class
 */
export async function onnxSegmenter(
  path: string,
  classes: number,
  input: SegmenterInput,
  { files, ort }: Platform,
): Promise<Segmenter> {
  const session = await ort.InferenceSession.create(await files.read(path)).catch((error: unknown) => {
    throw new UserError(`--segmenter: ${path} is no model that ONNX Runtime can open: ${messageOf(error)}`);
  });
  const [inputName, outputName] = [session.inputNames[0]!, session.outputNames[0]!];
  return {
    async classes(photo) {
      const { width, height } = photo;
      const values = segmenterInput(photo, input);
      const outputs = await session
        .run({ [inputName]: new ort.Tensor("float32", values, [1, 3, height, width]) })
        .catch((error: unknown) => {
          throw new UserError(
            `--segmenter: ${path} does not accept an input of [1, 3, ${height}, ${width}]: ${messageOf(error)}`,
          );
        });
      const { dims, data } = outputs[outputName]!;
      const [n, channels, h, w] = dims as [number, number, number, number];
      if (dims.length !== 4 || n !== 1 || channels !== classes) {
        throw new UserError(
          `--segmenter: ${path} gave [${dims}], expected [1, ${classes}, height, width]: one channel for each class of --palette`,
        );
      }
      return enlarged(largest(data as Float32Array, channels, h * w), h, w, height, width);
    },
    close: () => session.release(),
  };
}

/**
 * A generator from photos to label maps, trained with this project. The class of a pixel is the class whose palette colour is
 * nearest to the output at the nearest position.
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

/** The photo resized to the size of its label map, as the segmenter needs it. */
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
