/**
 * Finds the architecture of a network from tensors with the names of the PyTorch implementation. A family of networks has one entry:
 * the tensor by which it is recognised, and a function that reads the options off its tensors.
 */
import type { ConfigInput } from "../config/schema.ts";
import { CheckpointError } from "../errors.ts";
import { generators } from "../networks/generators.ts";
import { blockName } from "../networks/unet.ts";

/** Shapes by name. */
export type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** An option that the tensors fix, and the tensor that shows it. */
export interface Fact {
  key: keyof ConfigInput;
  value: string | number | boolean;
  /** Such as "model.model.0.weight [64, 3, 4, 4]". */
  from: string;
}

/** The architecture of a network, as its tensors show it. */
export interface Architecture {
  facts: Fact[];
  /** Channels of the input: of G's picture, or of D's input and picture together. */
  inputs: number;
  /** A sentence for each option that the tensors leave in doubt. */
  notes: string[];
}

export interface Family {
  network: "G" | "D";
  /** The end of the name of its first weight. */
  first: string;
  /** Whether a tensor of that name is its first weight. */
  is(shape: readonly number[], prefix: string): boolean;
  /** @throws CheckpointError for an architecture that no option gives */
  read(tensors: Shapes, file: string): Architecture;
}

type Read = (name: string) => readonly number[] | undefined;

/** Functions that look up shapes of one network's tensors and make facts of them. */
function reader(tensors: Shapes, file: string) {
  const shapeOf: Read = (name) => tensors.get(name)?.shape;
  const need = (name: string, axes = 4): readonly number[] => {
    const shape = shapeOf(name);
    if (shape?.length === axes) return shape;
    const got = shape ? `it has ${name} [${shape.join(", ")}]` : `it has no ${name}`;
    throw new CheckpointError(`${file} is of another network: ${got}, expected ${axes} axes there.`);
  };
  const fact = (key: Fact["key"], value: Fact["value"], name: string): Fact => ({
    key,
    value,
    from: shapeOf(name) ? `${name} [${shapeOf(name)!.join(", ")}]` : `no ${name}`,
  });
  return { shapeOf, need, fact };
}

type Reader = ReturnType<typeof reader>;

const someNames = (tensors: Shapes) => [...tensors.keys()].slice(0, 4).join(", ");

/** The facts of norms and biases. `conv` is a convolution before a norm, `norm` the name of that norm. */
function normFacts({ shapeOf, fact }: Reader, conv: string, norm: string, notes: string[]): Fact[] {
  const scaled = shapeOf(`${norm}.weight`)?.length === 1;
  const biased = shapeOf(`${conv}.bias`) !== undefined;
  if (scaled)
    return [fact("norm", "batch", `${norm}.weight`), ...(biased ? [fact("bias", "always", `${conv}.bias`)] : [])];
  if (!biased) return [fact("norm", "none", `${norm}.weight`)];
  notes.push("there are biases and no scales of norms: taken as instance norm, as the PyTorch implementation has them");
  return [fact("norm", "instance", `${norm}.weight`)];
}

const unet: Family = {
  network: "G",
  first: "model.model.0.weight",
  is: (shape) => shape.length === 4 && shape[2] === 4,
  read(tensors, file) {
    const r = reader(tensors, file);
    const { shapeOf, need, fact } = r;
    const first = "model.model.0.weight";
    const [ngf = 0, inputs = 0] = need(first);
    let levels = 1;
    while (shapeOf(`${blockName(levels)}.1.weight`)) levels += 1;
    const innermost = blockName(levels - 1);
    const last = need("model.model.3.weight");
    // A resize-convolution has a kernel of 3, [out, in, 3, 3]; a transposed one [in, out, 4, 4].
    const resize = last[2] === 3;
    const [wide, outputNc] = resize ? [last[1]!, last[0]!] : [last[0]!, last[1]!];
    const skips = wide !== ngf;
    const netG = Object.entries(generators).find(
      ([name, { multiple }]) => multiple === 2 ** levels && name.startsWith(skips ? "unet" : "encoder"),
    )?.[0];
    if (netG === undefined) {
      throw new CheckpointError(
        `${file} is a U-Net of ${levels} levels ${skips ? "with" : "without"} skip connections (its innermost weight is ` +
          `${innermost}.1.weight); no choice of --netG is such a network. Known: ${Object.keys(generators).join(", ")}.`,
      );
    }
    const notes: string[] = [];
    const facts = [
      fact("netG", netG, `${innermost}.1.weight`),
      fact("ngf", ngf, first),
      fact("inputNc", inputs, first),
      fact("outputNc", outputNc, "model.model.3.weight"),
      ...normFacts(r, `${blockName(1)}.1`, `${blockName(1)}.2`, notes),
    ];
    if (resize) facts.push(fact("upsample", "resize", "model.model.3.weight"));
    if (shapeOf(`${innermost}.4.weight`)?.length === 4)
      facts.push(fact("bottleneckNorm", true, `${innermost}.4.weight`));
    return { facts, inputs, notes };
  },
};

/** The ends of the names of a separable convolution's two weights and bias; see `separableConv` in nn/layers.ts. */
const pointwise = /\.pointwise\.(weight|bias)$/;

/** A U-Net of separable convolutions is read as one of plain ones with 4 x 4 kernels, and the last one transposed. */
const separableUnet: Family = {
  network: "G",
  first: "model.model.0.depthwise.weight",
  is: (shape) => shape.length === 4 && shape[1] === 1 && shape[2] === 4,
  read(tensors, file) {
    const plain = new Map(tensors);
    for (const [name, { shape }] of tensors) {
      const part = pointwise.exec(name)?.[1];
      if (part === undefined) continue;
      const [out = 0, into = 0] = shape;
      const kernel = name.startsWith("model.model.3.") ? [into, out, 4, 4] : [out, into, 4, 4];
      plain.set(name.replace(pointwise, `.${part}`), { shape: part === "bias" ? shape : kernel });
    }
    const { facts, ...rest } = unet.read(plain, file);
    const { fact } = reader(tensors, file);
    return { ...rest, facts: [...facts, fact("separableConv", true, separableUnet.first)] };
  },
};

const resnet: Family = {
  network: "G",
  first: "model.1.weight",
  is: (shape) => shape.length === 4 && shape[2] === 7,
  read(tensors, file) {
    const r = reader(tensors, file);
    const { shapeOf, need, fact } = r;
    if (shapeOf("model1_1.1.weight")) return enhancer(r);
    const [ngf = 0, inputs = 0] = need("model.1.weight");
    // Each halving is a convolution, a norm and an activation; see networks/resnet.ts.
    let firstBlock = 4;
    while (shapeOf(`model.${firstBlock}.weight`)?.length === 4) firstBlock += 3;
    const blockAt = (i: number) => `model.${firstBlock + i}.conv_block`;
    let blocks = 0;
    while (shapeOf(`${blockAt(blocks)}.1.weight`)) blocks += 1;
    const halvings = (firstBlock - 4) / 3;
    const netG = halvings === 4 ? `global_${blocks}blocks` : `resnet_${blocks}blocks`;
    if (!Object.hasOwn(generators, netG) || (halvings !== 2 && halvings !== 4)) {
      throw new CheckpointError(
        `${file} is a ResNet of ${halvings} halvings and ${blocks} blocks (${someNames(tensors)}); no choice of --netG is such a network. ` +
          `Known: ${Object.keys(generators).join(", ")}.`,
      );
    }
    const up = `model.${firstBlock + blocks}.weight`;
    const lastName = `model.${firstBlock + blocks + 3 * halvings + 1}.weight`;
    const [outputNc = 0] = need(lastName);
    // With dropout, index 6 is the second convolution; without, it is the second norm, whose weight has one axis.
    const dropout = shapeOf(`${blockAt(0)}.6.weight`)?.length === 4;
    const notes: string[] = [];
    const facts = [
      fact("netG", netG, `${blockAt(blocks - 1)}.1.weight`),
      fact("ngf", ngf, "model.1.weight"),
      fact("inputNc", inputs, "model.1.weight"),
      fact("outputNc", outputNc, lastName),
      fact("noDropout", !dropout, `${blockAt(0)}.${dropout ? 6 : 5}.weight`),
      ...normFacts(r, "model.1", "model.2", notes),
    ];
    if (need(up)[0]! < need(up)[1]!) facts.push(fact("upsample", "resize", up));
    return { facts, inputs, notes };
  },
};

/** pix2pixHD's local enhancer, whose inner ResNet has the names of one that stands alone. */
function enhancer(r: Reader): Architecture {
  const { shapeOf, need, fact } = r;
  const first = "model1_1.1.weight";
  const last = "model1_2.7.weight";
  const up = "model1_2.3.weight";
  const [ngf = 0, inputs = 0] = need(first);
  const [outputNc = 0] = need(last);
  const inBlock = (at: number) => `model1_2.0.conv_block.${at}.weight`;
  const dropout = shapeOf(inBlock(6))?.length === 4;
  const notes: string[] = [];
  const facts = [
    fact("netG", "enhancer", first),
    fact("ngf", ngf, first),
    fact("inputNc", inputs, first),
    fact("outputNc", outputNc, last),
    fact("noDropout", !dropout, inBlock(dropout ? 6 : 5)),
    ...normFacts(r, "model1_1.1", "model1_1.2", notes),
  ];
  if (need(up)[0]! < need(up)[1]!) facts.push(fact("upsample", "resize", up));
  return { facts, inputs, notes };
}

const article: Family = {
  network: "G",
  first: "down_1_C64.model.0.weight",
  is: (shape) => shape.length === 4,
  read(tensors, file) {
    const r = reader(tensors, file);
    const [ngf = 0, inputs = 0] = r.need(article.first);
    const last = r.need("conv.weight");
    const scaled = r.shapeOf("down_2_C128.model.1.weight") !== undefined;
    const facts = [
      r.fact("netG", "article", article.first),
      r.fact("ngf", ngf, article.first),
      r.fact("inputNc", inputs, article.first),
      r.fact("outputNc", last[2] === 3 ? last[0]! : last[1]!, "conv.weight"),
      r.fact("norm", scaled ? "batch" : "instance", "down_2_C128.model.1.weight"),
    ];
    if (last[2] === 3) facts.push(r.fact("upsample", "resize", "conv.weight"));
    return { facts, inputs, notes: [] };
  },
};

/** The scales of a discriminator, and what the names of the first one begin with. */
const scalesOf = (tensors: Shapes): { at: string; count: number } => {
  let count = 0;
  while ([...tensors.keys()].some((name) => name.startsWith(`scale${count}.`))) count += 1;
  return { at: count > 0 ? "scale0." : "", count: Math.max(1, count) };
};

const patchGan: Family = {
  network: "D",
  first: "model.0.weight",
  // Weights of the U-Net and of the article's layers end so, too.
  is: (shape, prefix) =>
    shape.length === 4 && shape[2] === 4 && !prefix.endsWith("model.") && !/(down|up)_\d_CD?\d+\.$/.test(prefix),
  read(tensors, file) {
    const r = reader(tensors, file);
    const { shapeOf, need, fact } = r;
    const { at, count } = scalesOf(tensors);
    const first = `${at}model.0.weight`;
    const [ndf = 0, inputs = 0] = need(first);
    if (shapeOf(`${at}model.11.weight`)?.[1] === 1 && !shapeOf(`${at}model.11.bias`)) {
      return { facts: [fact("netD", "article", `${at}model.11.weight`), fact("ndf", ndf, first)], inputs, notes: [] };
    }
    let layers = 1;
    while (shapeOf(`${at}model.${3 * layers + 2}.weight`)) layers += 1;
    layers -= 1;
    const last = `${at}model.${3 * layers + 2}.weight`;
    const notes: string[] = [];
    const facts = [
      ...(layers === 3
        ? [fact("netD", "basic", last)]
        : [fact("netD", "n_layers", last), fact("nLayersD", layers, last)]),
      fact("ndf", ndf, first),
      ...(count > 1 ? [fact("numD", count, first)] : []),
      ...normFacts(r, `${at}model.2`, `${at}model.3`, notes),
    ];
    return { facts, inputs, notes };
  },
};

const pixelGan: Family = {
  network: "D",
  first: "net.0.weight",
  is: (shape) => shape.length === 4 && shape[2] === 1,
  read(tensors, file) {
    const r = reader(tensors, file);
    const { at, count } = scalesOf(tensors);
    const first = `${at}net.0.weight`;
    const [ndf = 0, inputs = 0] = r.need(first);
    const notes: string[] = [];
    const facts = [
      r.fact("netD", "pixel", first),
      r.fact("ndf", ndf, first),
      ...(count > 1 ? [r.fact("numD", count, first)] : []),
      ...normFacts(r, `${at}net.2`, `${at}net.3`, notes),
    ];
    return { facts, inputs, notes };
  },
};

/** The families that are recognised. */
export const families: readonly Family[] = [unet, separableUnet, resnet, article, patchGan, pixelGan];
