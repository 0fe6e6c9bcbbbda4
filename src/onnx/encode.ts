/**
 * Writes a program as the bytes of an ONNX ModelProto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), field
 * by field. A program needs only a few of ONNX's messages.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Attribute, Dtype, Node, Program, Shape } from "../graph/graph.ts";

/** The operator set of all op declarations. */
export const opset = 18;
/** The version of the ONNX format that introduced operator set 18. */
const irVersion = 8;

/** TensorProto.DataType */
const dataType: Record<Dtype, number> = { float32: 1, int64: 7, bool: 9 };
/** AttributeProto.AttributeType */
const attributeType = { float: 1, int: 2, string: 3, ints: 7 };

export interface EncodeOptions {
  /** The graph's name in ONNX Runtime's messages and profiles; default "pix2pix". */
  name?: string;
  /** Adds a first output of this name whose type is a sequence, for platforms that need one (see Platform.runInto). */
  sequence?: string | undefined;
}

/** The bytes of an ONNX model. @throws Error for ops that are not part of ONNX: the program has to be lowered before */
export function encode(program: Program, { name = "pix2pix", sequence }: EncodeOptions = {}): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int64(irVersion);
  writer.tag(2, WireType.LengthDelimited).string("pix2pix-ts");
  message(writer, 7, (w) => {
    if (sequence) sequenceOutput(w, sequence);
    graphProto(w, program, name);
  });
  message(writer, 8, (w) => w.tag(2, WireType.Varint).int64(opset));
  for (const domain of new Set(program.nodes.flatMap(({ op }) => op.domain ?? []))) {
    message(writer, 8, (w) => w.tag(1, WireType.LengthDelimited).string(domain).tag(2, WireType.Varint).int64(1));
  }
  return writer.finish();
}

function graphProto(w: BinaryWriter, { inputs, constants, nodes, outputs }: Program, name: string): void {
  const made = new Set(nodes.map((n) => n.output));
  const integers = new Map<string, readonly number[]>();
  const names = new Map(outputs.filter((o) => made.has(o.tensor)).map((o) => [o.tensor, o.name]));
  const nameOf = (t: Node["output"]) => names.get(t) ?? t.name;
  nodes.forEach((node, i) => {
    if (node.op.abstract)
      throw new Error(`${node.op.type} (${node.scope}) is not an ONNX op: lower the program first (forCpu or forGpu).`);
    const extra = (node.op.constants?.(node.attrs) ?? []).map((values) => {
      const key = `ints_${values.join("_")}`;
      integers.set(key, values);
      return key;
    });
    message(w, 1, (m) => nodeProto(m, node, [...node.inputs.map(nameOf), ...extra], nameOf(node.output), i));
  });
  // An input, a constant, or a value that is an output twice needs an Identity node for its output name.
  for (const { name: output, tensor } of outputs) {
    if (nameOf(tensor) === output) continue;
    message(w, 1, (m) => {
      m.tag(1, WireType.LengthDelimited).string(nameOf(tensor));
      m.tag(2, WireType.LengthDelimited).string(output);
      m.tag(4, WireType.LengthDelimited).string("Identity");
    });
  }
  w.tag(2, WireType.LengthDelimited).string(name);
  for (const { tensor, data } of constants) initializer(w, tensor.name, tensor.shape, "float32", littleEndian(data));
  for (const [key, values] of integers) {
    const bytes = new Uint8Array(BigInt64Array.from(values, (v) => BigInt(v)).buffer);
    initializer(w, key, [values.length], "int64", bytes);
  }
  for (const t of inputs) message(w, 11, (m) => valueInfo(m, t.name, t.shape, t.dtype));
  for (const o of outputs) message(w, 12, (m) => valueInfo(m, o.name, o.tensor.shape, o.tensor.dtype));
}

/** The smallest graph output that is not a tensor: a sequence of one constant. */
function sequenceOutput(w: BinaryWriter, name: string): void {
  const element = `${name}_element`;
  initializer(w, element, [1], "float32", new Uint8Array(4));
  message(w, 1, (m) => {
    m.tag(1, WireType.LengthDelimited).string(element);
    m.tag(2, WireType.LengthDelimited).string(name);
    m.tag(4, WireType.LengthDelimited).string("SequenceConstruct");
  });
  message(w, 12, (m) => {
    m.tag(1, WireType.LengthDelimited).string(name);
    message(m, 2, (type) => message(type, 4, (list) => message(list, 1, (t) => tensorType(t, [1], "float32"))));
  });
}

function nodeProto(w: BinaryWriter, node: Node, inputs: string[], output: string, index: number): void {
  for (const input of inputs) w.tag(1, WireType.LengthDelimited).string(input);
  w.tag(2, WireType.LengthDelimited).string(output);
  w.tag(3, WireType.LengthDelimited).string(`${node.scope}/${node.op.type}_${index}`);
  w.tag(4, WireType.LengthDelimited).string(node.op.type);
  const attributes = node.op.attributes?.(node.attrs) ?? (node.op.constants ? {} : node.attrs);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined)
      message(w, 5, (m) => attributeProto(m, key, value, node.op.floats?.includes(key) ?? false));
  }
  if (node.op.domain) w.tag(7, WireType.LengthDelimited).string(node.op.domain);
}

/** @param float whether ONNX declares a number as float, although its value may be whole */
function attributeProto(w: BinaryWriter, name: string, value: Attribute, float: boolean): void {
  w.tag(1, WireType.LengthDelimited).string(name);
  if (typeof value === "string") {
    w.tag(4, WireType.LengthDelimited).bytes(new TextEncoder().encode(value));
    w.tag(20, WireType.Varint).int32(attributeType.string);
  } else if (typeof value !== "number") {
    for (const v of value) w.tag(8, WireType.Varint).int64(v);
    w.tag(20, WireType.Varint).int32(attributeType.ints);
  } else if (float) {
    w.tag(2, WireType.Bit32).float(value);
    w.tag(20, WireType.Varint).int32(attributeType.float);
  } else {
    w.tag(3, WireType.Varint).int64(value);
    w.tag(20, WireType.Varint).int32(attributeType.int);
  }
}

function initializer(w: BinaryWriter, name: string, shape: Shape, dtype: Dtype, raw: Uint8Array): void {
  message(w, 5, (m) => {
    for (const size of shape) m.tag(1, WireType.Varint).int64(size);
    m.tag(2, WireType.Varint).int32(dataType[dtype]);
    m.tag(8, WireType.LengthDelimited).string(name);
    m.tag(9, WireType.LengthDelimited).bytes(raw);
  });
}

function valueInfo(w: BinaryWriter, name: string, shape: Shape, dtype: Dtype): void {
  w.tag(1, WireType.LengthDelimited).string(name);
  message(w, 2, (type) => tensorType(type, shape, dtype));
}

function tensorType(w: BinaryWriter, shape: Shape, dtype: Dtype): void {
  message(w, 1, (tensor) => {
    tensor.tag(1, WireType.Varint).int32(dataType[dtype]);
    message(tensor, 2, (dims) => {
      for (const size of shape) message(dims, 1, (dim) => dim.tag(1, WireType.Varint).int64(size));
    });
  });
}

function message(w: BinaryWriter, field: number, write: (w: BinaryWriter) => void): void {
  w.tag(field, WireType.LengthDelimited).fork();
  write(w);
  w.join();
}

function littleEndian(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
