/**
 * The order in which a generator runs on a picture in tiles: layer by layer, each over the whole picture before the next
 * one. So every norm takes the mean and variance of the whole picture, and no value is computed from the padding of a tile.
 *
 * Maps between the stages are kept if they fit into the available space, coarse maps first: they are small, and cost most to
 * compute again. A stage computes the other maps again from the kept ones and from the picture.
 */
import { UserError } from "../../errors.ts";
import { type Program, sizeOf, type Tensor } from "../../graph/graph.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { byteCount } from "../../text.ts";
import { bytesOf, type MapSize } from "./maps.ts";
import { type Reach, reachOf } from "./reach.ts";

/** The generator at one size of its input. */
export interface Built {
  program: Program;
  netG: Parameters;
}

/** A pass over the whole picture, tile by tile, which computes one map or the output. */
export interface Stage {
  /** The convolution whose output the stage computes, by its place among those of the program; undefined: the picture. */
  conv: number | undefined;
  /** The norm that takes its statistics from that output, by its place in `netG.norms`. */
  norm: number | undefined;
  /** Whether the output is kept, for the stages that read it. */
  kept: boolean;
  /** The kept outputs that it reads, by their convolutions. */
  reads: readonly number[];
  reach: Reach;
  /** Height and width of a tile in pixels. */
  tile: number;
}

/** The passes of a generator in their order. */
export interface Plan {
  stages: readonly Stage[];
  /** Most bytes of maps that are kept at one time. */
  bytes: number;
}

export interface PlanOptions {
  /** Bytes of maps that may be kept at one time. */
  space: number;
  /** Tiles are multiples of this. */
  multiple: number;
  /** Height and width of a tile in pixels, for maps of the picture's size. Default: by the memory that a stage takes. */
  tile?: number | undefined;
}

/** Values of all maps of a stage in one tile, where the size of tiles is not given: 128 MB. */
const valuesOfTile = 2 ** 25;

/** Positions of a tile's side at most, on the finest map: rows of the output are collected over the width of the picture. */
const largestTile = 512;

/** Writing and reading a kept value takes as long as so many multiplications. */
const worthKeeping = 256;

/** The convolutions of a generator, but for the one that makes the picture. Their outputs can be kept. */
export const convolutions = ({ program }: Built): Tensor[] =>
  program.nodes
    .filter(({ op }) => op.type === "Conv" || op.type === "ConvTranspose")
    .flatMap((n) => n.output)
    .slice(0, -1);

/**
 * The plan that keeps the largest maps for which the space suffices.
 * @param built the generator at the size of the picture
 * @throws UserError where the space is too small for any plan
 */
export function planOf(built: Built, options: PlanOptions): Plan {
  const maps = convolutions(built).map(sizeOfMap);
  const sizes = [...new Set(maps.map(bytesOf))].sort((a, b) => b - a);
  const plans = [...sizes, 0].map((largest) => planKeeping(built, largest, options));
  const side = built.program.inputs.find(({ name }) => name === "real_A")!.shape;
  // With fewer kept maps a stage computes more maps in each tile, which take more memory.
  const fitMemory = plans.filter((plan) => plan.stages.every((stage) => valuesOf(stage, side) <= 2 * valuesOfTile));
  const choices = fitMemory.length > 0 ? fitMemory : plans;
  const possible = choices.find(({ bytes }) => bytes <= options.space);
  if (possible) return possible;
  const least = Math.min(...choices.map(({ bytes }) => bytes));
  throw new UserError(
    `A picture of ${side[3]}x${side[2]} needs at least ${byteCount(least)} of scratch files beside its output, and ` +
      `${byteCount(options.space)} may be used (half of what is free). Free some, or name an --out on another disk.`,
  );
}

function valuesOf({ tile, reach }: Stage, [, , height, width]: readonly number[]): number {
  return Math.min(tile, height!) * Math.min(tile, width!) * reach.density;
}

/** Planes, height and width of a map, [1, planes, height, width]. */
export function sizeOfMap({ shape }: Tensor): MapSize {
  const [, planes, height, width] = shape as [number, number, number, number];
  return { planes, height, width };
}

/** The plan that keeps the maps of at most `largest` bytes that take longer to compute than to write and read. */
function planKeeping(built: Built, largest: number, options: PlanOptions): Plan {
  const { program, netG } = built;
  const graph = netG.graph;
  const maps = convolutions(built);
  const kept = new Map<Tensor, number>();
  const scales = scalesOf(built);
  const stages: Stage[] = [];
  const add = (conv: number | undefined, part: Program, more: Pick<Stage, "norm" | "kept">) => {
    const reads = part.inputs.flatMap((input) => kept.get(input) ?? []);
    const reach = reachOf(part, new Map([...scales].filter(([map]) => part.inputs.includes(map))));
    stages.push({ conv, ...more, reads, reach, tile: tileOf(reach, options) });
  };
  for (const [i, map] of maps.entries()) {
    const { producer } = map;
    const norm = netG.norms.findIndex(({ x }) => x === map);
    const work = sizeOf(producer!.inputs[1]!.shape) / map.shape[1]!;
    // The Conv of an average pool has the planes as samples, so that shape[0] is above 1; its output is not kept.
    const keeps = map.shape[0] === 1 && bytesOf(sizeOfMap(map)) <= largest && work >= worthKeeping;
    if (norm < 0 && !keeps) continue;
    const part = graph.program([{ name: "map", tensor: map }], new Set(kept.keys()));
    add(i, part, { norm: norm < 0 ? undefined : norm, kept: keeps });
    if (keeps) kept.set(map, i);
  }
  add(undefined, graph.program(program.outputs, new Set(kept.keys())), { norm: undefined, kept: false });
  const needed = withoutUnread(stages);
  return { stages: needed, bytes: peak(needed, maps) };
}

/** Maps that a stage may read, and their pixels per position. */
function scalesOf(built: Built): Map<Tensor, number> {
  const { program, netG } = built;
  const input = program.inputs.find(({ name }) => name === "real_A")!;
  const masks = new Set(netG.masks.map(({ name }) => name));
  const read = [input, ...convolutions(built), ...program.inputs.filter(({ name }) => masks.has(name))];
  return new Map(read.map((map) => [map, input.shape[2]! / map.shape[2]!]));
}

/** The stages without those whose output no other stage reads. */
function withoutUnread(stages: readonly Stage[]): Stage[] {
  const read = new Set<number>();
  const found: Stage[] = [];
  for (const stage of [...stages].reverse()) {
    const kept = stage.kept && read.has(stage.conv!);
    if (!kept && stage.norm === undefined && stage.conv !== undefined) continue;
    for (const conv of stage.reads) read.add(conv);
    found.unshift({ ...stage, kept });
  }
  return found;
}

function peak(stages: readonly Stage[], maps: readonly Tensor[]): number {
  const alive = (stage: Stage, at: number) =>
    stage.kept && stages.indexOf(stage) <= at && stages.slice(at).some(({ reads }) => reads.includes(stage.conv!));
  const bytes = (at: number) =>
    stages.reduce((sum, stage) => sum + (alive(stage, at) ? bytesOf(sizeOfMap(maps[stage.conv!]!)) : 0), 0);
  return Math.max(...stages.map((_, at) => bytes(at)));
}

/** The side of a tile. Margins take at most half of it. */
function tileOf(reach: Reach, { tile, multiple }: PlanOptions): number {
  const unit = Math.max(multiple, reach.coarsest);
  const wanted =
    tile === undefined
      ? Math.min(Math.sqrt(valuesOfTile / reach.density), largestTile * reach.finest)
      : tile * reach.finest;
  const margin = Math.ceil(reach.margin / reach.coarsest) * reach.coarsest;
  const least = Math.ceil(Math.max(1, 4 * margin) / unit);
  return unit * Math.max(least, Math.floor(wanted / unit));
}
