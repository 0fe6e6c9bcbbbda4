/** Prepares pictures for a feature network: their size, and the range of their values. */
import { resize } from "../data/resize.ts";
import { reduceChannels } from "../data/transforms.ts";
import type { Picture } from "../platform.ts";
import type { Scaling } from "./network.ts";

/** A choice of --feature-resize. */
export interface FeatureResize {
  /** One line for the help. */
  help: string;
  /** An RGB picture, values 0 to 255, interleaved: at side x side pixels, or with `none` at its own size. */
  resized(picture: Picture, side: number): Picture<Float32Array>;
  /** Scales a value from 0..255 to Inception's range, -1 to 1. */
  inception(value: number): number;
}

const floats = (picture: Picture): Picture<Float32Array> => ({ ...picture, data: Float32Array.from(picture.data) });
const about128 = (value: number) => (value - 128) / 128;
const about127 = (value: number) => 2 * (value / 255) - 1;

/** The choices of --feature-resize, by the tool whose scores they reproduce. */
export const featureResizes = {
  "clean-fid": {
    help: "PIL's bicubic filter without rounding, as clean-fid (Parmar et al. 2022)",
    resized: (picture, side) => {
      const large = resize(floats(picture), side, side, "bicubic");
      return { ...large, data: large.data.map((value) => Math.min(255, Math.max(0, value))) };
    },
    inception: about128,
  },
  "pytorch-fid": {
    help: "bilinear without a filter against aliasing, as pytorch-fid",
    resized: (picture, side) => bilinear(picture, side, (i, scale) => Math.max(0, (i + 0.5) * scale - 0.5)),
    inception: about127,
  },
  "torch-fidelity": {
    help: "bilinear of TensorFlow 1, as torch-fidelity and the first FID",
    resized: (picture, side) => bilinear(picture, side, (i, scale) => Math.fround(i * Math.fround(scale))),
    inception: about128,
  },
  none: { help: "pictures keep their size", resized: floats, inception: about127 },
} as const satisfies Readonly<Record<string, FeatureResize>>;

export type FeatureResizeName = keyof typeof featureResizes;

/** torchvision's mean and standard deviation of ImageNet, for values from 0 to 1; also those of LPIPS's scaling layer. */
export const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** A network's input. */
export interface FeatureInput {
  /** [3, height, width] */
  values: Float32Array;
  height: number;
  width: number;
}

/**
 * A picture as a network's input. Grey becomes RGB, alpha is dropped.
 * @param file for the message
 * @throws DatasetError for pictures that have no colours
 */
export function featureInput(
  picture: Picture,
  { side, scaling }: { side: number; scaling: Scaling },
  name: FeatureResizeName,
  file?: string,
): FeatureInput {
  const { resized, inception }: FeatureResize = featureResizes[name];
  const { data, width, height } = resized(inRgb(picture, file), side);
  const plane = width * height;
  const values = new Float32Array(3 * plane);
  for (let c = 0; c < 3; c++) {
    const [mean, std] = [imagenet.mean[c]!, imagenet.std[c]!];
    for (let i = 0; i < plane; i++) {
      const value = data[3 * i + c]!;
      values[c * plane + i] = scaling === "inception" ? inception(value) : (value / 255 - mean) / std;
    }
  }
  return { values, height, width };
}

function inRgb(picture: Picture, file: string | undefined): Picture {
  const { channels, data, ...rest } = reduceChannels(picture, 3, file);
  if (channels === 3) return { ...rest, channels, data };
  const out = new Uint8Array(3 * data.length);
  for (let i = 0; i < data.length; i++) out.fill(data[i]!, 3 * i, 3 * i + 3);
  return { ...rest, channels: 3, data: out };
}

/** Bilinear interpolation of the two nearest pixels. @param positionOf the place in the picture of a pixel of the result */
function bilinear(
  picture: Picture,
  side: number,
  positionOf: (index: number, scale: number) => number,
): Picture<Float32Array> {
  const { width, height, channels, data } = picture;
  const places = (size: number) =>
    Array.from({ length: side }, (_, i) => {
      const position = positionOf(i, size / side);
      const low = Math.min(Math.floor(position), size - 1);
      return { low, high: Math.min(low + 1, size - 1), part: position - low };
    });
  const out = new Float32Array(side * side * channels);
  const columns = places(width);
  let o = 0;
  for (const { low: top, high: bottom, part: down } of places(height)) {
    for (const { low: left, high: right, part: across } of columns) {
      for (let c = 0; c < channels; c++) {
        const at = (y: number, x: number) => data[(y * width + x) * channels + c]!;
        const above = at(top, left) + (at(top, right) - at(top, left)) * across;
        const below = at(bottom, left) + (at(bottom, right) - at(bottom, left)) * across;
        out[o++] = above + (below - above) * down;
      }
    }
  }
  return { ...picture, width: side, height: side, data: out };
}
