/**
 * Augmentation of what D sees (DiffAugment, Zhao et al. 2020): D judges changed pairs, real and fake ones changed alike, and
 * the gradient passes through the change to G. `diffAugments` are the choices of --diff-augment.
 *
 * Both sides of a pair move together, so that they stay a pair. Colours change on the picture alone: the colours of a label map
 * are names of classes.
 */
import type { Tensor } from "../graph/graph.ts";
import { add, greater, mul, sub, toFloat } from "../graph/ops/elementwise.ts";
import { MatMul } from "../graph/ops/linear.ts";
import { reshape, transpose } from "../graph/ops/movement.ts";
import { mean } from "../graph/ops/reduce.ts";

/** A pair as D sees it. Maps are [N, C, H, W] in [-1, 1]. */
export interface JudgedPair {
  /** Undefined where D sees the picture alone. */
  input?: Tensor | undefined;
  picture: Tensor;
}

/** A uniform random number in [0, 1) for each sample, [N, 1, 1, 1]. Within a step the numbers of one purpose are the same for all pairs. */
export type Draw = (purpose: string) => Tensor;

/** A choice of --diff-augment. */
export interface DiffAugment {
  /** One line for the help. */
  help: string;
  apply(pair: JudgedPair, draw: Draw): JudgedPair;
}

/** The largest shift, and the side of the square that is cut out, as shares of the picture's sides. */
const shiftShare = 1 / 8;
const cutoutShare = 1 / 2;

const color: DiffAugment = {
  help: "brightness, saturation and contrast of the picture",
  apply({ input, picture }, draw) {
    const bright = add(picture, sub(draw("brightness"), 0.5));
    const grey = mean(bright, [1]);
    const saturated = add(mul(sub(bright, grey), mul(draw("saturation"), 2)), grey);
    const average = mean(saturated, [1, 2, 3]);
    return { input, picture: add(mul(sub(saturated, average), add(draw("contrast"), 0.5)), average) };
  },
};

const translation: DiffAugment = {
  help: "a shift of both sides by up to an eighth, with zeros beyond the edge",
  apply({ input, picture }, draw) {
    const [, , height, width] = picture.shape as [number, number, number, number];
    const rows = shifting(draw("shift down"), height);
    const columns = shifting(draw("shift right"), width);
    const shifted = (x: Tensor) => shift(x, rows, columns);
    return { input: input && shifted(input), picture: shifted(picture) };
  },
};

const cutout: DiffAugment = {
  help: "zeros in a rectangle of half the height and half the width, on both sides",
  apply({ input, picture }, draw) {
    const [n, , height, width] = picture.shape as [number, number, number, number];
    const rows = reshape(inside(draw("cutout down"), height), [n, 1, height, 1]);
    const columns = reshape(inside(draw("cutout right"), width), [n, 1, 1, width]);
    const kept = sub(1, mul(rows, columns));
    return { input: input && mul(input, kept), picture: mul(picture, kept) };
  },
};

/** The choices of --diff-augment, in the order in which they are applied. */
export const diffAugments = { color, translation, cutout } satisfies Readonly<Record<string, DiffAugment>>;

export type DiffAugmentName = keyof typeof diffAugments;

const isName = (name: string): name is DiffAugmentName => Object.hasOwn(diffAugments, name);

/**
 * The names in a list such as "color,translation", in the order of `diffAugments`; no names for "none", undefined for a list with
 * other names.
 */
export function diffAugmentNames(list: string): DiffAugmentName[] | undefined {
  if (list.trim() === "none") return [];
  const names = list.split(",").map((name) => name.trim());
  if (!names.every(isName)) return undefined;
  return Object.keys(diffAugments).filter((name): name is DiffAugmentName => names.includes(name as DiffAugmentName));
}

/** The pair after the named changes. */
export const augmented = (pair: JudgedPair, names: readonly DiffAugmentName[], draw: Draw): JudgedPair =>
  names.reduce((changed, name) => diffAugments[name].apply(changed, draw), pair);

/** The matrix [size, size] whose value in row i and column j is j - i. */
const offsets = (size: number): Float32Array =>
  Float32Array.from({ length: size * size }, (_, k) => (k % size) - Math.floor(k / size));

/** 1 where at <= x, else 0. */
const reached = (x: Tensor, at: Tensor): Tensor => sub(1, toFloat(greater(at, x)));

/**
 * For each sample the matrix [size, size] that shifts a vector by a whole number from -largest to largest. `u` in [0, 1) selects
 * the number: floor(u * (2 * largest + 1)) - largest.
 */
function shifting(u: Tensor, size: number): Tensor {
  const { graph } = u;
  const largest = Math.floor(size * shiftShare + 0.5);
  const place = mul(reshape(u, [u.shape[0]!, 1, 1]), 2 * largest + 1);
  const ordered = add(graph.constant(offsets(size), [1, size, size]), largest);
  return sub(reached(place, ordered), reached(place, add(ordered, 1)));
}

/** x [N, C, H, W] with its rows and columns multiplied by the matrices [N, H, H] and [N, W, W]. */
function shift(x: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const across = MatMul([reshape(x, [n, c * h, w]), transpose(columns, [0, 2, 1])]);
  const rowsFirst = transpose(reshape(across, [n, c, h, w]), [0, 2, 1, 3]);
  const down = MatMul([rows, reshape(rowsFirst, [n, h, c * w])]);
  return transpose(reshape(down, [n, h, c, w]), [0, 2, 1, 3]);
}

/**
 * For each sample a vector [size] that is 1 inside an interval of half the size, else 0. `u` in [0, 1) selects the centre of the interval,
 * which is cut off at the ends of the vector.
 */
function inside(u: Tensor, size: number): Tensor {
  const { graph } = u;
  const length = Math.floor(size * cutoutShare + 0.5);
  const half = Math.floor(length / 2);
  const place = mul(reshape(u, [u.shape[0]!, 1]), size + 1 - (length % 2));
  const positions = graph.constant(
    Float32Array.from({ length: size }, (_, i) => i),
    [1, size],
  );
  return sub(reached(place, add(positions, half + 1 - length)), reached(place, add(positions, half + 1)));
}
