/** Adds nodes to an ONNX model by the names of values. Values have no static shapes: they follow from the model's inputs. */
import { bytesOf, type Initializer, type ModelAttribute, type ModelNode } from "../../onnx/model.ts";
import { integersIn } from "../../onnx/program.ts";

/** The name of a value. */
export type Value = string;

/** TensorProto.DataType, for Cast. */
const castTo = { float32: 1, uint8: 2, int64: 7, float16: 10 } as const;

export class Builder {
  readonly nodes: ModelNode[] = [];
  readonly #initializers = new Map<string, Initializer>();
  readonly #scope: string;

  /** @param scope the first part of the names of nodes and values */
  constructor(scope: string) {
    this.#scope = scope;
  }

  get initializers(): Initializer[] {
    return [...this.#initializers.values()];
  }

  /** The output of a new node. */
  op(type: string, inputs: readonly Value[], attributes: Record<string, ModelAttribute> = {}): Value {
    const name = `${this.#scope}/${type}_${this.nodes.length}`;
    this.nodes.push({ type, name, inputs, output: name, attributes });
    return name;
  }

  /** A float32 constant; by default a scalar. */
  float(value: number | readonly number[], shape: readonly number[] = []): Value {
    const values = Float32Array.from(typeof value === "number" ? [value] : value);
    const name = `${this.#scope}/float_${shape.join("x")}_${values.join("_")}`;
    this.#initializers.set(name, { name, type: "float32", shape, bytes: bytesOf(values) });
    return name;
  }

  /** An int64 vector. */
  ints(...values: number[]): Value {
    return integersIn(this.#initializers, values);
  }

  /** An int64 scalar. */
  int(value: number): Value {
    const name = `int_${value}`;
    this.#initializers.set(name, { name, type: "int64", shape: [], bytes: bytesOf(BigInt64Array.of(BigInt(value))) });
    return name;
  }

  cast(x: Value, to: keyof typeof castTo): Value {
    return this.op("Cast", [x], { to: { int: castTo[to] } });
  }

  /** The size of an axis as an int64 scalar. */
  side(x: Value, axis: number): Value {
    return this.op("Gather", [this.op("Shape", [x]), this.int(axis)], { axis: { int: 0 } });
  }

  /** The channels of a map [N, C, H, W] in another order. */
  channels(x: Value, order: readonly number[]): Value {
    return this.op("Gather", [x, this.ints(...order)], { axis: { int: 1 } });
  }

  /** Each pixel of a map times a matrix [outputs][inputs], plus a bias. */
  mix(x: Value, matrix: readonly (readonly number[])[], bias?: readonly number[]): Value {
    const weight = this.float(matrix.flat(), [matrix.length, matrix[0]!.length, 1, 1]);
    return this.op("Conv", bias ? [x, weight, this.float(bias, [bias.length])] : [x, weight]);
  }
}

/** The nodes with the value `from` renamed. */
export const renamed = (nodes: readonly ModelNode[], from: Value, to: Value): ModelNode[] =>
  nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((input) => (input === from ? to : input)),
    output: node.output === from ? to : node.output,
  }));
