/** A model with weights and activations in half precision; its inputs and outputs stay in float32. */
import { UserError } from "../../errors.ts";
import { toHalf } from "../../formats/half.ts";
import { bytesOf, type Initializer, type Model, type ModelNode } from "../../onnx/model.ts";

/**
 * Ops that compute in float32. Norms sum over whole maps, which overflows in halves on some devices. Random numbers and
 * the masks made from them take too little time to matter.
 */
const inFloat = new Set(["InstanceNormalization", "BatchNormalization", "RandomUniformLike", "Less", "Where"]);

/** The largest finite half. */
const largestHalf = 65504;

/**
 * The network in half precision: half the size of the file.
 * @throws UserError for weights that halves cannot hold
 */
export function inHalf(model: Model): Model {
  const weights = new Map(model.initializers.map((each) => [each.name, each]));
  const halves = new Map<string, Initializer>();
  const asFloat = new Set<string>();
  const types = new Map<string, "half" | "float">(model.inputs.map(({ name }) => [name, "float"]));
  const nodes: ModelNode[] = [];
  const converted = new Set<string>();

  /** The name of a value in a type; adds the node that converts it. */
  const as = (type: "half" | "float", value: string): string => {
    const known = types.get(value);
    const weight = weights.get(value);
    if (known === undefined && (weight?.type ?? "bool") !== "float32") return value;
    if (known === undefined) {
      if (type === "float") asFloat.add(value);
      else halves.set(value, halves.get(value) ?? halfOf(weight!));
      return type === "float" ? value : `${value}_half`;
    }
    if (known === type) return value;
    const name = `${value}_${type}`;
    if (!converted.has(name)) {
      const to = { int: type === "half" ? 10 : 1 };
      nodes.push({ type: "Cast", name: `${value}/Cast_${type}`, inputs: [value], output: name, attributes: { to } });
      converted.add(name);
    }
    return name;
  };

  for (const node of model.nodes) {
    const type = inFloat.has(node.type) ? "float" : "half";
    nodes.push({ ...node, inputs: node.inputs.map((input) => as(type, input)) });
    if (node.type !== "Less") types.set(node.output, type);
  }
  const kept = model.initializers.filter(({ name, type }) => type !== "float32" || asFloat.has(name));
  const outputs = model.outputs.map(({ name }) => name);
  return {
    ...model,
    nodes: [...nodes.map((node) => withoutOutputs(node, outputs)), ...outputs.map(floatOutput)],
    initializers: [...kept, ...halves.values()],
  };
}

/** The network's outputs get the name of an inner value; a last node converts them. */
const inner = (output: string) => `${output}_inner`;
function withoutOutputs(node: ModelNode, outputs: readonly string[]): ModelNode {
  const renamed = (value: string) => (outputs.includes(value) ? inner(value) : value);
  return { ...node, inputs: node.inputs.map(renamed), output: renamed(node.output) };
}
const floatOutput = (output: string): ModelNode => ({
  type: "Cast",
  name: `${output}/Cast_float`,
  inputs: [inner(output)],
  output,
  attributes: { to: { int: 1 } },
});

function halfOf({ name, shape, bytes }: Initializer): Initializer {
  const values = new Float32Array(bytes.slice().buffer);
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  if (most > largestHalf) {
    throw new UserError(
      `--fp16: ${name} holds ${most}, but the largest value in half precision is ${largestHalf}; leave --fp16 out`,
    );
  }
  return { name: `${name}_half`, shape, type: "float16", bytes: bytesOf(toHalf(values)) };
}
