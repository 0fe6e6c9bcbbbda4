/**
 * Conversion of the two sides of a pair to the networks' values and back to pictures: derived sides (derivations.ts) and
 * the order of the colours.
 */
import { DatasetError } from "../errors.ts";
import type { DeepPicture, Picture } from "../platform.ts";
import { type ColorFactors, jitterColors } from "./augment.ts";
import { type Derive, derivations } from "./derivations.ts";
import { labToRgb, writeLab } from "./lab.ts";
import { classNumbers, labelColours, writeEdges, writeOneHot } from "./labels.ts";
import { type DatasetMode, derivedSides } from "./pairs.ts";
import type { Filter } from "./resize.ts";
import { fromTensor, fromTensor16, type Placement, reduceChannels, writeCrop } from "./transforms.ts";

/** Which side of a pair is the input and which the target. */
export const directions = ["AtoB", "BtoA"] as const;
export type Direction = (typeof directions)[number];

/** The order of the colours that the networks see. BGR is that of the paper's code. */
export const channelOrders = ["RGB", "BGR"] as const;
export type ChannelOrder = (typeof channelOrders)[number];

/** The options that fix the meaning of the networks' values. A run's Config has them all. */
export interface SideOptions {
  /** The option as given. "auto" means no derived sides, because it never chooses a layout that has some. */
  datasetMode: DatasetMode;
  direction: Direction;
  /** Channels of the network's input and output. */
  inputNc: number;
  outputNc: number;
  /** Applies to 3 and 4 channels. */
  channelOrder: ChannelOrder;
  /** The input is a label map of this many classes. The network gets a channel for each (labels.ts). */
  inputLabels?: number | undefined;
  /** A channel of the edges of objects follows those of the classes. */
  inputInstances?: boolean | undefined;
}

/** The form of a network's input or output. */
export interface SideForm {
  channels: number;
  derive?: Derive | undefined;
  bgr: boolean;
  /** See SideOptions.inputLabels. */
  labels?: number | undefined;
  /** See SideOptions.inputInstances. */
  edges?: boolean | undefined;
}

/** The input's form and the target's (which is also the output's). */
export function sideForms(options: SideOptions): { input: SideForm; target: SideForm } {
  const { datasetMode, direction, inputNc, outputNc, channelOrder } = options;
  const { A, B } = derivedSides(datasetMode);
  const [first, second] = direction === "AtoB" ? [A, B] : [B, A];
  const form = (channels: number, derive: Derive | undefined): SideForm => ({
    channels,
    derive,
    bgr: channelOrder === "BGR" && (channels === 3 || channels === 4),
  });
  const { inputLabels: labels, inputInstances: edges = false } = options;
  const ofLabels = (count: number) => ({
    channels: count + Number(edges),
    derive: first,
    bgr: false,
    labels: count,
    ...(edges && { edges }),
  });
  const input = labels === undefined ? form(inputNc, first) : ofLabels(labels);
  return { input, target: form(outputNc, second) };
}

/**
 * The part of a picture that a side needs, before it is resized: its colours, with alpha where the side has it; of a label map the
 * class numbers.
 * @param file for messages
 * @throws DatasetError where the channels do not fit, or a label map has other values than class numbers, or comes without its
 *   instance map where the side has edges (`withInstances`)
 */
export function neededOf(
  picture: DeepPicture,
  { channels, derive, labels, edges }: SideForm,
  file?: string,
): DeepPicture {
  if (edges) {
    if (picture.bands && picture.channels === 2 && picture.data instanceof Float32Array) return picture;
    throw new DatasetError(
      `${file ?? "the label map"} comes alone, but the run takes label maps with instance maps (--input-instances). pix2pix ` +
        "translate --instances FOLDER and pix2pix test give it both.",
    );
  }
  if (labels !== undefined) return classNumbers(picture, labels, file);
  return reduceChannels(picture, pictureChannels({ channels, derive }), file);
}

/** Channels that a side needs of its picture; a label map needs one. */
export function pictureChannels({ channels, derive, labels }: Omit<SideForm, "bgr">): number {
  if (labels !== undefined) return 1;
  return derive === "L" || derive === "ab" ? 3 : channels;
}

/** The filter that resizes a side: "nearest" for class numbers, because a number between two of them means nothing. */
export const filterOf = ({ labels }: Pick<SideForm, "labels">, filter: Filter): Filter =>
  labels === undefined ? filter : "nearest";

/** The names of the sides: the input's, then the target's. */
export const sideNames = ({ direction }: Pick<SideOptions, "direction">) =>
  direction === "AtoB" ? (["A", "B"] as const) : (["B", "A"] as const);

/**
 * Writes a crop of a picture as a side's values, [channels, height, width] in [-1, 1], into `out` from `offset` on. `picture` comes
 * from `neededOf`. `color` changes the colours of a picture, and not those of a label map, which are numbers.
 */
export function writeSide(
  out: Float32Array,
  offset: number,
  picture: DeepPicture,
  form: SideForm,
  height: number,
  width: number,
  { color, ...placement }: Placement & { color?: ColorFactors | undefined },
): void {
  const { channels, derive, bgr, labels, edges } = form;
  const plane = height * width;
  if (labels !== undefined) {
    const numbers = new Float32Array(edges ? 2 * plane : plane);
    writeCrop(numbers, 0, picture, edges ? 2 : 1, width, height, placement);
    writeOneHot(out, offset, numbers.subarray(0, plane), labels);
    if (edges) writeEdges(out, offset + labels * plane, numbers.subarray(plane), height, width);
    return;
  }
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

/** Exchanges red and blue, in place: RGB becomes BGR and the reverse. */
function swapColors(values: Float32Array, offset: number, plane: number): void {
  const red = values.slice(offset, offset + plane);
  values.copyWithin(offset, offset + 2 * plane, offset + 3 * plane);
  values.set(red, offset + 2 * plane);
}

/**
 * The network's input, [inputNc, height, width] in [-1, 1], for a whole picture that already has its size.
 * @param file for the message when the channels do not fit
 * @throws DatasetError when the channels do not fit
 */
export function inputTensor(picture: DeepPicture, options: SideOptions, file?: string): Float32Array {
  const { input } = sideForms(options);
  const { height, width } = picture;
  const out = new Float32Array(input.channels * height * width);
  writeSide(out, 0, neededOf(picture, input, file), input, height, width, { x: 0, y: 0, flip: false });
  return out;
}

/**
 * The picture of an input [inputNc, height, width] in [-1, 1], in RGB; of colorization its lightness in grey, of class numbers a
 * colour for each.
 */
export function inputPicture(A: Float32Array, options: SideOptions, height: number, width: number): Picture {
  const { input } = sideForms(options);
  return fromTensor(...shown(A, undefined, input, height, width));
}

/**
 * The picture of an output or a target, in RGB whatever order the networks see. Colorization joins lightness and colours. Of
 * more than 4 channels the first three are shown.
 * @param values [outputNc, height, width] in [-1, 1]
 * @param A the input of the same pair, [inputNc, height, width] in [-1, 1]
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

/** `outputPicture` with 16 bits a value. */
export function outputPicture16(
  values: Float32Array,
  A: Float32Array,
  options: SideOptions,
  height: number,
  width: number,
): Picture<Uint16Array> {
  return fromTensor16(...shown(values, A, sideForms(options).target, height, width));
}

/** The values [channels, height, width] of an output as they are, with the channels interleaved. */
export function outputValues(values: Float32Array, height: number, width: number): Picture<Float32Array> {
  const plane = height * width;
  const channels = values.length / plane;
  const data = new Float32Array(values.length);
  for (let c = 0; c < channels; c++) for (let i = 0; i < plane; i++) data[i * channels + c] = values[c * plane + i]!;
  return { width, height, channels, data };
}

/** Whether `outputPicture` gives a picture in colour. */
export function showsColour(options: SideOptions): boolean {
  const { channels, derive } = sideForms(options).target;
  return channels >= 3 || (derive !== undefined && derivations[derive].shownInColour === true);
}

/** The arguments of fromTensor for a side. @param other the other side, which has the colours of a lightness or the reverse */
function shown(
  values: Float32Array,
  other: Float32Array | undefined,
  { channels, derive, bgr, labels, edges }: SideForm,
  height: number,
  width: number,
): [Float32Array, number, number, number] {
  const plane = height * width;
  if (labels !== undefined) return [labelColours(values, labels, plane, edges), 3, height, width];
  if (derive === "L") return [labToRgb(values, other, plane), 3, height, width];
  if (derive === "ab") return [labToRgb(other, values, plane), 3, height, width];
  const ordered = bgr ? values.slice(0, channels * plane) : values;
  if (bgr) swapColors(ordered, 0, plane);
  return [ordered, channels, height, width];
}
