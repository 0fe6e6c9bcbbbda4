/**
 * Discriminators. `discriminators` names them for --netD: an entry here is all that a new one needs.
 * A discriminator maps input and picture side by side, [N, inputNc + outputNc, H, W], to a map of logits [N, 1, h, w]: one
 * judgement for each patch of the size of its receptive field.
 */
import type { Tensor } from "../graph.ts";
import { conv, convTranspose, type Norm, norm } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import { leakyRelu } from "../ops/elementwise.ts";

export interface DiscriminatorOptions {
  /** Channels of the first layer; they double up to 8 times. */
  ndf: number;
  nLayers: number;
  norm: Norm;
}

/** Kernel extent and stride of a layer, for the receptive field; a transposed layer has stride 1 / s. */
export interface LayerGeometry {
  extent: number;
  stride: number;
}

export interface Discriminator {
  build(p: Parameters, x: Tensor, options: DiscriminatorOptions): Tensor;
  /** The layers from input to output. */
  geometry(options: { nLayers: number }): LayerGeometry[];
  help: string;
}

const slope = 0.2;

/** The side of the input patch that one value of the output map depends on, in pixels. */
export function receptiveField(layers: readonly LayerGeometry[]): number {
  let field = 1;
  for (const { extent, stride } of [...layers].reverse()) field = Math.floor((field - 1) * stride) + extent;
  return field;
}

/** PatchGAN (Isola et al. 2017, 6.1.2): `nLayers` strided convolutions, then two of stride 1; 0 layers is the PixelGAN. */
const n_layers: Discriminator = {
  help: "PatchGAN of --n-layers-d strided layers: receptive field 16, 34, 70, 142, 286, 574 for 1 to 6, 1 for 0",
  geometry: ({ nLayers }) =>
    nLayers === 0
      ? pixel.geometry({ nLayers })
      : [
          ...Array.from({ length: nLayers }, () => ({ extent: 4, stride: 2 })),
          { extent: 4, stride: 1 },
          { extent: 4, stride: 1 },
        ],
  build(p, x, options) {
    const { ndf, nLayers, norm: kind } = options;
    if (nLayers === 0) return pixel.build(p, x, options);
    const bias = kind === "instance";
    const width = (i: number) => ndf * Math.min(8, 2 ** i);
    const strided = { kernel: 4, stride: 2, pad: 1 };
    const { graph } = p;
    let h = graph.scope("conv1", () => leakyRelu(conv(p, "model.0", x, { ...strided, out: ndf }), slope));
    for (let i = 1; i <= nLayers; i++) {
      h = graph.scope(`conv${i + 1}`, () => {
        const at = 3 * i - 1;
        const shape = { ...strided, stride: i < nLayers ? 2 : 1, out: width(i), bias };
        return leakyRelu(norm(p, kind, `model.${at + 1}`, conv(p, `model.${at}`, h, shape)), slope);
      });
    }
    return graph.scope("map", () => conv(p, `model.${3 * nLayers + 2}`, h, { out: 1, kernel: 4, pad: 1 }));
  },
};

/** The 70 x 70 PatchGAN: 3 strided layers. */
const basic: Discriminator = {
  help: "PatchGAN of 3 strided layers, receptive field 70",
  geometry: () => n_layers.geometry({ nLayers: 3 }),
  build: (p, x, options) => n_layers.build(p, x, { ...options, nLayers: 3 }),
};

/** PixelGAN: 1 x 1 convolutions. */
const pixel: Discriminator = {
  help: "PixelGAN: 1 x 1 convolutions, receptive field 1",
  geometry: () => [1, 2, 3].map(() => ({ extent: 1, stride: 1 })),
  build(p, x, { ndf, norm: kind }) {
    const bias = kind === "instance";
    const h = leakyRelu(conv(p, "net.0", x, { out: ndf, kernel: 1 }), slope);
    const h2 = norm(p, kind, "net.3", conv(p, "net.2", h, { out: 2 * ndf, kernel: 1, bias }));
    return conv(p, "net.5", leakyRelu(h2, slope), { out: 1, kernel: 1, bias });
  },
};

/**
 * The seed article's: four strided convolutions, then a transposed one of stride 4 and dilation 3, which spreads a 16 x 16
 * map over 70 x 70 values. The size of that map is not its receptive field.
 */
const article: Discriminator = {
  help: "the seed article's: 4 strided layers, then a transposed one to a 70 x 70 map",
  geometry: () => [
    ...Array.from({ length: 4 }, () => ({ extent: 4, stride: 2 })),
    // Each output value of the transposed layer sees at most ceil(10 / 4) = 3 places of its input, of which dilation 3
    // leaves one: the 4 taps lie 3 apart and stride 4 lets exactly one of them meet an output position.
    { extent: 1, stride: 1 },
  ],
  build(p, x, { ndf, norm: kind }) {
    const { graph } = p;
    let h = x;
    for (let i = 0; i < 4; i++) {
      h = graph.scope(`conv${i + 1}`, () => {
        const at = Math.max(0, 3 * i - 1);
        const y = conv(p, `model.${at}`, h, { out: ndf * 2 ** i, kernel: 4, stride: 2, pad: 1 });
        return leakyRelu(i === 0 ? y : norm(p, kind, `model.${at + 1}`, y), slope);
      });
    }
    return graph.scope("map", () => convTranspose(p, "model.11", h, { out: 1, kernel: 4, stride: 4, dilation: 3 }));
  },
};

/** The choices of --netD. */
export const discriminators: Readonly<Record<string, Discriminator>> = { basic, n_layers, pixel, article };
