/** Layers of a U-Net and of a PatchGAN under the names that the PyTorch implementation gives them. */
import { CheckpointError } from "../errors.ts";
import type { StoredTensor } from "../formats/safetensors.ts";
import { float32Tensor, type SourceTensor, sourceOf } from "../formats/tensors.ts";
import { blockName } from "../networks/unet.ts";

/** A convolution, its kernel with PyTorch's axes, and the norm after it. */
export interface Layer {
  kernel: SourceTensor;
  bias?: SourceTensor | undefined;
  norm?:
    | { scale: SourceTensor; shift: SourceTensor; mean?: SourceTensor | undefined; variance?: SourceTensor | undefined }
    | undefined;
}

/** Layers of the encoder and of the decoder by their level, the outermost first. */
export interface UnetLayers {
  down: readonly Layer[];
  up: readonly Layer[];
}

/** The names of a U-Net's layers by level: the convolution and the norm of the encoder and of the decoder. */
export function unetNames(
  levels: number,
  { bottleneckNorm }: { bottleneckNorm: boolean },
): { down: [string, string][]; up: [string, string][] } {
  const down: [string, string][] = [];
  const up: [string, string][] = [];
  for (let level = 0; level < levels; level++) {
    const innermost = level === levels - 1;
    const at = level === 0 || (innermost && !bottleneckNorm) ? 3 : innermost ? 4 : 5;
    const block = blockName(level);
    down.push([`${block}.${level === 0 ? 0 : 1}`, `${block}.2`]);
    up.push([`${block}.${at}`, `${block}.${at + 1}`]);
  }
  return { down, up };
}

/**
 * The tensors of a U-Net that concatenates (decoder, encoder); the PyTorch implementation concatenates (encoder, decoder), so
 * the two halves of a decoder's input channels change places.
 */
export function unetTensors({ down, up }: UnetLayers, file: string): Map<string, SourceTensor> {
  const levels = down.length;
  if (up.length !== levels || levels === 0) {
    throw new CheckpointError(
      `${file} is of another network: it has ${levels} layers of an encoder and ${up.length} of a decoder, expected as many of each.`,
    );
  }
  const names = unetNames(levels, { bottleneckNorm: down[levels - 1]!.norm !== undefined });
  const found = new Map<string, SourceTensor>();
  for (const [level, layer] of down.entries()) add(found, names.down[level]!, layer);
  for (const [level, layer] of up.entries()) {
    const skips = level < levels - 1 && layer.kernel.shape[0] === 2 * down[level]!.kernel.shape[0]!;
    // The outermost convolution always has a bias here.
    const bias = layer.bias ?? (level === 0 ? zeros(layer.kernel.shape[1]!) : undefined);
    add(found, names.up[level]!, { ...layer, bias, kernel: skips ? halvesSwapped(layer.kernel, file) : layer.kernel });
  }
  return found;
}

/** The tensors of a PatchGAN, or of a PixelGAN where the kernels are 1 x 1. */
export function patchGanTensors(layers: readonly Layer[]): Map<string, SourceTensor> {
  const found = new Map<string, SourceTensor>();
  const pixel = layers[0]!.kernel.shape[2] === 1;
  for (const [i, layer] of layers.entries()) {
    const at = Math.max(0, 3 * i - 1);
    const name = pixel ? "net" : "model";
    const last = i === layers.length - 1;
    const bias = layer.bias ?? (last ? zeros(layer.kernel.shape[0]!) : undefined);
    add(found, [`${name}.${at}`, `${name}.${at + 1}`], { ...layer, bias });
  }
  return found;
}

function add(
  found: Map<string, SourceTensor>,
  [conv, normName]: [string, string],
  { kernel, bias, norm }: Layer,
): void {
  found.set(`${conv}.weight`, kernel);
  if (bias) found.set(`${conv}.bias`, bias);
  if (!norm) return;
  const length = norm.scale.shape[0] ?? 0;
  found.set(`${normName}.weight`, norm.scale);
  found.set(`${normName}.bias`, norm.shift);
  // Where the file has no running statistics, the initial ones of a norm.
  found.set(`${normName}.running_mean`, norm.mean ?? zeros(length));
  found.set(`${normName}.running_var`, norm.variance ?? ones(length));
}

/** The two halves of the first axis exchanged. */
function halvesSwapped(source: SourceTensor, file: string): SourceTensor {
  return {
    ...source,
    read: async (): Promise<StoredTensor> => {
      const { shape, data } = await float32Tensor(source, "a decoder's weight", file);
      const half = data.length / 2;
      const swapped = new Float32Array(data.length);
      swapped.set(data.subarray(half), 0);
      swapped.set(data.subarray(0, half), half);
      return { dtype: "F32", shape, data: swapped };
    },
  };
}

const filled = (length: number, value: number): SourceTensor =>
  sourceOf({ dtype: "F32", shape: [length], data: new Float32Array(length).fill(value) });
const zeros = (length: number) => filled(length, 0);
const ones = (length: number) => filled(length, 1);
