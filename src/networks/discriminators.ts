/**
 * The choices of --netD. A new discriminator needs one entry here: options, help, docs and checks follow from it.
 *
 * A discriminator maps input and picture side by side, [N, inputNc + outputNc, H, W], to a map of logits [N, 1, h, w]: one
 * judgement for each patch of the size of its receptive field.
 */
import type { Tensor } from "../graph/graph.ts";
import { leakyRelu } from "../graph/ops/elementwise.ts";
import { averagePool } from "../graph/ops/pooling.ts";
import { blurs } from "../nn/blur.ts";
import { conv, convTranspose } from "../nn/layers.ts";
import { norm, norms } from "../nn/norms.ts";
import type { Parameters } from "../nn/parameters.ts";
import { hasBias, type NetworkOptions } from "./network.ts";

/** The options of a discriminator. */
export interface DiscriminatorOptions extends NetworkOptions {
  /** Channels of the first layer; they double up to 8 times. */
  ndf: number;
  /** Strided layers; a discriminator of fixed depth does not read it. */
  nLayersD: number;
  /** The first part of the parameters' names; "" where there is one discriminator. */
  prefix: string;
}

/** The options on which the layers of a discriminator depend. */
export type Depth = Pick<DiscriminatorOptions, "nLayersD">;

/** Extent of a layer's kernel, dilation included, and stride, for the receptive field. A transposed layer of stride s has stride 1 / s. */
export interface LayerGeometry {
  extent: number;
  stride: number;
}

/** A choice of --netD. */
export interface Discriminator {
  /** One line for the help of --netD. */
  help: string;
  /** The output of each layer after its activation; the last is the map of logits. */
  layers(p: Parameters, x: Tensor, options: DiscriminatorOptions): Tensor[];
  /** The layers from input to output. */
  geometry(options: Depth): LayerGeometry[];
  /** The least height and width, in pixels, for which the map of logits is not empty. */
  least(options: Depth): number;
  /** The option that helps where pictures of `side` pixels are below `least`; undefined where none does. */
  remedy?(side: number): string | undefined;
  /** The largest --num-d; by default there is no limit. */
  mostScales?: number;
}

/**
 * The side of the input patch, in pixels, on which one value of the output map depends.
 *
 * @example
 * ```ts
 * import { discriminators, receptiveField } from "pix2pix";
 *
 * console.log(receptiveField(discriminators.n_layers.geometry({ nLayersD: 3 }))); // 70
 * ```
 */
export function receptiveField(layers: readonly LayerGeometry[]): number {
  let field = 1;
  for (const { extent, stride } of [...layers].reverse()) field = Math.floor((field - 1) * stride) + extent;
  return field;
}

/** The most strided layers of a PatchGAN for pictures of `side` pixels: see `least`. */
const deepest = (side: number) => Math.max(0, Math.floor(Math.log2(side / 3)));

/** PatchGAN (Isola et al. 2017, 6.1.2): `nLayersD` strided convolutions, then two of stride 1; 0 layers is the PixelGAN. */
const n_layers: Discriminator = {
  help: "PatchGAN of --n-layers-d strided layers",
  geometry: ({ nLayersD }) =>
    nLayersD === 0
      ? pixel.geometry({ nLayersD })
      : [
          ...Array.from({ length: nLayersD }, () => ({ extent: 4, stride: 2 })),
          { extent: 4, stride: 1 },
          { extent: 4, stride: 1 },
        ],
  // Strided layers halve each side, rounding down; each of the two 4 x 4 layers of stride 1 with padding 1 shortens it by 1.
  least: ({ nLayersD }) => (nLayersD === 0 ? 1 : 3 * 2 ** nLayersD),
  remedy: (side) => `--n-layers-d of at most ${deepest(side)}`,
  layers(p, x, options) {
    const { ndf, nLayersD, norm: kind, slope, padding, prefix } = options;
    if (nLayersD === 0) return pixel.layers(p, x, options);
    const bias = hasBias(options.bias, norms[kind].biasBefore);
    const width = (i: number) => ndf * Math.min(8, 2 ** i);
    const blurred = blurs(options.blurPool, "netD");
    const strided = { kernel: 4, stride: 2, pad: 1, padding };
    const name = (at: number) => `${prefix}model.${at}`;
    const { graph } = p;
    const first = { ...strided, out: ndf, bias: hasBias(options.bias, true) };
    const maps = [graph.scope("conv1", () => leakyRelu(conv(p, name(0), x, first), slope))];
    for (let i = 1; i <= nLayersD; i++) {
      const h = graph.scope(`conv${i + 1}`, () => {
        const at = 3 * i - 1;
        const halves = i < nLayersD;
        const shape = { ...strided, stride: halves ? 2 : 1, out: width(i), bias, blurred: blurred && halves };
        return leakyRelu(norm(p, kind, name(at + 1), conv(p, name(at), maps.at(-1)!, shape), options), slope);
      });
      maps.push(h);
    }
    const last = { out: 1, kernel: 4, pad: 1, padding };
    return [...maps, graph.scope("map", () => conv(p, name(3 * nLayersD + 2), maps.at(-1)!, last))];
  },
};

/** A PatchGAN of fixed depth. */
const patches = (nLayersD: number): Discriminator => ({
  help: `PatchGAN of ${nLayersD} strided layer${nLayersD === 1 ? "" : "s"}, patches of ${patchOf(nLayersD)} px`,
  geometry: () => n_layers.geometry({ nLayersD }),
  least: () => n_layers.least({ nLayersD }),
  remedy: (side) => `--netD n_layers with --n-layers-d of at most ${deepest(side)}`,
  layers: (p, x, options) => n_layers.layers(p, x, { ...options, nLayersD }),
});

const patchOf = (nLayersD: number) => receptiveField(n_layers.geometry({ nLayersD }));

/** PixelGAN: 1 x 1 convolutions. */
const pixel: Discriminator = {
  help: "PixelGAN of 1 x 1 convolutions, judges single pixels",
  least: () => 1,
  geometry: () => [1, 2, 3].map(() => ({ extent: 1, stride: 1 })),
  layers(p, x, options) {
    const { ndf, norm: kind, slope, prefix } = options;
    const bias = hasBias(options.bias, norms[kind].biasBefore);
    const first = { out: ndf, kernel: 1, bias: hasBias(options.bias, true) };
    const h = leakyRelu(conv(p, `${prefix}net.0`, x, first), slope);
    const y = conv(p, `${prefix}net.2`, h, { out: 2 * ndf, kernel: 1, bias });
    const h2 = leakyRelu(norm(p, kind, `${prefix}net.3`, y, options), slope);
    const last = { out: 1, kernel: 1, bias: options.bias === "never" || bias };
    return [h, h2, conv(p, `${prefix}net.5`, h2, last)];
  },
};

/**
 * The discriminator of the seed article (docs/article.md): four strided convolutions, then a transposed one of stride 4 and dilation 3,
 * which turns a 16 x 16 map into one of 70 x 70. The size of that map is not its receptive field.
 */
const article: Discriminator = {
  help: "the seed article's: 4 strided layers, then a transposed one to a 70 x 70 map",
  least: () => 16,
  mostScales: 1,
  geometry: () => [
    ...Array.from({ length: 4 }, () => ({ extent: 4, stride: 2 })),
    // Each output value of the transposed layer depends on one place of its input. Tap k at place p writes to position 4 p + 3 k, and
    // for a given position only one k of 0 to 3 has the right remainder modulo 4.
    { extent: 1, stride: 1 },
  ],
  layers(p, x, options) {
    const { ndf, norm: kind, slope, padding, prefix } = options;
    const bias = hasBias(options.bias, true);
    const { graph } = p;
    const blurred = blurs(options.blurPool, "netD");
    const maps = [x];
    for (let i = 0; i < 4; i++) {
      const h = graph.scope(`conv${i + 1}`, () => {
        const at = Math.max(0, 3 * i - 1);
        const shape = { out: ndf * 2 ** i, kernel: 4, stride: 2, pad: 1, padding, bias, blurred: blurred && i > 0 };
        const y = conv(p, `${prefix}model.${at}`, maps.at(-1)!, shape);
        return leakyRelu(i === 0 ? y : norm(p, kind, `${prefix}model.${at + 1}`, y, options), slope);
      });
      maps.push(h);
    }
    const last = { out: 1, kernel: 4, stride: 4, dilation: 3 };
    return [...maps.slice(1), graph.scope("map", () => convTranspose(p, `${prefix}model.11`, maps.at(-1)!, last))];
  },
};

/** The choices of --netD. patch_N is the discriminator of receptive field N of the paper (table 3 and 6.1.2). */
export const discriminators = {
  basic: patches(3),
  n_layers,
  pixel,
  patch_1: pixel,
  patch_16: patches(1),
  patch_70: patches(3),
  patch_286: patches(5),
  article,
} satisfies Readonly<Record<string, Discriminator>>;

export type DiscriminatorName = keyof typeof discriminators;

/**
 * `numD` discriminators of one kind at as many scales (pix2pixHD, Wang et al. 2018, 3.2): that of scale k gets `x` after k
 * applications of AvgPool2d(3, 2, 1, count_include_pad=False).
 * @param x input and picture side by side, [N, inputNc + outputNc, H, W]
 * @returns for each scale, from full size down, the output of each layer; the last is the scale's map of logits
 *
 * Parameters of scale k are named "scale<k>.<name>"; with `numD` 1 they have the discriminator's own names. (pix2pixHD
 * numbers scales from the smallest and pads by 2, so that its weights would need another network than this.)
 */
export function discriminateScales(
  p: Parameters,
  x: Tensor,
  options: DiscriminatorOptions & { netD: DiscriminatorName; numD: number },
): Tensor[][] {
  const { netD, numD, prefix } = options;
  const { layers } = discriminators[netD];
  if (numD === 1) return [layers(p, x, options)];
  const { graph } = p;
  const scales: Tensor[][] = [];
  let at = x;
  for (let k = 0; k < numD; k++) {
    if (k > 0) at = graph.scope(`scale${k}`, () => averagePool(at));
    scales.push(graph.scope(`scale${k}`, () => layers(p, at, { ...options, prefix: `${prefix}scale${k}.` })));
  }
  return scales;
}
