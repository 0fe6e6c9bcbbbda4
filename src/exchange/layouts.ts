/**
 * Weights of other systems as tensors with the names of the PyTorch implementation. A layout recognises its files by the names in them,
 * and says which profile the networks need: concatenation order, axes of the kernels, norms and activations differ.
 */
import { CheckpointError } from "../errors.ts";
import { float32Tensor, type SourceTensor } from "../formats/tensors.ts";
import { someOf, type WeightsFile } from "../formats/weights-file.ts";
import { type Layer, patchGanTensors, unetTensors } from "./unet-names.ts";

type Tensors = ReadonlyMap<string, SourceTensor>;

/** A layout of weights. */
export interface Layout {
  /** The system, for messages and docs. */
  help: string;
  is(tensors: Tensors): boolean;
  /** The networks under "G." and "D.", and the options that they imply. */
  convert(file: Pick<WeightsFile, "path" | "tensors">): {
    tensors: Tensors;
    implied: Readonly<Record<string, unknown>>;
  };
}

/** TensorFlow's kernels, [kh, kw, in, out] or transposed [kh, kw, out, in], as PyTorch's, [out, in, ...] or [in, out, ...]. */
function turned(source: SourceTensor, name: string, file: string): SourceTensor {
  const [kh = 0, kw = 0, c = 0, d = 0] = source.shape;
  if (source.shape.length !== 4) {
    throw new CheckpointError(`${file}: ${name} is [${source.shape}], expected a kernel of four axes.`);
  }
  return {
    dtype: "F32",
    shape: [d, c, kh, kw],
    read: async () => {
      const { data } = await float32Tensor(source, name, file);
      const out = new Float32Array(data.length);
      for (let y = 0, from = 0; y < kh; y++)
        for (let x = 0; x < kw; x++)
          for (let i = 0; i < c; i++) for (let j = 0; j < d; j++) out[((j * c + i) * kh + y) * kw + x] = data[from++]!;
      return { dtype: "F32", shape: [d, c, kh, kw], data: out };
    },
  };
}

const withPrefix = (prefix: string, tensors: Tensors): [string, SourceTensor][] =>
  [...tensors].map(([name, tensor]) => [prefix + name, tensor]);

// ---- Hesse ----------------------------------------------------------------------------------------------------------

const hesseName = /^(generator|discriminator)\/(encoder|decoder|layer)_(\d+)\/(.+)$/;

/** Names of the parts of a layer, in the current version and in the first one. */
const hesseParts: Readonly<Record<string, readonly string[]>> = {
  kernel: ["conv2d/kernel", "conv2d_transpose/kernel", "conv/filter", "deconv/filter"],
  bias: ["conv2d/bias", "conv2d_transpose/bias"],
  scale: ["batch_normalization/gamma", "batchnorm/scale"],
  shift: ["batch_normalization/beta", "batchnorm/offset"],
};

const hesse: Layout = {
  help: "Hesse's pix2pix-tensorflow: its checkpoints, and .pict",
  is: (tensors) => [...tensors.keys()].some((name) => hesseName.test(name)),
  convert({ path, tensors }) {
    const layersOf = (network: string, kind: string): Layer[] => {
      const layers: Layer[] = [];
      for (let i = 1; ; i++) {
        const at = `${network}/${kind}_${i}/`;
        const part = (name: string) => hesseParts[name]!.map((end) => at + end).find((full) => tensors.has(full));
        const kernel = part("kernel");
        if (!kernel) {
          if (tensors.has(`${at}separable_conv2d/depthwise_kernel`)) {
            throw new CheckpointError(
              `${path} has separable convolutions (${at}...). Such files are not read; --separable-conv trains such a network.`,
            );
          }
          return layers;
        }
        const [bias, scale, shift] = [part("bias"), part("scale"), part("shift")];
        layers.push({
          kernel: turned(tensors.get(kernel)!, kernel, path),
          bias: bias ? tensors.get(bias) : undefined,
          norm: scale && shift ? { scale: tensors.get(scale)!, shift: tensors.get(shift)! } : undefined,
        });
      }
    };
    const down = layersOf("generator", "encoder");
    const up = layersOf("generator", "decoder");
    const discriminator = layersOf("discriminator", "layer");
    const found = [
      ...(down.length > 0 ? withPrefix("G.", unetTensors({ down, up }, path)) : []),
      ...(discriminator.length > 0 ? withPrefix("D.", patchGanTensors(discriminator)) : []),
    ];
    const biased = down.some(({ bias }) => bias);
    return { tensors: new Map(found), implied: { profile: "hesse", ...(biased ? {} : { bias: "never" }) } };
  },
};

// ---- TensorFlow's tutorial ------------------------------------------------------------------------------------------

const kerasName =
  /^(generator|discriminator)\/(.+)\/_?(kernel|bias|gamma|beta|moving_mean|moving_variance)\/\.ATTRIBUTES\/VARIABLE_VALUE$/;

/** Sorts names with their numbers by value. Layers are numbered, so this is their order in the network. */
const byNumbers = new Intl.Collator("en", { numeric: true });

/** The layers of a Keras model by the places of their variables. */
function kerasLayers(tensors: Tensors, network: string, path: string): Layer[] {
  const places = new Map<string, Map<string, string>>();
  for (const name of tensors.keys()) {
    const [, of, place, part] = kerasName.exec(name) ?? [];
    if (of !== network) continue;
    const parts = places.get(place!) ?? new Map<string, string>();
    places.set(place!, parts.set(part!, name));
  }
  const layers: Layer[] = [];
  for (const place of [...places.keys()].sort(byNumbers.compare)) {
    const parts = places.get(place)!;
    const tensor = (part: string) => tensors.get(parts.get(part) ?? "");
    const kernel = parts.get("kernel");
    if (kernel) layers.push({ kernel: turned(tensors.get(kernel)!, kernel, path), bias: tensor("bias") });
    const [scale, shift] = [tensor("gamma"), tensor("beta")];
    const before = layers.at(-1);
    if (scale && shift && before) {
      before.norm = { scale, shift, mean: tensor("moving_mean"), variance: tensor("moving_variance") };
    }
  }
  return layers;
}

/**
 * The layers of a model that Keras 3 has trained: its checkpoint has the trained variables under the optimizer, in the order of
 * `trainable_variables`, and only running statistics under the model. Undefined for other checkpoints.
 */
function trainedLayers(tensors: Tensors, network: string, path: string): Layer[] | undefined {
  const named = (start: string, end: string) =>
    [...tensors.keys()].filter((name) => name.startsWith(start) && name.endsWith(end)).sort(byNumbers.compare);
  const value = "/.ATTRIBUTES/VARIABLE_VALUE";
  const trained = named(`${network}_optimizer/_trainable_variables/`, value);
  if (trained.length === 0) return undefined;
  const groups: { kernel: string; vectors: SourceTensor[] }[] = [];
  for (const name of trained) {
    const tensor = tensors.get(name)!;
    if (tensor.shape.length === 4) groups.push({ kernel: name, vectors: [] });
    else groups.at(-1)?.vectors.push(tensor);
  }
  const [means, variances] = ["moving_mean", "moving_variance"].map((part) => named(`${network}/`, `/${part}${value}`));
  let norm = 0;
  return groups.map(({ kernel, vectors: [first, second] }) => {
    const layer: Layer = { kernel: turned(tensors.get(kernel)!, kernel, path), bias: second ? undefined : first };
    if (first && second) {
      const [mean, variance] = [tensors.get(means?.[norm] ?? ""), tensors.get(variances?.[norm] ?? "")];
      layer.norm = { scale: first, shift: second, mean, variance };
      norm += 1;
    }
    return layer;
  });
}

const tutorial: Layout = {
  help: "the networks of TensorFlow's pix2pix tutorial: its checkpoints",
  is: (tensors) =>
    [...tensors.keys()].some(
      (name) => kerasName.test(name) || /^generator_optimizer\/_trainable_variables\//.test(name),
    ),
  convert({ path, tensors }) {
    const layersOf = (network: string) => trainedLayers(tensors, network, path) ?? kerasLayers(tensors, network, path);
    const found: [string, SourceTensor][] = [];
    const generator = layersOf("generator");
    if (generator.length > 0) {
      const levels = generator.length / 2;
      const [down, up] = [generator.slice(0, levels), generator.slice(levels).reverse()];
      found.push(...withPrefix("G.", unetTensors({ down, up }, path)));
    }
    const discriminator = layersOf("discriminator");
    if (discriminator.length > 0) found.push(...withPrefix("D.", patchGanTensors(discriminator)));
    return { tensors: new Map(found), implied: { profile: "tutorial" } };
  },
};

// ---- The paper's code -----------------------------------------------------------------------------------------------

const torch7Name = /^(\d+)\.(\w+)\.(weight|bias|running_mean|running_var)$/;

const paper: Layout = {
  help: "the paper's Torch code: net_G.t7, net_D.t7",
  is: (tensors) => [...tensors.keys()].some((name) => /^\d+\.Spatial\w*Convolution/.test(name)),
  convert({ path, tensors }) {
    const layers: (Layer & { transposed: boolean })[] = [];
    const kinds = new Map(
      [...tensors.keys()].map((name) => torch7Name.exec(name) ?? []).map(([, i, kind]) => [i!, kind!]),
    );
    for (const [i, kind] of kinds) {
      const part = (name: string) => tensors.get(`${i}.${kind}.${name}`);
      const [weight, bias] = [part("weight"), part("bias")];
      if (/Convolution/.test(kind) && weight) {
        layers.push({ kernel: weight, bias, transposed: /Full/.test(kind) });
      } else if (/BatchNormalization/.test(kind) && weight && bias && layers.length > 0) {
        layers.at(-1)!.norm = { scale: weight, shift: bias, mean: part("running_mean"), variance: part("running_var") };
      } else {
        throw new CheckpointError(
          `${path} is of another network: it has ${someOf(tensors)}; expected pix2pix's net_G.t7 or net_D.t7.`,
        );
      }
    }
    const [down, up] = [layers.filter(({ transposed }) => !transposed), layers.filter(({ transposed }) => transposed)];
    const found =
      up.length > 0
        ? withPrefix("G.", unetTensors({ down, up: up.reverse() }, path))
        : withPrefix("D.", patchGanTensors(down));
    return { tensors: new Map(found), implied: { profile: "paper" } };
  },
};

/** The layouts that are recognised, beside that of the PyTorch implementation. */
const layouts = { hesse, tutorial, paper } satisfies Readonly<Record<string, Layout>>;

/** The file's tensors with the names of the PyTorch implementation, and the options that its layout implies. */
export function converted(file: WeightsFile): { file: WeightsFile; implied: Readonly<Record<string, unknown>> } {
  const layout = Object.values<Layout>(layouts).find(({ is }) => is(file.tensors));
  if (!layout) return { file, implied: {} };
  const { tensors, implied } = layout.convert(file);
  return { file: { path: file.path, tensors }, implied };
}
