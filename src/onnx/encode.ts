/**
 * Writes a model as the bytes of an ONNX ModelProto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), field by
 * field. A program needs only a few of ONNX's messages.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Program } from "../graph/graph.ts";
import type { ElementType, Initializer, Model, ModelAttribute, ModelNode, ValueInfo } from "./model.ts";
import { type EncodeOptions, modelOf } from "./program.ts";

export type { EncodeOptions } from "./program.ts";

/** The version of the ONNX format that introduced each operator set (https://onnx.ai/onnx/repo-docs/Versioning.html). */
const irVersions: readonly (readonly [opset: number, ir: number])[] = [
  [23, 11],
  [21, 10],
  [19, 9],
  [15, 8],
  [0, 7],
];

/** TensorProto.DataType */
const dataType: Record<ElementType, number> = { float32: 1, uint8: 2, int8: 3, int64: 7, bool: 9, float16: 10 };
/** AttributeProto.AttributeType */
const attributeType = { float: 1, int: 2, string: 3, floats: 6, ints: 7 };

/** The bytes of a program as an ONNX model. @throws Error for ops that are not part of ONNX */
export const encode = (program: Program, options?: EncodeOptions): Uint8Array => encodeModel(modelOf(program, options));

/** The bytes of an ONNX model. */
export function encodeModel(model: Model): Uint8Array<ArrayBuffer> {
  const { opset, nodes, doc, producerVersion, metadata = {} } = model;
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int64(irVersions.find(([from]) => opset >= from)![1]);
  text(writer, 2, "pix2pix-ts");
  if (producerVersion) text(writer, 3, producerVersion);
  if (doc) text(writer, 6, doc);
  message(writer, 7, (w) => graphProto(w, model));
  message(writer, 8, (w) => w.tag(2, WireType.Varint).int64(opset));
  for (const domain of new Set(nodes.flatMap((node) => node.domain ?? []))) {
    message(writer, 8, (w) => text(w, 1, domain).tag(2, WireType.Varint).int64(1));
  }
  for (const [key, value] of Object.entries(metadata)) message(writer, 14, (w) => text(text(w, 1, key), 2, value));
  return writer.finish();
}

function graphProto(w: BinaryWriter, { name, nodes, initializers, inputs, outputs, doc }: Model): void {
  for (const node of nodes) message(w, 1, (m) => nodeProto(m, node));
  text(w, 2, name);
  for (const initializer of initializers) message(w, 5, (m) => tensorProto(m, initializer));
  if (doc) text(w, 10, doc);
  for (const input of inputs) message(w, 11, (m) => valueInfo(m, input));
  for (const output of outputs) message(w, 12, (m) => valueInfo(m, output));
}

function nodeProto(w: BinaryWriter, { inputs, output, more = [], name, type, attributes, domain }: ModelNode): void {
  for (const input of inputs) text(w, 1, input);
  for (const each of [output, ...more]) text(w, 2, each);
  if (name) text(w, 3, name);
  text(w, 4, type);
  for (const [key, value] of Object.entries(attributes)) message(w, 5, (m) => attributeProto(m, key, value));
  if (domain) text(w, 7, domain);
}

function attributeProto(w: BinaryWriter, name: string, value: ModelAttribute): void {
  text(w, 1, name);
  if ("string" in value) text(w, 4, value.string).tag(20, WireType.Varint).int32(attributeType.string);
  else if ("ints" in value) {
    for (const v of value.ints) w.tag(8, WireType.Varint).int64(v);
    w.tag(20, WireType.Varint).int32(attributeType.ints);
  } else if ("floats" in value) {
    for (const v of value.floats) w.tag(7, WireType.Bit32).float(v);
    w.tag(20, WireType.Varint).int32(attributeType.floats);
  } else if ("float" in value) {
    w.tag(2, WireType.Bit32).float(value.float);
    w.tag(20, WireType.Varint).int32(attributeType.float);
  } else {
    w.tag(3, WireType.Varint).int64(value.int);
    w.tag(20, WireType.Varint).int32(attributeType.int);
  }
}

function tensorProto(w: BinaryWriter, { name, type, shape, bytes }: Initializer): void {
  for (const size of shape) w.tag(1, WireType.Varint).int64(size);
  w.tag(2, WireType.Varint).int32(dataType[type]);
  text(w, 8, name);
  w.tag(9, WireType.LengthDelimited).bytes(bytes);
}

function valueInfo(w: BinaryWriter, value: ValueInfo): void {
  text(w, 1, value.name);
  message(w, 2, (type) => {
    if (value.sequence) message(type, 4, (list) => message(list, 1, (element) => tensorType(element, value)));
    else tensorType(type, value);
  });
  if (value.doc) text(w, 3, value.doc);
}

function tensorType(w: BinaryWriter, { type, shape }: ValueInfo): void {
  message(w, 1, (tensor) => {
    tensor.tag(1, WireType.Varint).int32(dataType[type]);
    message(tensor, 2, (dims) => {
      for (const size of shape) {
        message(dims, 1, (dim) => {
          if (typeof size === "string") text(dim, 2, size);
          else dim.tag(1, WireType.Varint).int64(size);
        });
      }
    });
  });
}

const text = (w: BinaryWriter, field: number, value: string): BinaryWriter =>
  w.tag(field, WireType.LengthDelimited).string(value);

function message(w: BinaryWriter, field: number, write: (w: BinaryWriter) => void): void {
  w.tag(field, WireType.LengthDelimited).fork();
  write(w);
  w.join();
}
