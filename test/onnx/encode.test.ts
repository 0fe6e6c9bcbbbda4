/** The bytes of a graph, read by an independent walk over the protobuf fields, and run by ONNX Runtime. */

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { onCpu } from "../../src/engines/device.ts";
import { Graph, type Program } from "../../src/graph/graph.ts";
import { Conv } from "../../src/graph/ops/conv.ts";
import { add, greater, leakyRelu, mul } from "../../src/graph/ops/elementwise.ts";
import { DepthToSpace, reshape, transpose } from "../../src/graph/ops/movement.ts";
import { mean } from "../../src/graph/ops/reduce.ts";
import { encodeOnnx } from "../../src/lowering/cpu.ts";
import { trainingStep } from "../../src/model/pix2pix.ts";
import { ort as nodeOrt, runInto } from "../../src/node/ort.ts";
import { encode } from "../../src/onnx/encode.ts";
import { run } from "../graph/evaluate.ts";
import { modelOptions } from "../options.ts";

/** The fields of a protobuf message by number: integers as they are, everything else as bytes. */
type Fields = Map<number, (number | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const value =
      type === WireType.Varint ? Number(reader.int64()) : type === WireType.Bit32 ? reader.float() : reader.bytes();
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}
const messages = (fields: Fields, field: number) => (fields.get(field) ?? []).map((v) => fieldsOf(v as Uint8Array));
const strings = (fields: Fields, field: number) =>
  (fields.get(field) ?? []).map((v) => new TextDecoder().decode(v as Uint8Array));
const numbers = (fields: Fields, field: number) => (fields.get(field) ?? []) as number[];

/** Numbers of fields in onnx.proto: ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto, ValueInfoProto. */
function read(bytes: Uint8Array) {
  const model = fieldsOf(bytes);
  const [graph] = messages(model, 7);
  const attribute = (fields: Fields) => {
    const [type] = numbers(fields, 20);
    const value = type === 1 ? numbers(fields, 2)[0] : type === 2 ? numbers(fields, 3)[0] : undefined;
    return [strings(fields, 1)[0], value ?? (type === 3 ? strings(fields, 4)[0] : numbers(fields, 8))];
  };
  const valueInfo = (fields: Fields) => {
    const [tensor] = messages(messages(fields, 2)[0]!, 1);
    const dims = messages(messages(tensor!, 2)[0]!, 1).map((dim) => numbers(dim, 1)[0]);
    return { name: strings(fields, 1)[0], type: numbers(tensor!, 1)[0], dims };
  };
  return {
    irVersion: numbers(model, 1),
    opset: messages(model, 8).map((fields) => ({ domain: strings(fields, 1), version: numbers(fields, 2) })),
    nodes: messages(graph!, 1).map((node) => ({
      inputs: strings(node, 1),
      outputs: strings(node, 2),
      name: strings(node, 3)[0],
      op: strings(node, 4)[0],
      attributes: Object.fromEntries(messages(node, 5).map(attribute)),
    })),
    initializers: messages(graph!, 5).map((t) => ({
      dims: numbers(t, 1),
      type: numbers(t, 2)[0],
      name: strings(t, 8)[0],
      raw: t.get(9)?.[0] as Uint8Array,
    })),
    inputs: messages(graph!, 11).map(valueInfo),
    outputs: messages(graph!, 12).map(valueInfo),
  };
}

/** A graph with every kind of attribute, constant and output. */
function sample(): Graph {
  const graph = new Graph();
  const x = graph.input("x", [1, 4, 5, 6]);
  const w = graph.input("w", [8, 4, 3, 3]);
  const y = graph.scope("net", () =>
    graph.scope("conv1", () => {
      const strided = Conv([x, w], { strides: [2, 1], pads: [1, 2, 1, 0], dilations: [1, 1] });
      return leakyRelu(strided, 0.2);
    }),
  );
  const wide = DepthToSpace([y], { blocksize: 2, mode: "CRD" });
  graph.output("y", y);
  graph.output("again", y);
  graph.output("x_itself", x);
  graph.output("mean", mean(wide, [0, 2]));
  graph.output("above", greater(add(reshape(transpose(y, [1, 0, 3, 2]), [8, y.size / 8]), 1.5), 0));
  graph.output("values", graph.constant(Float32Array.of(1, -2, 3), [3, 1]));
  return graph;
}

describe("an encoded graph", () => {
  const model = read(encode(sample().program()));
  const node = (type: string) => model.nodes.find(({ op }) => op === type)!;

  it("says ONNX format 8, operator set 18 of the default domain", () => {
    expect(model.irVersion).toEqual([8]);
    expect(model.opset).toEqual([{ domain: [], version: [18] }]);
  });

  it("has the nodes in order, named by scope, each value made before it is read and only once", () => {
    expect(model.nodes.map(({ op }) => op)).toEqual([
      ...["Conv", "LeakyRelu", "DepthToSpace", "ReduceMean", "Transpose", "Reshape", "Add", "Greater"],
      ...["Identity", "Identity", "Identity"],
    ]);
    expect(node("Conv").name).toBe("net/conv1/Conv_0");
    expect(node("LeakyRelu").name).toBe("net/conv1/LeakyRelu_1");
    expect(new Set(model.nodes.map(({ name }) => name).filter(Boolean)).size).toBe(8);
    const known = new Set([...model.inputs, ...model.initializers].map(({ name }) => name!));
    for (const { inputs, outputs } of model.nodes) {
      for (const name of inputs) expect(known).toContain(name);
      for (const name of outputs) expect(known).not.toContain(name);
      for (const name of outputs) known.add(name);
    }
  });

  it("has attributes of their ONNX types, and those that became inputs as int64 values", () => {
    expect(node("Conv").attributes).toEqual({ strides: [2, 1], pads: [1, 2, 1, 0], dilations: [1, 1] });
    expect(node("LeakyRelu").attributes).toEqual({ alpha: Math.fround(0.2) });
    expect(node("DepthToSpace").attributes).toEqual({ blocksize: 2, mode: "CRD" });
    expect(node("ReduceMean").attributes).toEqual({ keepdims: 1 });
    expect(node("Reshape").attributes).toEqual({});
    const constant = (name: string) => model.initializers.find((t) => t.name === name)!;
    const { dims, type, raw } = constant(node("ReduceMean").inputs[1]!);
    expect({ dims, type, values: [...new BigInt64Array(raw.slice().buffer)] }).toEqual({
      dims: [2],
      type: 7,
      values: [0n, 2n],
    });
    const scalar = constant(node("Add").inputs[1]!);
    expect([scalar.dims, scalar.type, new Float32Array(scalar.raw.slice().buffer)[0]]).toEqual([[], 1, 1.5]);
  });

  it("states inputs and outputs with types and shapes", () => {
    expect(model.inputs).toEqual([
      { name: "x", type: 1, dims: [1, 4, 5, 6] },
      { name: "w", type: 1, dims: [8, 4, 3, 3] },
    ]);
    expect(model.outputs).toEqual([
      { name: "y", type: 1, dims: [1, 8, 3, 6] },
      { name: "again", type: 1, dims: [1, 8, 3, 6] },
      { name: "x_itself", type: 1, dims: [1, 4, 5, 6] },
      { name: "mean", type: 1, dims: [1, 2, 1, 12] },
      { name: "above", type: 9, dims: [8, 18] },
      { name: "values", type: 1, dims: [3, 1] },
    ]);
  });

  it("is run by ONNX Runtime, every output under its name", async () => {
    const [x, w] = [new Float32Array(120).fill(1), new Float32Array(288).fill(-1)];
    const { y, again, x_itself, above, values } = await run(sample(), { x, w });
    // The first value sees 2 x 1 taps of 4 channels (padding 1 above, 2 to the left); below 0 the slope is .2.
    expect(y![0]).toBeCloseTo(-8 * 0.2, 6);
    expect(again).toEqual(y);
    expect(x_itself).toEqual(x);
    expect([...values!]).toEqual([1, -2, 3]);
    expect(above!.filter((v) => v === 1).length).toBe(0);
  });

  it("is the same bytes every time", () => {
    expect(Buffer.compare(encode(sample().program()), encode(sample().program()))).toBe(0);
  });
});

describe("a training step", () => {
  const options = modelOptions({ netG: "unet_32", ngf: 2, netD: "pixel", ndf: 2 });
  const { substeps } = trainingStep(options, { n: 1, height: 32, width: 32 });
  const [stepD, stepG] = substeps.map(({ batch }) => batch) as [Program, Program];

  it.each([
    ["D", stepD],
    ["G", stepG],
  ] as const)("%s: what ONNX Runtime loads has the program's inputs, outputs and scopes", async (_, program) => {
    expect(() => encode(program)).toThrow(/^\w+ \(net.* is not an ONNX op: lower the program first \(forCpu/);
    const bytes = encodeOnnx(program);
    const session = await ort.InferenceSession.create(bytes, onCpu(1));
    expect(session.inputNames).toEqual(program.inputs.map(({ name }) => name));
    expect(session.outputNames).toEqual(program.outputs.map(({ name }) => name));
    const scopes = read(bytes).nodes.map(({ name }) => name ?? "");
    const expected = program === stepD ? ["netG/down5/", "netG/up1/", "netD(fake)/"] : ["netD(G)/", "grad(netG/up1)/"];
    for (const scope of expected)
      expect(
        scopes.some((name) => name.startsWith(scope)),
        scope,
      ).toBe(true);
  });

  it("Node's runInto leaves the outputs in the tensors that it is given", async () => {
    const graph = new Graph();
    const a = graph.input("a", [3]);
    graph.output("twice", mul(a, 2));
    graph.output("thrice", mul(a, 3));
    const program = graph.program();
    const session = await nodeOrt.InferenceSession.create(
      encode(program, { sequence: runInto.sequenceOutput }),
      onCpu(1),
    );
    const [given, twice, thrice] = [Float32Array.of(1, 2, 3), new Float32Array(3), new Float32Array(3)];
    const tensor = (data: Float32Array) => new nodeOrt.Tensor("float32", data, [3]);
    const fetches = { twice: tensor(twice), thrice: tensor(thrice) };
    for (const factor of [1, 5]) {
      given.set([factor, 2 * factor, 3 * factor]);
      await runInto(session, { a: tensor(given) }, fetches);
      expect([[...twice], [...thrice]]).toEqual([2, 3].map((times) => [1, 2, 3].map((v) => v * times * factor)));
    }
    await expect(runInto(session, {}, fetches)).rejects.toThrow(/'a' is missing/);
  });
});
