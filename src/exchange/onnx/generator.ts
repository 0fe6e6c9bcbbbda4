/** A trained generator as an ONNX model from the network's values to the network's values. */
import { CheckpointError } from "../../errors.ts";
import { type Program, sizeOf, type Tensor } from "../../graph/graph.ts";
import { Reshape } from "../../graph/ops/movement.ts";
import { Expand } from "../../graph/ops/reduce.ts";
import { generatorGraph } from "../../model/pix2pix.ts";
import { generators } from "../../networks/generators.ts";
import type { Statistics } from "../../nn/norms.ts";
import { norms } from "../../nn/norms.ts";
import type { MaskSpec, Parameters } from "../../nn/parameters.ts";
import type { Model, ModelNode } from "../../onnx/model.ts";
import { modelOf } from "../../onnx/program.ts";
import type { ExportModel } from "../model.ts";
import { Builder } from "./builder.ts";
import { withOnnxNorms } from "./norms.ts";
import { withOnnxPools } from "./pools.ts";

/** How the network behaves in the file. */
export interface Behaviour {
  dropout: "on" | "off";
  statistics: "batch" | "running" | "image";
}

/** Pixels of the network's input; undefined where the caller of the model chooses. */
export type Sides = { height: number; width: number } | undefined;

/**
 * The network with its weights: `real_A` [1, inputNc, H, W] to `fake_B` [1, outputNc, H, W]. Its shapes are those of `sides`.
 * Without `sides`, its nodes are valid for every multiple of `Generator.multiple` from `leastSide` on.
 * @throws CheckpointError for weights of another network
 */
export function networkModel(model: ExportModel, behaviour: Behaviour, sides: Sides): Model {
  const { config } = model;
  const { height, width } = sides ?? anySize(model, behaviour);
  const { program, netG } = generatorOf(model, behaviour, { height, width });
  const fused = withOnnxNorms(withOnnxPools(program), netG.norms, config.normEpsilon);
  refuseFixedSizes(fused, config.netG);
  const { nodes, ...rest } = modelOf(withWeights(fused, netG, model), { name: "generator" });
  const masks = new Map(netG.masks.map((mask) => [mask.name, mask]));
  const drawing = new Builder("dropout");
  const drawn = nodes.flatMap((node) => drawnIn(node, masks, drawing));
  const inputs = rest.inputs.filter(({ name }) => !masks.has(name));
  return { ...rest, inputs, nodes: drawn, initializers: [...rest.initializers, ...drawing.initializers] };
}

/** Throws for a Reshape of a map, which would fix its size and the number of pictures. */
function refuseFixedSizes({ nodes }: Program, netG: string): void {
  const fixed = nodes.find(({ op, output }) => op === Reshape.declaration && output.rank === 4);
  if (fixed) throw new Error(`${netG}, ${fixed.scope}: a Reshape holds the size of a map; write it as an ONNX op.`);
}

/** The least height and width of a picture for a model of any size, in pixels. */
export function leastSide(model: ExportModel, behaviour: Behaviour): number {
  return anySize(model, behaviour).height - generators[model.config.netG].multiple + 1;
}

/** The smallest square whose nodes are valid for larger ones, too. A map of one row is mirrored by other nodes (Expand). */
function anySize(model: ExportModel, behaviour: Behaviour): { height: number; width: number } {
  const { multiple } = generators[model.config.netG];
  const holds = (side: number) =>
    !generatorOf(model, behaviour, { height: side, width: side }).program.nodes.some(
      ({ op }) => op === Expand.declaration,
    );
  const side = holds(multiple) ? multiple : 2 * multiple;
  return { height: side, width: side };
}

function generatorOf({ config }: ExportModel, { dropout, statistics }: Behaviour, sides: NonNullable<Sides>) {
  const running = statistics === "running" && !norms[config.norm].perPicture;
  // "batch", too, means the statistics of each picture: a batch may hold pictures of several users, which must not mix.
  const source: Statistics = running ? "running" : "given";
  const network = { ...config, noDropout: config.noDropout || dropout === "off", dropoutLayers: !config.noDropout };
  return generatorGraph(network, { n: 1, ...sides }, source);
}

/** The program with the weights as constants. */
function withWeights(program: Program, netG: Parameters, { tensors, path }: ExportModel): Program {
  const names = new Map(netG.specs.map(({ name }) => [`netG.${name}`, name]));
  const weights = program.inputs.flatMap((tensor) => {
    const name = names.get(tensor.name);
    return name === undefined ? [] : [{ tensor, data: valuesOf(name, tensor) }];
  });
  function valuesOf(name: string, { shape, size }: Tensor): Float32Array {
    const stored = tensors[name];
    if (stored?.dtype === "F32" && stored.data.length === size) return stored.data;
    const got = stored ? `it has ${name} as ${stored.dtype} [${stored.shape}]` : `it has no ${name}`;
    throw new CheckpointError(
      `${path} does not fit the options of its network: ${got}, expected F32 [${shape}] (${sizeOf(shape)} values).`,
    );
  }
  const inputs = program.inputs.filter(({ name }) => !names.has(name));
  return { ...program, inputs, constants: [...program.constants, ...weights] };
}

/** Replaces the mask of a product by nodes that draw it: a value is kept where a uniform number in [0, 1) is at least p. */
function drawnIn(node: ModelNode, masks: ReadonlyMap<string, MaskSpec>, builder: Builder): ModelNode[] {
  const mask = masks.get(node.inputs[1] ?? "");
  if (node.type !== "Mul" || !mask) return [node];
  const from = builder.nodes.length;
  const [x] = node.inputs as [string];
  const range = { dtype: { int: 1 }, low: { float: 0 }, high: { float: 1 } };
  const dropped = builder.op("Less", [builder.op("RandomUniformLike", [x], range), builder.float(mask.p)]);
  const factor = builder.op("Where", [dropped, builder.float(0), builder.float(1 / (1 - mask.p))]);
  return [...builder.nodes.slice(from), { ...node, inputs: [x, factor] }];
}
