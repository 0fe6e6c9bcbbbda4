/**
 * Activations on a GPU, and their slopes. Behind a scale and shift of each channel (./norms.ts) an activation costs no
 * kernel; the value in front of it is not computed unless something else reads it.
 */
import { isNodeOf, type Tensor } from "../../graph/graph.ts";
import { beyond, relu } from "../../graph/ops/elementwise.ts";
import { Concat, concat } from "../../graph/ops/movement.ts";
import { activated, perChannel, scaled } from "./channel-conv.ts";

/** LeakyReLU together with the scale and shift that made x; undefined if x was made in another way. */
export const leakyReluOf = ([x]: Tensor[], { alpha }: { alpha: number }): Tensor | undefined =>
  activated(x!, { activation: "LeakyRelu", activation_params: [alpha] });

/** ReLU of maps side by side as that of each, if that saves a kernel. */
export function reluOf([x]: Tensor[]): Tensor | undefined {
  const direct = (t: Tensor) => activated(t, { activation: "Relu" });
  const { producer } = x!;
  if (!isNodeOf(producer, Concat) || !producer.inputs.some(direct)) return direct(x!);
  return concat(producer.inputs.map(relu), producer.attrs.axis);
}

/**
 * 1 where x > 0, else `low`, in one kernel: the scaling and the clipping of the definition. It reads the activation of x
 * where x itself need not be computed; their signs are the same.
 */
export function slopeOf([x]: Tensor[], { low }: { low: number }): Tensor | undefined {
  if (x!.rank !== 4 || x!.shape[1]! < 2) return undefined;
  const known = low > 0 ? leakyReluOf([x!], { alpha: low }) : reluOf([x!]);
  return activated(scaled(known ?? x!, perChannel(x!, beyond), perChannel(x!, 0)), {
    activation: "Clip",
    activation_params: [low, 1],
  });
}
