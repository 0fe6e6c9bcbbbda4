/**
 * Convolutions of each channel by itself (as many groups as channels), which a GPU computes in one kernel: ONNX Runtime
 * transposes the weights of other convolutions first. With a 1x1 kernel one is a scale and a shift of each channel, and
 * the runtime's FusedConv applies an activation to the result. It is an op of the domain com.microsoft, which
 * onnxruntime-node and onnxruntime-web both have; its fourth input, a sum, is ignored on WebGPU in 1.30.
 */
import { isNodeOf, type Op, op, type Tensor } from "../../graph/graph.ts";
import { Conv, type ConvAttributes } from "../../graph/ops/conv.ts";
import { reshape } from "../../graph/ops/movement.ts";
import { unpadded } from "../../graph/ops/windows.ts";

type ChannelConvAttributes = ConvAttributes & { group: number };

/** x [N, C, H, W] and w [C * k, 1, kh, kw] to [N, C * k, h, w]: k filters for each of the C = `group` channels. */
export const ChannelConv: Op<ChannelConvAttributes> = op<ChannelConvAttributes>("Conv", {
  shape: ([x, w], attrs) => Conv.declaration.shape([x!.with(1, 1), w!], attrs),
});

/** An activation of FusedConv and its parameters: Relu, LeakyRelu (slope), Clip (least, most). */
export type Activation = { activation: "Relu" | "LeakyRelu" | "Clip"; activation_params?: readonly number[] };

/** activation(scale * x + shift): x [N, C, H, W], scale [C, 1, 1, 1], shift [C]. */
const FusedConv: Op<{ group: number } & Activation> = op<{ group: number } & Activation>("FusedConv", {
  domain: "com.microsoft",
  shape: ([x]) => x!,
  floats: ["activation_params"],
});

/**
 * scale * x + shift for each channel.
 * @param x [N, C, H, W]; C has to be above 1: one group takes another kernel
 * @param scale, shift C values each, of any shape
 */
export function scaled(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  const c = x.shape[1]!;
  return ChannelConv([x, reshape(scale, [c, 1, 1, 1]), reshape(shift, [c])], { ...unpadded, group: c });
}

/** The same value for each channel of x, as a scale or a shift of `scaled`. */
export const perChannel = ({ graph, shape }: Tensor, value: number): Tensor =>
  graph.constant(new Float32Array(shape[1]!).fill(value), [shape[1]!]);

/** An activation of `x`, together with the scale and shift that made x; undefined if x was made in another way. */
export function activated({ producer }: Tensor, activation: Activation): Tensor | undefined {
  if (!isNodeOf(producer, ChannelConv) || producer.inputs.length < 3) return undefined;
  return FusedConv(producer.inputs, { group: producer.attrs.group, ...activation });
}
