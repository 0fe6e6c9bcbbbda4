/** Options of the data: where pairs lie, how they are read, resized, cropped and varied. */
import * as z from "zod";
import { layoutHelp, layoutNames } from "../../data/pairs.ts";
import { filters } from "../../data/resize.ts";
import { channelOrders, directions } from "../../data/sides.ts";
import { preprocessings } from "../../data/sizes.ts";
import { namesOf } from "../names.ts";
import { option } from "../options.ts";

/** Pixels of a side: a picture of this width and height takes 3 GB. */
const mostPixels = 32768;

/** ADE20K has 150 classes, COCO-Stuff 182. */
const mostLabels = 256;

export const dataOptions = {
  dataroot: option(z.string().min(1), {
    group: "data",
    needs: "terminal",
    value: "FOLDER",
    help: "folder of the pairs: pictures with A left and B right, folders A and B, or x.jpg with x.png",
    resume: true,
  }),
  phase: option(z.string().min(1).default("train"), {
    group: "data",
    value: "NAME",
    help: "subfolder of the dataroot: train, val, test, ...",
  }),
  datasetMode: option(z.enum(["auto", ...layoutNames]).default("auto"), {
    group: "data",
    help: "layout of the dataroot; auto recognises pairs",
    kinds: layoutHelp,
  }),
  direction: option(z.enum(directions).default("AtoB"), {
    group: "data",
    help: "translate side A to side B, or B to A; facades labels to photos is BtoA",
  }),
  inputLabels: option(z.int().min(2).max(mostLabels).optional(), {
    group: "data",
    unit: "classes",
    absent: "the input is a picture",
    help: "number of classes: the input is a label map of class numbers 0, 1, ... (255: no class); the networks get a channel for each",
  }),
  inputInstances: option(z.boolean().default(false), {
    group: "data",
    needs: "machine",
    help: "add a channel of the edges of objects to label maps, from instance maps in the folder PHASE_inst or PHASE/inst (pix2pixHD, Wang et al. 2018, 3.3)",
  }),
  inputNc: option(z.int().min(1).max(mostLabels).default(3), {
    group: "data",
    unit: "channels",
    help: "channels of the input: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA, others from .npy files",
  }),
  outputNc: option(z.int().min(1).max(64).default(3), {
    group: "data",
    unit: "channels",
    help: "channels of the output and target",
  }),
  preprocess: option(z.enum(namesOf(preprocessings)).default("resize_and_crop"), {
    group: "data",
    help: "preparation of both sides of a pair",
    kinds: preprocessings,
  }),
  loadSize: option(z.int().min(1).max(mostPixels).default(286), {
    group: "data",
    unit: "px",
    help: "width (and height) that both sides are resized to before the crop",
  }),
  loadHeight: option(z.int().min(1).max(mostPixels).optional(), {
    group: "data",
    unit: "px",
    absent: "the load size",
    help: "height that both sides are resized to, if it differs from the width",
  }),
  cropSize: option(z.int().min(1).max(mostPixels).default(256), {
    group: "data",
    unit: "px",
    help: "width (and height) of the networks' input",
  }),
  cropHeight: option(z.int().min(1).max(mostPixels).optional(), {
    group: "data",
    unit: "px",
    absent: "the crop size",
    help: "height of the networks' input, if it differs from the width",
  }),
  resizeFilter: option(z.enum(filters).default("bicubic"), {
    group: "data",
    help: "filter of resizing, as in PIL (area is its box filter)",
  }),
  channelOrder: option(z.enum(channelOrders).default("RGB"), {
    group: "data",
    help: "order of the colour channels in the networks; weights of the paper's code need BGR",
  }),
  noFlip: option(z.boolean().default(false), { group: "data", help: "never mirror pairs left to right" }),
  flipVertical: option(z.boolean().default(false), {
    group: "data",
    help: "also mirror pairs top to bottom at random",
  }),
  rotate90: option(z.boolean().default(false), {
    group: "data",
    help: "also rotate pairs by a random multiple of 90 degrees (square crops only)",
  }),
  colorJitter: option(z.number().min(0).max(1).default(0), {
    group: "data",
    help: "vary brightness, contrast and saturation of the input, each by a random factor from 1 - this to 1 + this",
  }),
  warp: option(z.number().min(0).max(256).default(0), {
    group: "data",
    unit: "px",
    help: "deform both sides of a pair by one smooth random field: displacements of this standard deviation on a 3 x 3 grid, as Ronneberger et al. 2015 (3.1, there 10 px)",
  }),
  replacement: option(z.boolean().default(false), {
    group: "data",
    help: "draw the pairs of an epoch with replacement, as the paper's code does",
  }),
  serialBatches: option(z.boolean().default(false), {
    group: "data",
    help: "take pairs in the order of their names instead of shuffling them each epoch",
  }),
  batchSize: option(z.int().min(1).max(65536).default(1), { group: "data", unit: "pairs", help: "pairs per step" }),
  dropLast: option(z.boolean().default(false), {
    group: "data",
    help: "leave out the pairs of an epoch that do not fill a batch, instead of training on a smaller batch",
  }),
  maxDatasetSize: option(z.int().min(1).optional(), {
    group: "data",
    unit: "pairs",
    absent: "all",
    help: "use only this many pairs, the first ones",
  }),
  skipUnpaired: option(z.boolean().default(false), {
    group: "data",
    help: "leave out pictures without a partner instead of stopping",
    resume: true,
  }),
  skipBadImages: option(z.boolean().default(false), {
    group: "data",
    help: "leave out pictures that cannot be decoded instead of stopping",
    resume: true,
  }),
};
