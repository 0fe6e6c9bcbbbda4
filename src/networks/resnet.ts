/**
 * ResNet generators: that of Johnson et al. 2016 as CycleGAN and the PyTorch implementation have it, and pix2pixHD's (Wang et al.
 * 2018, 3.1), a deeper one and an enhancer around it. Parameters have the names of those implementations.
 */
import type { Tensor } from "../graph/graph.ts";
import { add, relu, tanh } from "../graph/ops/elementwise.ts";
import { averagePool } from "../graph/ops/pooling.ts";
import { blurs } from "../nn/blur.ts";
import { conv, double, dropout } from "../nn/layers.ts";
import { norm, norms } from "../nn/norms.ts";
import type { Parameters } from "../nn/parameters.ts";
import type { Generator, GeneratorOptions } from "./generator.ts";
import { hasBias } from "./network.ts";

/** The 7 x 7 convolutions and those of the blocks mirror their input at its edges. */
const reflected = (kernel: number) => ({ kernel, pad: (kernel - 1) / 2, padding: "reflect" as const });

/** The transposed convolutions. */
const doubling = { kernel: 3, stride: 2, pad: 1, outputPad: 1 };

/** A residual block on h with the layers `<name>.1` to `<name>.6` or 7; dropout is in its middle. */
function block(p: Parameters, name: string, h: Tensor, options: GeneratorOptions): Tensor {
  const { norm: kind, dropoutLayers = options.dropout } = options;
  const shape = { ...reflected(3), out: h.shape[1]!, bias: hasBias(options.bias, norms[kind].biasBefore) };
  const layer = (at: number, y: Tensor) =>
    norm(p, kind, `${name}.${at + 1}`, conv(p, `${name}.${at}`, y, shape), options);
  let y = relu(layer(1, h));
  if (options.dropout) y = dropout(p, y, 0.5);
  return add(h, layer(dropoutLayers ? 6 : 5, y));
}

/** A ResNet without its last convolution, and the number of the layer that follows. */
function trunk(p: Parameters, x: Tensor, options: GeneratorOptions, halvings: number, blocks: number) {
  const { ngf, norm: kind, padding, upsample } = options;
  const { graph } = p;
  const bias = hasBias(options.bias, norms[kind].biasBefore);
  const blurred = blurs(options.blurPool, "netG");
  const normed = (at: number, y: Tensor) => relu(norm(p, kind, `model.${at}`, y, options));

  // Layers are numbered by their place in one sequence, in which paddings, norms and activations count.
  let h = graph.scope("netG/first", () => normed(2, conv(p, "model.1", x, { ...reflected(7), out: ngf, bias })));
  for (let i = 1; i <= halvings; i++) {
    h = graph.scope(`netG/down${i}`, () => {
      const shape = { kernel: 3, stride: 2, pad: 1, padding, out: ngf * 2 ** i, bias, blurred };
      return normed(2 + 3 * i, conv(p, `model.${1 + 3 * i}`, h, shape));
    });
  }
  const firstBlock = 4 + 3 * halvings;
  for (let i = 0; i < blocks; i++) {
    h = graph.scope(`netG/block${i + 1}`, () => block(p, `model.${firstBlock + i}.conv_block`, h, options));
  }
  const up = { upsample, padding, transposed: doubling };
  for (let i = 0; i < halvings; i++) {
    h = graph.scope(`netG/up${halvings - i}`, () => {
      const at = firstBlock + blocks + 3 * i;
      return normed(at + 1, double(p, `model.${at}`, h, up, { out: ngf * 2 ** (halvings - 1 - i), bias }));
    });
  }
  return { h, next: firstBlock + blocks + 3 * halvings };
}

/** The last 7 x 7 convolution and tanh. */
const picture = (p: Parameters, name: string, h: Tensor, outputNc: number): Tensor =>
  p.graph.scope("netG/last", () => tanh(conv(p, name, h, { ...reflected(7), out: outputNc })));

/**
 * A 7 x 7 convolution, `halvings` convolutions of stride 2, `blocks` residual blocks, as many layers that double, and a 7 x 7
 * convolution. The 7 x 7 convolutions and those of the blocks reflect at the edges; `padding` is for those of stride 2 and for those
 * of `upsample` "resize", which have the names of the transposed ones. Dropout is in the middle of each block.
 */
export function resnet(blocks: number, halvings = 2): Generator {
  return {
    build(p, x, options) {
      const { h, next } = trunk(p, x, options, halvings, blocks);
      return picture(p, `model.${next + 1}`, h, options.outputNc);
    },
    multiple: 2 ** halvings,
    help: `ResNet of ${blocks} blocks${halvings === 2 ? "" : ` and ${halvings} halvings, pix2pixHD's global generator`}`,
  };
}

/**
 * pix2pixHD's local enhancer: a ResNet with twice the filters on the picture at half its size, and layers at full size, which add its
 * maps to theirs. The inner ResNet is `resnet(9, 4)` without its last convolution, and can take the weights of a trained one.
 */
export const enhancer: Generator = {
  help: "pix2pixHD's local enhancer around global_9blocks of twice the filters",
  multiple: 32,
  build(p, x, options) {
    const { ngf, norm: kind, padding, upsample, outputNc } = options;
    const { graph } = p;
    const bias = hasBias(options.bias, norms[kind].biasBefore);
    const normed = (at: string, y: Tensor) => relu(norm(p, kind, at, y, options));
    const half = graph.scope("netG/half", () => averagePool(x));
    const inner = trunk(p, half, { ...options, ngf: 2 * ngf }, 4, 9).h;
    let h = graph.scope("netG/enhancer/down", () => {
      const y = normed("model1_1.2", conv(p, "model1_1.1", x, { ...reflected(7), out: ngf, bias }));
      const blurred = blurs(options.blurPool, "netG");
      const shape = { kernel: 3, stride: 2, pad: 1, padding, out: 2 * ngf, bias, blurred };
      return add(normed("model1_1.5", conv(p, "model1_1.4", y, shape)), inner);
    });
    for (let i = 0; i < 3; i++) {
      h = graph.scope(`netG/enhancer/block${i + 1}`, () => block(p, `model1_2.${i}.conv_block`, h, options));
    }
    h = graph.scope("netG/enhancer/up", () => {
      const up = { upsample, padding, transposed: doubling };
      return normed("model1_2.4", double(p, "model1_2.3", h, up, { out: ngf, bias }));
    });
    return picture(p, "model1_2.7", h, outputNc);
  },
};
