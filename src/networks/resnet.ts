/** The ResNet generator of Johnson et al. 2016 as CycleGAN and the PyTorch implementation have it. */
import type { Tensor } from "../graph/graph.ts";
import { add, relu, tanh } from "../graph/ops/elementwise.ts";
import { conv, double, dropout } from "../nn/layers.ts";
import { norm, norms } from "../nn/norms.ts";
import type { Parameters } from "../nn/parameters.ts";
import type { Generator, GeneratorOptions } from "./generator.ts";
import { hasBias } from "./network.ts";

const halvings = 2;

/**
 * A 7 x 7 convolution, two that halve, `blocks` residual blocks at a quarter of the size, two that double, a 7 x 7 one.
 * The 7 x 7 ones and those of the blocks reflect at the edges; `padding` is for the two that halve and for those of
 * `upsample` "resize", which have the names of the transposed ones. Dropout is in the middle of each block.
 */
export function resnet(blocks: number): Generator {
  const build = (p: Parameters, x: Tensor, options: GeneratorOptions) => {
    const { outputNc, ngf, norm: kind, padding, upsample, dropoutLayers = options.dropout } = options;
    const { graph } = p;
    const bias = hasBias(options.bias, norms[kind].biasBefore);
    const reflected = (kernel: number) => ({ kernel, pad: (kernel - 1) / 2, padding: "reflect" as const });
    const normed = (at: string, y: Tensor) => norm(p, kind, at, y, options);

    // Layers are numbered by their place in one sequence, in which paddings, norms and activations count.
    let h = graph.scope("netG/first", () => {
      const y = conv(p, "model.1", x, { ...reflected(7), out: ngf, bias });
      return relu(normed("model.2", y));
    });
    for (let i = 1; i <= halvings; i++) {
      h = graph.scope(`netG/down${i}`, () => {
        const at = 1 + 3 * i;
        const y = conv(p, `model.${at}`, h, { kernel: 3, stride: 2, pad: 1, padding, out: ngf * 2 ** i, bias });
        return relu(normed(`model.${at + 1}`, y));
      });
    }
    const shape = { ...reflected(3), out: ngf * 2 ** halvings, bias };
    const firstBlock = 4 + 3 * halvings;
    for (let i = 0; i < blocks; i++) {
      h = graph.scope(`netG/block${i + 1}`, () => {
        const name = `model.${firstBlock + i}.conv_block`;
        let y = relu(normed(`${name}.2`, conv(p, `${name}.1`, h, shape)));
        if (options.dropout) y = dropout(p, y, 0.5);
        const at = dropoutLayers ? 6 : 5;
        return add(h, normed(`${name}.${at + 1}`, conv(p, `${name}.${at}`, y, shape)));
      });
    }
    const up = { upsample, padding, transposed: { kernel: 3, stride: 2, pad: 1, outputPad: 1 } };
    for (let i = 0; i < halvings; i++) {
      h = graph.scope(`netG/up${halvings - i}`, () => {
        const at = firstBlock + blocks + 3 * i;
        const y = double(p, `model.${at}`, h, up, { out: ngf * 2 ** (halvings - 1 - i), bias });
        return relu(normed(`model.${at + 1}`, y));
      });
    }
    const last = firstBlock + blocks + 3 * halvings + 1;
    return graph.scope("netG/last", () => tanh(conv(p, `model.${last}`, h, { ...reflected(7), out: outputNc })));
  };
  return { build, multiple: 2 ** halvings, help: `ResNet of ${blocks} blocks` };
}
