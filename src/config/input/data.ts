/** Types of the options of config/groups/data.ts. Made by `npm run docs` from the groups of options; do not edit. */
import type * as z from "zod";
import type { dataOptions } from "../groups/data.ts";

type Values = z.output<z.ZodObject<typeof dataOptions>>;

/** Options of this group as a user gives them. */
export interface DataInput {
  /**
   * Folder of the pairs: pictures with A left and B right, folders A and B, or x.jpg with x.png.
   * Default: none, it is required.
   */
  dataroot: string;
  /** Subfolder of the dataroot: train, val, test, .... Default: train. */
  phase?: string | undefined;
  /**
   * Layout of the dataroot; auto recognises pairs.
   * - aligned: one picture per pair, A left and B right
   * - cmp: photo x.jpg (A) beside its labels x.png (B)
   * - colorization: plain pictures: A is their lightness (1 channel), B their colours (2 channels, a and b of
   * CIELAB)
   * - folders: two folders A and B (or trainA and trainB, train_label and train_img), same stems
   * - inpainting: plain pictures: A is the picture with a white square of half its size in the centre, B the
   * picture
   * - single: plain pictures without targets, for inspect; translate takes them without a layout
   * Default: auto.
   */
  datasetMode?: Values["datasetMode"] | undefined;
  /** Translate side A to side B, or B to A; facades labels to photos is BtoA. Default: AtoB. */
  direction?: Values["direction"] | undefined;
  /**
   * Number of classes: the input is a label map of class numbers 0, 1, ... (255: no class); the networks get a
   * channel for each.
   * Value: classes from 2 to 256. Default: the input is a picture.
   */
  inputLabels?: number | undefined;
  /**
   * Add a channel of the edges of objects to label maps, from instance maps in the folder PHASE_inst or PHASE/inst
   * (pix2pixHD, Wang et al. 2018, 3.3).
   * Default: false.
   */
  inputInstances?: boolean | undefined;
  /**
   * Channels of the input: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA, others from .npy files.
   * Value: channels from 1 to 256. Default: 3.
   */
  inputNc?: number | undefined;
  /** Channels of the output and target. Value: channels from 1 to 64. Default: 3. */
  outputNc?: number | undefined;
  /**
   * Preparation of both sides of a pair.
   * - resize_and_crop: resize to the load size, whatever the shape, and crop
   * - crop: only crop
   * - scale_width: resize to the load width; the height keeps the shape, but is at least that of the crop
   * - scale_width_and_crop: the same as scale_width, then crop
   * - none: take pictures as they are
   * Default: resize_and_crop.
   */
  preprocess?: Values["preprocess"] | undefined;
  /** Width (and height) that both sides are resized to before the crop. Value: px from 1 to 32768. Default: 286. */
  loadSize?: number | undefined;
  /**
   * Height that both sides are resized to, if it differs from the width.
   * Value: px from 1 to 32768. Default: the load size.
   */
  loadHeight?: number | undefined;
  /** Width (and height) of the networks' input. Value: px from 1 to 32768. Default: 256. */
  cropSize?: number | undefined;
  /**
   * Height of the networks' input, if it differs from the width.
   * Value: px from 1 to 32768. Default: the crop size.
   */
  cropHeight?: number | undefined;
  /** Filter of resizing, as in PIL (area is its box filter). Default: bicubic. */
  resizeFilter?: Values["resizeFilter"] | undefined;
  /** Order of the colour channels in the networks; weights of the paper's code need BGR. Default: RGB. */
  channelOrder?: Values["channelOrder"] | undefined;
  /** Never mirror pairs left to right. Default: false. */
  noFlip?: boolean | undefined;
  /** Also mirror pairs top to bottom at random. Default: false. */
  flipVertical?: boolean | undefined;
  /** Also rotate pairs by a random multiple of 90 degrees (square crops only). Default: false. */
  rotate90?: boolean | undefined;
  /**
   * Vary brightness, contrast and saturation of the input, each by a random factor from 1 - this to 1 + this.
   * Value: number from 0 to 1. Default: 0.
   */
  colorJitter?: number | undefined;
  /**
   * Deform both sides of a pair by one smooth random field: displacements of this standard deviation on a 3 x 3
   * grid, as Ronneberger et al. 2015 (3.1, there 10 px).
   * Value: px from 0 to 256. Default: 0.
   */
  warp?: number | undefined;
  /** Draw the pairs of an epoch with replacement, as the paper's code does. Default: false. */
  replacement?: boolean | undefined;
  /** Take pairs in the order of their names instead of shuffling them each epoch. Default: false. */
  serialBatches?: boolean | undefined;
  /** Pairs per step. Value: pairs from 1 to 65536. Default: 1. */
  batchSize?: number | undefined;
  /**
   * Leave out the pairs of an epoch that do not fill a batch, instead of training on a smaller batch.
   * Default: false.
   */
  dropLast?: boolean | undefined;
  /** Use only this many pairs, the first ones. Value: pairs of at least 1. Default: all. */
  maxDatasetSize?: number | undefined;
  /** Leave out pictures without a partner instead of stopping. Default: false. */
  skipUnpaired?: boolean | undefined;
  /** Leave out pictures that cannot be decoded instead of stopping. Default: false. */
  skipBadImages?: boolean | undefined;
}
