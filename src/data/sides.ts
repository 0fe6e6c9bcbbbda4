/**
 * The two sides of a pair as values for the networks, and as pictures for people: what `derive` makes of a picture, the
 * order of its colours, and the way back.
 */
import { ConfigError } from "../errors.ts";
import type { DeepPicture, Picture } from "../platform.ts";
import { type ColorFactors, jitterColors } from "./augment.ts";
import { labToRgb, writeLab } from "./lab.ts";
import { type Derive, derivedSides } from "./pairs.ts";
import { fromTensor, fromTensor16, type Placement, reduceChannels, writeCrop } from "./transforms.ts";

/** The options that say what the networks' values mean. A run's Config has them all. */
export interface SideOptions {
  /** As it was given; "auto" never stands for a layout with derived sides. */
  datasetMode?: string | undefined;
  direction: "AtoB" | "BtoA";
  /** Channels of the network's input and output. */
  inputNc: number;
  outputNc: number;
  /** The order of 3 and 4 channels that the networks see; BGR is that of the paper's code. */
  channelOrder?: "RGB" | "BGR" | undefined;
}

/** What a side of a network is. */
export interface SideForm {
  channels: number;
  derive?: Derive | undefined;
  bgr: boolean;
}

/** The input's form and the target's (which is also the output's). */
export function sideForms(options: SideOptions): { input: SideForm; target: SideForm } {
  const { datasetMode = "auto", direction, inputNc, outputNc, channelOrder } = options;
  const { A, B } = derivedSides(datasetMode);
  const [first, second] = direction === "AtoB" ? [A, B] : [B, A];
  const form = (channels: number, derive: Derive | undefined): SideForm => ({
    channels,
    derive,
    bgr: channelOrder === "BGR" && (channels === 3 || channels === 4),
  });
  return { input: form(inputNc, first), target: form(outputNc, second) };
}

/**
 * @throws ConfigError when the layout cannot have these channels or this direction
 */
export function checkSides(options: SideOptions): void {
  const { datasetMode, direction, inputNc, outputNc } = options;
  const { input, target } = sideForms(options);
  const [L, ab] = input.derive === "ab" ? [outputNc, inputNc] : [inputNc, outputNc];
  if ((input.derive ?? target.derive) === "L" || (input.derive ?? target.derive) === "ab") {
    if (L === 1 && ab === 2) return;
    const [first, second] = input.derive === "L" ? [1, 2] : [2, 1];
    throw new ConfigError(
      `--dataset-mode ${datasetMode} ${direction} has ${first} input channel${first > 1 ? "s" : ""} and ${second} ` +
        `output channel${second > 1 ? "s" : ""} (lightness is 1, the colours a and b are 2), got --input-nc ${inputNc} ` +
        `and --output-nc ${outputNc}. Use --input-nc ${first} --output-nc ${second}.`,
    );
  }
  if (input.derive === "absent") {
    throw new ConfigError(
      `--dataset-mode ${datasetMode} has only A, so the input must be A: use --direction AtoB, got ${direction}.`,
    );
  }
}

/** Channels that a side needs of its picture before it is resized. */
export function pictureChannels({ channels, derive }: SideForm): number {
  return derive === "L" || derive === "ab" ? 3 : channels;
}

/**
 * Writes a crop of a picture as a side's values, [channels, height, width] in [-1, 1], into `out` from `offset` on.
 * `picture` comes from reduceChannels for pictureChannels(form).
 */
export function writeSide(
  out: Float32Array,
  offset: number,
  picture: DeepPicture,
  form: SideForm,
  height: number,
  width: number,
  { color, ...placement }: Placement & { color?: ColorFactors },
): void {
  const { channels, derive, bgr } = form;
  const plane = height * width;
  if (derive === "L" || derive === "ab") {
    const rgb = new Float32Array(3 * plane);
    writeCrop(rgb, 0, picture, 3, width, height, placement);
    if (color) jitterColors(rgb, 0, 3, plane, color);
    writeLab(out, offset, rgb, plane, derive);
    return;
  }
  writeCrop(out, offset, picture, channels, width, height, placement);
  if (color) jitterColors(out, offset, channels, plane, color);
  if (derive === "masked") maskCentre(out, offset, channels, height, width);
  if (bgr) swapColors(out, offset, plane);
}

/** The centre of half the height and half the width becomes white, in all channels: the paper's code, `inpaint`. */
function maskCentre(out: Float32Array, offset: number, channels: number, height: number, width: number): void {
  const left = Math.floor(width / 4);
  const top = Math.floor(height / 4);
  for (let c = 0; c < channels; c++) {
    for (let y = top; y < top + Math.floor(height / 2); y++) {
      const row = offset + (c * height + y) * width + left;
      out.fill(1, row, row + Math.floor(width / 2));
    }
  }
}

function swapColors(values: Float32Array, offset: number, plane: number): void {
  const red = values.slice(offset, offset + plane);
  values.copyWithin(offset, offset + 2 * plane, offset + 3 * plane);
  values.set(red, offset + 2 * plane);
}

/**
 * The input's values, [inputNc, height, width], of a whole picture that has its size already: for pictures without pairs.
 * @param file for the message when the channels do not fit
 */
export function inputTensor(picture: DeepPicture, options: SideOptions, file?: string): Float32Array {
  const { input } = sideForms(options);
  const { height, width } = picture;
  const out = new Float32Array(input.channels * height * width);
  const reduced = reduceChannels(picture, pictureChannels(input), file);
  writeSide(out, 0, reduced, input, height, width, { x: 0, y: 0, flip: false });
  return out;
}

/** The picture that an input, [inputNc, height, width] in [-1, 1], shows: see outputPicture. */
export function inputPicture(A: Float32Array, options: SideOptions, height: number, width: number): Picture {
  const { input } = sideForms(options);
  return fromTensor(...shown(A, undefined, input, height, width));
}

/**
 * The picture that an output or a target, [outputNc, height, width] in [-1, 1], shows together with the input that it
 * belongs to: RGB whatever the order that the networks see, and of colorization the lightness and the colours joined.
 * Of more than 4 channels the first three.
 */
export function outputPicture(
  values: Float32Array,
  A: Float32Array,
  options: SideOptions,
  height: number,
  width: number,
): Picture {
  return fromTensor(...shown(values, A, sideForms(options).target, height, width));
}

/** outputPicture with 16 bits a value. */
export function outputPicture16(
  values: Float32Array,
  A: Float32Array,
  options: SideOptions,
  height: number,
  width: number,
): Picture<Uint16Array> {
  return fromTensor16(...shown(values, A, sideForms(options).target, height, width));
}

/** The arguments of fromTensor for a side, beside the other one where that completes it. */
function shown(
  values: Float32Array,
  other: Float32Array | undefined,
  { channels, derive, bgr }: SideForm,
  height: number,
  width: number,
): [Float32Array, number, number, number] {
  const plane = height * width;
  if (derive === "L") return [labToRgb(values, other, plane), 3, height, width];
  if (derive === "ab") return [labToRgb(other, values, plane), 3, height, width];
  const ordered = bgr ? values.slice(0, channels * plane) : values;
  if (bgr) swapColors(ordered, 0, plane);
  return [ordered, channels, height, width];
}
