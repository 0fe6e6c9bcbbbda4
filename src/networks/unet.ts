/**
 * U-Nets: encoders and decoders of halvings and doublings, with skip connections between their levels or without.
 * Parameters have the names of the PyTorch implementation's nested modules. With `upsample` "resize" the convolution
 * that replaces a transposed one has its name.
 */
import type { Tensor } from "../graph/graph.ts";
import { leakyRelu, relu, tanh } from "../graph/ops/elementwise.ts";
import { concat } from "../graph/ops/movement.ts";
import { blurs } from "../nn/blur.ts";
import { conv, double, dropout } from "../nn/layers.ts";
import { norm, norms } from "../nn/norms.ts";
import type { Parameters } from "../nn/parameters.ts";
import type { Generator, GeneratorOptions } from "./generator.ts";
import { hasBias } from "./network.ts";

const halving = { kernel: 4, stride: 2, pad: 1 };

/**
 * The name of the sequence that holds the layers of a level, 0 being the outermost: block i sits in the sequence of block i - 1,
 * and its own layers are numbered by their place in that sequence.
 */
export const blockName = (level: number): string =>
  `model.model${".1.model".repeat(Math.min(level, 1))}${".3.model".repeat(Math.max(0, level - 1))}`;

/**
 * `levels` halvings and as many doublings (Isola et al. 2017, 6.1.1), no norm on the first and the last convolution.
 * Without `skips` each level of the decoder sees only the one below: the paper's encoder-decoder.
 */
export function unet(levels: number, { skips = true } = {}): Generator {
  const innermost = levels - 1;
  const build = (p: Parameters, x: Tensor, options: GeneratorOptions) => {
    const { outputNc, ngf, norm: kind, slope, padding, upsample, dropoutLevels, separableConv: separable } = options;
    const { graph } = p;
    const channels = (level: number) => ngf * Math.min(8, 2 ** level);
    const bias = hasBias(options.bias, norms[kind].biasBefore);
    const up = { upsample, padding, transposed: halving, separable };
    const blurred = blurs(options.blurPool, "netG");
    const drops = (level: number) =>
      dropoutLevels === "first" ? level > innermost - 3 : level < innermost && level >= 4;
    // The tutorial's skips carry LeakyReLU's output, and only the decoder's map is rectified.
    const leaky = skips && options.skip === "leaky";

    const maps: Tensor[] = [];
    let h = x;
    for (let level = 0; level < levels; level++) {
      h = graph.scope(`netG/down${level + 1}`, () => {
        const outermost = level === 0;
        const activated = outermost ? h : leakyRelu(h, slope);
        const shape = { ...halving, padding, out: channels(level), bias, separable, blurred: blurred && !outermost };
        const y = conv(p, `${blockName(level)}.${outermost ? 0 : 1}`, activated, shape);
        const bare = outermost || (level === innermost && !options.bottleneckNorm);
        return bare ? y : norm(p, kind, `${blockName(level)}.2`, y, options);
      });
      maps.push(h);
    }
    if (leaky) h = leakyRelu(h, slope);
    const rectified = (t: Tensor) => (leaky ? t : relu(t));
    for (let level = innermost; level > 0; level--) {
      h = graph.scope(`netG/up${level + 1}`, () => {
        // The innermost sequence has no block inside and, without a norm, one layer less before the decoder's.
        const at = level === innermost && !options.bottleneckNorm ? 3 : level === innermost ? 4 : 5;
        const shape = { out: channels(level - 1), bias };
        let y = double(p, `${blockName(level)}.${at}`, rectified(h), up, shape);
        y = norm(p, kind, `${blockName(level)}.${at + 1}`, y, options);
        if (options.dropout && drops(level)) y = dropout(p, y, 0.5);
        if (!skips) return y;
        const skip = maps[level - 1]!;
        return leaky ? concat([leakyRelu(skip, slope), relu(y)], 1) : concat([skip, y], 1);
      });
    }
    const last = { out: outputNc, bias: true };
    return graph.scope("netG/up1", () => tanh(double(p, "model.model.3", rectified(h), up, last)));
  };
  return {
    build,
    multiple: 2 ** levels,
    help: `U-Net of ${levels} levels${skips ? "" : " without skip connections"}`,
    switches: [...(skips ? (["skip"] as const) : []), "dropoutLevels", "bottleneckNorm", "separableConv"],
    ...(skips && { recommended: true }),
  };
}

/**
 * The U-Net of the seed article (docs/article.md): biases everywhere, LeakyReLU after the norm, no norm on the first and the
 * last encoder layer, dropout on the first three decoder layers; each decoder layer concatenates (decoder, encoder). It does
 * not read the options for dropout levels, skips and the bottleneck's norm.
 */
export const article: Generator = {
  multiple: 256,
  help: "the seed article's U-Net of 8 levels (see --profile article)",
  build(p, x, options) {
    const { outputNc, ngf, norm: kind, slope, padding, upsample } = options;
    const { graph } = p;
    const levels = 8;
    const bias = hasBias(options.bias, true);
    const up = { upsample, padding, transposed: halving };
    const blurred = blurs(options.blurPool, "netG");
    // Layers are named after the article's widths, whatever ngf is.
    const width = (level: number) => Math.min(8, 2 ** (level - 1));
    const skips: Tensor[] = [x];
    for (let level = 1; level <= levels; level++) {
      const y = graph.scope(`netG/down${level}`, () => {
        const name = `down_${level}_C${64 * width(level)}.model`;
        const shape = { ...halving, padding, out: ngf * width(level), bias, blurred: blurred && level > 1 };
        const z = conv(p, `${name}.0`, skips[level - 1]!, shape);
        return leakyRelu(level === 1 || level === levels ? z : norm(p, kind, `${name}.1`, z, options), slope);
      });
      skips.push(y);
    }
    let h = skips[levels]!;
    for (let level = levels - 1; level >= 1; level--) {
      h = graph.scope(`netG/up${level}`, () => {
        const dropped = level >= levels - 3;
        const name = `up_${level}_C${dropped ? "D" : ""}${64 * width(level)}.model`;
        let y = double(p, `${name}.0`, h, up, { out: ngf * width(level), bias });
        y = norm(p, kind, `${name}.1`, y, options);
        if (dropped && options.dropout) y = dropout(p, y, 0.5);
        return concat([relu(y), skips[level]!], 1);
      });
    }
    return graph.scope("netG/out", () => tanh(double(p, "conv", h, up, { out: outputNc, bias: true })));
  },
};
