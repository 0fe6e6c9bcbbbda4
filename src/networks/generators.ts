/**
 * Generators. `generators` names them for --netG: an entry here is all that a new one needs.
 * A generator maps the input picture [N, inputNc, H, W] to [N, outputNc, H, W], both in [-1, 1].
 */
import type { Tensor } from "../graph.ts";
import { conv, convTranspose, dropout, type Norm, norm, type Statistics } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import { leakyRelu, relu, tanh } from "../ops/elementwise.ts";
import { concat } from "../ops/movement.ts";

export interface GeneratorOptions {
  outputNc: number;
  /** Channels of the first layer; they double up to 8 times. */
  ngf: number;
  norm: Norm;
  dropout: boolean;
  statistics?: Statistics;
}

export interface Generator {
  build(p: Parameters, x: Tensor, options: GeneratorOptions): Tensor;
  /** Height and width have to be multiples of this. */
  multiple: number;
  help: string;
}

const down = { kernel: 4, stride: 2, pad: 1 };
const slope = 0.2;

/**
 * U-Net of `levels` halvings with skip connections (Isola et al. 2017, 6.1.1), arranged and named as upstream's nested
 * modules: dropout on decoder levels 2 to levels - 4, no norm on the first, the innermost and the last convolution.
 */
function unet(levels: number): Generator {
  const build = (
    p: Parameters,
    x: Tensor,
    { outputNc, ngf, norm: kind, dropout: drop, statistics }: GeneratorOptions,
  ) => {
    const { graph } = p;
    const channels = (level: number) => ngf * Math.min(8, 2 ** level);
    // Upstream: a convolution has a bias where the norm after it does not cancel or replace it.
    const bias = kind === "instance";
    // Block i sits in the sequence of block i - 1; its own layers are numbered by their place in that sequence.
    const block = (level: number) =>
      `model.model${".1.model".repeat(Math.min(level, 1))}${".3.model".repeat(Math.max(0, level - 1))}`;
    const innermost = levels - 1;

    const skips: Tensor[] = [];
    let h = x;
    for (let level = 0; level < levels; level++) {
      h = graph.scope(`netG/down${level + 1}`, () => {
        const outermost = level === 0;
        const activated = outermost ? h : leakyRelu(h, slope);
        const y = conv(p, `${block(level)}.${outermost ? 0 : 1}`, activated, { ...down, out: channels(level), bias });
        return outermost || level === innermost ? y : norm(p, kind, `${block(level)}.2`, y, { statistics });
      });
      skips.push(h);
    }
    for (let level = innermost; level > 0; level--) {
      h = graph.scope(`netG/up${level + 1}`, () => {
        const at = level === innermost ? 3 : 5;
        let y = convTranspose(p, `${block(level)}.${at}`, relu(h), { ...down, out: channels(level - 1), bias });
        y = norm(p, kind, `${block(level)}.${at + 1}`, y, { statistics });
        if (drop && level < innermost && level >= 4) y = dropout(p, y, 0.5);
        return concat([skips[level - 1]!, y], 1);
      });
    }
    return graph.scope("netG/up1", () => tanh(convTranspose(p, "model.model.3", relu(h), { ...down, out: outputNc })));
  };
  return {
    build,
    multiple: 2 ** levels,
    help: `U-Net of ${levels} levels, for sizes that are multiples of ${2 ** levels}`,
  };
}

/**
 * The seed article's U-Net: biases everywhere, LeakyReLU after the norm, no norm on the first and the last encoder layer,
 * dropout on the first three decoder layers, each of which concatenates (decoder, encoder).
 */
const article: Generator = {
  multiple: 256,
  help: "the seed article's U-Net of 8 levels (use --profile article)",
  build(p, x, { outputNc, ngf, norm: kind, dropout: drop, statistics }) {
    const { graph } = p;
    const levels = 8;
    // Layers are named after the article's widths, whatever ngf is.
    const width = (level: number) => Math.min(8, 2 ** (level - 1));
    const skips: Tensor[] = [x];
    for (let level = 1; level <= levels; level++) {
      const y = graph.scope(`netG/down${level}`, () => {
        const name = `down_${level}_C${64 * width(level)}.model`;
        const z = conv(p, `${name}.0`, skips[level - 1]!, { ...down, out: ngf * width(level) });
        return leakyRelu(level === 1 || level === levels ? z : norm(p, kind, `${name}.1`, z, { statistics }), slope);
      });
      skips.push(y);
    }
    let h = skips[levels]!;
    for (let level = levels - 1; level >= 1; level--) {
      h = graph.scope(`netG/up${level}`, () => {
        const dropped = level >= levels - 3;
        const name = `up_${level}_C${dropped ? "D" : ""}${64 * width(level)}.model`;
        let y = convTranspose(p, `${name}.0`, h, { ...down, out: ngf * width(level) });
        y = norm(p, kind, `${name}.1`, y, { statistics });
        if (dropped && drop) y = dropout(p, y, 0.5);
        return concat([relu(y), skips[level]!], 1);
      });
    }
    return graph.scope("netG/out", () => tanh(convTranspose(p, "conv", h, { ...down, out: outputNc })));
  },
};

/** The choices of --netG. */
export const generators: Readonly<Record<string, Generator>> = {
  unet_32: unet(5),
  unet_64: unet(6),
  unet_128: unet(7),
  unet_256: unet(8),
  unet_512: unet(9),
  unet_1024: unet(10),
  article,
};
