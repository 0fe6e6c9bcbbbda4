/** Initial values of parameters: `inits` are the choices of --init-type, `biasInits` those of --init-bias. */
import { type Shape, sizeOf } from "../graph/graph.ts";
import { Random } from "../random.ts";
import type { Role } from "./parameters.ts";

/**
 * Fills the weight of a convolution, [Cout, Cin, kh, kw], or of a transposed one, [Cin, Cout, kh, kw]. The definitions
 * are those of torch.nn.init, which takes the first axis as outputs in both cases.
 */
type Fill = (random: Random, out: Float32Array, shape: Shape, gain: number) => void;

export interface Init {
  /** One line for the help of --init-type. */
  help: string;
  fill: Fill;
  /** A message for the user before a fill that takes long. */
  notice?: string;
}

/** N(0, gain) (Isola et al. 2017, 6.2: gain .02). */
const normal: Fill = (random, out, _shape, gain) => random.fillNormal(out, 0, gain);

/** N(0, gain * sqrt(2 / (fan in + fan out))) (Glorot and Bengio 2010). */
const xavier: Fill = (random, out, shape, gain) => {
  const { fanIn, fanOut } = fans(shape);
  random.fillNormal(out, 0, gain * Math.sqrt(2 / (fanIn + fanOut)));
};

/** N(0, sqrt(2 / fan in)) (He et al. 2015). The gain is ignored, as in the PyTorch implementation. */
const kaiming: Fill = (random, out, shape) => random.fillNormal(out, 0, Math.sqrt(2 / fans(shape).fanIn));

/**
 * The weight as a matrix of shape[0] rows: gain times a random matrix with orthonormal rows, or orthonormal columns if
 * it has fewer columns than rows (Saxe et al. 2013). It is the Q of a matrix of normal numbers whose R has a positive
 * diagonal. That takes about 2 * columns * rows^2 operations, a minute for unet_256 with ngf 64.
 */
const orthogonal: Fill = (random, out, shape, gain) => {
  const rows = shape[0]!;
  const columns = out.length / rows;
  random.fillNormal(out, 0, 1);
  if (rows <= columns) {
    orthonormalise(out, rows, columns);
  } else {
    const across = transposed(out, rows, columns);
    orthonormalise(across, columns, rows);
    out.set(transposed(across, columns, rows));
  }
  for (let i = 0; i < out.length; i++) out[i]! *= gain;
};

/** The choices of --init-type. */
export const inits = {
  normal: { help: "N(0, gain)", fill: normal },
  xavier: { help: "N(0, gain * sqrt(2 / (fan in + fan out)))", fill: xavier },
  kaiming: { help: "N(0, sqrt(2 / fan in)); ignores the gain", fill: kaiming },
  orthogonal: {
    help: "gain times a matrix with orthonormal rows",
    fill: orthogonal,
    notice: "Drawing orthogonal initial weights: up to a minute for a large network.",
  },
} satisfies Readonly<Record<string, Init>>;

/** The choices of --init-bias. */
export const biasInits = {
  zero: { help: "0" },
  uniform: { help: "uniform from -1 / sqrt(fan in) to 1 / sqrt(fan in), PyTorch's default (profile article)" },
};
export type BiasInit = keyof typeof biasInits;

/** How the parameters of a network get their initial values. */
export interface Initialisation {
  init: Init;
  gain: number;
  seed: number;
  network: string;
  /** Default "zero". */
  bias?: BiasInit | undefined;
}

/**
 * Fills one parameter with its initial values. Each parameter has its own random stream, so a new layer does not change
 * others.
 * @param weightShape for a bias of a convolution: the shape of the convolution's weight
 */
export function initialise(
  out: Float32Array,
  { shape, role, name }: { shape: Shape; role: Role; name: string },
  { init, gain, seed, network, bias = "zero" }: Initialisation,
  weightShape?: Shape,
): void {
  const random = () => new Random(seed, `init ${network} ${name}`, 0);
  if (role === "weight") init.fill(random(), out, shape, gain);
  else if (role === "scale") random().fillNormal(out, 1, gain);
  else if (role === "direction") fillDirection(random(), out);
  else if (role === "bias" && bias === "uniform" && weightShape) fillUniform(random(), out, weightShape);
  else out.fill(role === "variance" ? 1 : 0);
}

/** Uniform in +-1 / sqrt(fan in): the default of torch.nn.Conv2d and ConvTranspose2d for biases. */
function fillUniform(random: Random, out: Float32Array, weightShape: Shape): void {
  const bound = 1 / Math.sqrt(fans(weightShape).fanIn);
  for (let i = 0; i < out.length; i++) out[i] = (2 * random.float() - 1) * bound;
}

/** A random vector of length 1; all directions are equally likely. */
function fillDirection(random: Random, out: Float32Array): void {
  random.fillNormal(out, 0, 1);
  const length = lengthOf(Float64Array.from(out));
  for (let i = 0; i < out.length; i++) out[i]! /= length;
}

/**
 * The number of values that one output depends on, and the number of outputs that depend on one value, as PyTorch counts
 * them: it reads every weight as [out, in, ...].
 */
function fans(shape: Shape): { fanIn: number; fanOut: number } {
  const [out, into, ...kernel] = shape as [number, number, ...number[]];
  const places = sizeOf(kernel);
  return { fanIn: into * places, fanOut: out * places };
}

function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = matrix[i * columns + j]!;
  return result;
}

/**
 * Gram-Schmidt orthonormalisation of the rows, in place. A row that has become much shorter has lost digits and is
 * orthogonalised a second time (Giraud et al. 2005: twice is enough).
 */
function orthonormalise(matrix: Float32Array, rows: number, columns: number): void {
  const row = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    const start = i * columns;
    for (let k = 0; k < columns; k++) row[k] = matrix[start + k]!;
    let before: number;
    let left = lengthOf(row);
    do {
      before = left;
      for (let j = 0; j < i; j += 4) removeFour(row, matrix, j, Math.min(4, i - j));
      left = lengthOf(row);
    } while (left < before / 4);
    for (let k = 0; k < columns; k++) matrix[start + k] = row[k]! / left;
  }
}

/** Subtracts from `row` its components along `count` (1 to 4) orthonormal rows of the matrix, from row `first` on. */
function removeFour(row: Float64Array, matrix: Float32Array, first: number, count: number): void {
  const n = row.length;
  const a = first * n;
  const b = count > 1 ? a + n : a;
  const c = count > 2 ? b + n : a;
  const d = count > 3 ? c + n : a;
  let [alongA, alongB, alongC, alongD] = [0, 0, 0, 0];
  for (let k = 0; k < n; k++) {
    const value = row[k]!;
    alongA += value * matrix[a + k]!;
    alongB += value * matrix[b + k]!;
    alongC += value * matrix[c + k]!;
    alongD += value * matrix[d + k]!;
  }
  if (count < 2) alongB = 0;
  if (count < 3) alongC = 0;
  if (count < 4) alongD = 0;
  for (let k = 0; k < n; k++) {
    row[k]! -= alongA * matrix[a + k]! + alongB * matrix[b + k]! + alongC * matrix[c + k]! + alongD * matrix[d + k]!;
  }
}

function lengthOf(row: Float64Array): number {
  let squares = 0;
  for (let k = 0; k < row.length; k++) squares += row[k]! * row[k]!;
  return Math.sqrt(squares);
}
