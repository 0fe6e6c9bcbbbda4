/** A model whose convolutions have 8-bit weights, which DequantizeLinear turns into float32 values; all ops compute in float32. */
import { eightBit } from "../../formats/compact.ts";
import { bytesOf, type Initializer, type Model, type ModelNode } from "../../onnx/model.ts";

/**
 * The network with 8-bit weights: about a quarter of the file. The values and the scales are those of `--format site --precision int8`:
 * a scale for each slice of the first axis, which has the output channels of a Conv and the input channels of a ConvTranspose.
 * Biases and norms stay in float32.
 */
export function withInt8Weights(model: Model): Model {
  const ofConvs = new Set(model.nodes.flatMap(({ type, inputs }) => (/^Conv/.test(type) ? [inputs[1]!] : [])));
  const isWeight = ({ name }: Initializer) => name.startsWith("netG.") && ofConvs.has(name);
  const nodes: ModelNode[] = [];
  const initializers = model.initializers.flatMap((each): Initializer[] => {
    if (!isWeight(each)) return [each];
    const { name, shape, bytes } = each;
    const { values, scales } = eightBit(new Float32Array(bytes.slice().buffer), shape[0]!);
    const inputs = [`${name}_int8`, `${name}_scale`];
    nodes.push({
      type: "DequantizeLinear",
      name: `${name}/Dequantize`,
      inputs,
      output: name,
      attributes: { axis: { int: 0 } },
    });
    return [
      { name: inputs[0]!, type: "int8", shape, bytes: bytesOf(values) },
      { name: inputs[1]!, type: "float32", shape: [scales.length], bytes: bytesOf(scales) },
    ];
  });
  return { ...model, nodes: [...nodes, ...model.nodes], initializers };
}
