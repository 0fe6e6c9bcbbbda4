/** An ONNX model as values: what `encode` writes. Programs become models in program.ts. */

/** The type of a tensor's values. */
export type ElementType = "float32" | "float16" | "uint8" | "int8" | "int64" | "bool";

/** The size of an axis: a number, or the name of a size that the caller chooses. */
export type Dim = number | string;

export type ModelAttribute =
  | { int: number }
  | { float: number }
  | { string: string }
  /** A list of whole numbers. */
  | { ints: readonly number[] }
  | { floats: readonly number[] };

export interface ModelNode {
  /** ONNX's op_type. */
  type: string;
  /** The operator set, if it is not ONNX's default one. */
  domain?: string | undefined;
  name: string;
  /** Names of values. */
  inputs: readonly string[];
  output: string;
  /** The outputs after the first. */
  more?: readonly string[];
  attributes: Readonly<Record<string, ModelAttribute>>;
}

/** A value that is part of the model. */
export interface Initializer {
  name: string;
  type: ElementType;
  shape: readonly number[];
  /** The values in little-endian order. */
  bytes: Uint8Array;
}

export interface ValueInfo {
  name: string;
  type: ElementType;
  shape: readonly Dim[];
  /** The value is a sequence of such tensors. */
  sequence?: boolean;
  doc?: string | undefined;
}

export interface Model {
  /** The graph's name in ONNX Runtime's messages and profiles. */
  name: string;
  /** In execution order. */
  nodes: readonly ModelNode[];
  initializers: readonly Initializer[];
  inputs: readonly ValueInfo[];
  outputs: readonly ValueInfo[];
  /** The version of ONNX's operator set. */
  opset: number;
  doc?: string | undefined;
  /** The version of this program. */
  producerVersion?: string | undefined;
  /** Facts by name, for readers of the file (ModelProto.metadata_props). */
  metadata?: Readonly<Record<string, string>>;
}

/** The bytes of an array, in the machine's order: little-endian wherever ONNX Runtime runs. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
