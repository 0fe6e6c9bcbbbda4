/**
 * A generator on a picture that is cut into tiles. The output is that of the picture in one piece, except for rounding, and
 * the memory is bounded by the size of a tile: see plan.ts.
 */
import { type Program, sizeOf } from "../../graph/graph.ts";
import type { MaskSpec } from "../../nn/parameters.ts";
import type { Scratch } from "../../platform.ts";
import type { CompiledProgram } from "../compiler.ts";
import { type Planes, type Rectangle, type Stretch, stretches, type Tile } from "./geometry.ts";
import { bytesOf, FileMap, type KeptMap, MemoryMap } from "./maps.ts";
import { type Built, convolutions, planOf, type Stage, sizeOfMap } from "./plan.ts";
import { Moments } from "./statistics.ts";

export interface TiledGenerator {
  /** The generator for an input of this size; norms whose statistics depend on the picture take `given` ones. */
  build(height: number, width: number): Built;
  compile(program: Program): Promise<CompiledProgram>;
  /** Fills `out` with values of the dropout mask of the whole picture, from its value number `from` on. */
  drawMask(out: Float32Array, spec: MaskSpec, from: number): void;
  /** Height and width of inputs are multiples of this. */
  multiple: number;
  /** Height and width of a tile; see PlanOptions. */
  tile?: number | undefined;
}

/** A picture whose size the generator can take. */
export interface TiledInput {
  height: number;
  width: number;
  /** [channels, height, width] of a part. */
  read(part: Rectangle): Promise<Float32Array>;
}

/** Reports progress: units of work that are done, and their total. */
export type Advance = (done: number, total: number) => void;

export interface TiledOptions {
  /** Takes a part of the output: the values `part` of `tile` belong to (y, x) of the picture. Tiles come row by row. */
  output(tile: Planes, part: Rectangle, at: { y: number; x: number }): Promise<void>;
  /**
   * Files for maps: `open` opens one, `bytes` is the most that all may take, `memory` the bytes of maps that stay in memory
   * nevertheless (default 64 MB). Without files all maps stay in memory.
   */
  scratch?: { open(): Promise<Scratch>; bytes: number; memory?: number } | undefined;
  advance?: Advance | undefined;
  /** Stops between two tiles. */
  signal?: AbortSignal | undefined;
}

/** Most bytes of maps in memory: beside files, and without files. */
const [memoryBesideDisk, memoryAlone] = [2 ** 26, 2 ** 29];

/** @throws UserError where the maps do not fit on the disk; the signal's reason when it is aborted */
export async function runTiled(generator: TiledGenerator, input: TiledInput, options: TiledOptions): Promise<void> {
  const whole = generator.build(input.height, input.width);
  const { multiple, tile } = generator;
  const plan = planOf(whole, { space: options.scratch?.bytes ?? memoryAlone, multiple, tile });
  const total = plan.stages.reduce((sum, stage) => sum + workOf(stage, tilesOf(stage, input)), 0);
  const run = new TiledRun(generator, input, options, whole);
  let before = 0;
  try {
    for (const [i, stage] of plan.stages.entries()) {
      const tiles = tilesOf(stage, input);
      const work = workOf(stage, tiles);
      const advance = (done: number) => options.advance?.(before + (work * done) / tiles.length, total);
      await run.stage(stage, tiles, advance);
      before += work;
      const later = new Set(plan.stages.slice(i + 1).flatMap(({ reads }) => reads));
      await run.drop((conv) => !later.has(conv));
    }
  } finally {
    await run.drop(() => true);
  }
}

function tilesOf({ reach, tile }: Stage, { height, width }: TiledInput): Tile[] {
  const margin = Math.ceil(reach.margin / reach.coarsest) * reach.coarsest;
  const [rows, columns] = [height, width].map((side) => stretches(side, tile, margin));
  return rows!.flatMap((y) => columns!.map((x) => ({ y, x })));
}

/** A tile costs its multiplications, and a share for reading and writing its values. */
const workOf = ({ reach }: Stage, tiles: readonly Tile[]) =>
  tiles.reduce((sum, { y, x }) => sum + y.length * x.length, 0) * (reach.work + 64 * reach.density);

class TiledRun {
  readonly #generator: TiledGenerator;
  readonly #input: TiledInput;
  readonly #options: TiledOptions;
  readonly #whole: Built;
  readonly #statistics: Record<string, Float32Array> = {};
  readonly #maps = new Map<number, KeptMap>();
  /** Bytes of each map in memory; 0 for a map in a file. */
  readonly #inMemory = new Map<number, number>();

  constructor(generator: TiledGenerator, input: TiledInput, options: TiledOptions, whole: Built) {
    this.#generator = generator;
    this.#input = input;
    this.#options = options;
    this.#whole = whole;
  }

  /** Frees the kept maps for whose convolutions `unread` returns true. */
  async drop(unread: (conv: number) => boolean): Promise<void> {
    for (const [conv, map] of [...this.#maps]) {
      if (!unread(conv)) continue;
      this.#maps.delete(conv);
      await map.close();
    }
  }

  async stage(stage: Stage, tiles: readonly Tile[], advance: (done: number) => void): Promise<void> {
    const { y, x } = tiles[0]!;
    const size = { height: y.length, width: x.length };
    const part = this.#part(stage, size);
    const compiled = await this.#generator.compile(part.program);
    const target = stage.conv === undefined ? undefined : sizeOfMap(convolutions(this.#whole)[stage.conv]!);
    const map = stage.kept ? await this.#open(stage.conv!) : undefined;
    const moments = stage.norm === undefined ? undefined : new Moments(target!.planes);
    const scale = target === undefined ? 1 : this.#input.height / target.height;
    try {
      for (const [i, tile] of tiles.entries()) {
        this.#options.signal?.throwIfAborted();
        const values = (await compiled.run(await part.feeds(tile)))[part.output]!;
        const planes = values.length / ((size.height / scale) * (size.width / scale));
        const result = { data: values, planes, height: size.height / scale, width: size.width / scale };
        const [rows, columns] = [own(tile.y, scale), own(tile.x, scale)];
        const inside = { y: rows.inside, x: columns.inside, height: rows.length, width: columns.length };
        const at = { y: rows.at, x: columns.at };
        moments?.add(result, inside);
        await map?.write(result, inside, at);
        if (stage.conv === undefined) await this.#options.output(result, inside, at);
        advance(i + 1);
      }
    } finally {
      await compiled.release();
    }
    if (moments) {
      const { mean, variance } = this.#whole.netG.norms[stage.norm!]!;
      this.#statistics[mean.name] = moments.mean;
      this.#statistics[variance.name] = moments.variance;
    }
  }

  /** The program of a stage for one tile, and its inputs. */
  #part(stage: Stage, size: { height: number; width: number }) {
    const built = this.#generator.build(size.height, size.width);
    const convs = convolutions(built);
    const { netG } = built;
    const known = new Set(stage.reads.map((conv) => convs[conv]!));
    const outputs = stage.conv === undefined ? built.program.outputs : [{ name: "map", tensor: convs[stage.conv]! }];
    const program = netG.graph.program(outputs, known);
    const names = new Set(program.inputs.map(({ name }) => name));
    const masks = netG.masks.filter(({ name }) => names.has(name));
    // Statistics are named after their norms, which have the same names at each size.
    const statistics = Object.fromEntries(Object.entries(this.#statistics).filter(([name]) => names.has(name)));
    // The tiles of a stage have one size and use the same arrays: new ones would cost a tenth of the time.
    const kept = stage.reads.map((conv) => ({ conv, map: convs[conv]!, values: new Float32Array(convs[conv]!.size) }));
    const dropped = masks.map((spec) => ({ spec, values: new Float32Array(sizeOf(spec.shape)) }));
    const feeds = async ({ y, x }: Tile) => {
      const values: Record<string, Float32Array> = { ...statistics };
      if (names.has("real_A")) values.real_A = await this.#input.read({ y: y.start, x: x.start, ...size });
      for (const { conv, map, values: part } of kept) {
        await this.#maps.get(conv)!.read(scaled({ y, x }, size.height / map.shape[2]!), part);
        values[map.name] = part;
      }
      for (const { spec, values: part } of dropped) {
        this.#fillMask(part, spec, scaled({ y, x }, size.height / spec.shape[2]!));
        values[spec.name] = part;
      }
      return values;
    };
    return { program, feeds, output: outputs[0]!.name };
  }

  async #open(conv: number): Promise<KeptMap> {
    const size = sizeOfMap(convolutions(this.#whole)[conv]!);
    const { scratch } = this.#options;
    // Blocks of 64 x 64 pixels: at the usual widths 30 KB to 1 MB.
    const side = Math.max(1, (64 * size.height) / this.#input.height);
    const used = [...this.#maps.keys()].reduce((sum, other) => sum + this.#inMemory.get(other)!, 0);
    const fits = !scratch || used + bytesOf(size) <= (scratch.memory ?? memoryBesideDisk);
    this.#inMemory.set(conv, fits ? bytesOf(size) : 0);
    const map = fits ? new MemoryMap(size) : new FileMap(await scratch.open(), size, side);
    this.#maps.set(conv, map);
    return map;
  }

  /** Fills in a part of the dropout mask of the whole picture. */
  #fillMask(out: Float32Array, spec: MaskSpec, part: Rectangle): void {
    const [, , height, width] = this.#whole.netG.masks.find(({ name }) => name === spec.name)!.shape as Quad;
    for (let to = 0, plane = 0; plane < spec.shape[1]!; plane++) {
      for (let row = 0; row < part.height; row++, to += part.width) {
        const from = (plane * height + part.y + row) * width + part.x;
        this.#generator.drawMask(out.subarray(to, to + part.width), spec, from);
      }
    }
  }
}

type Quad = readonly [number, number, number, number];

/** A tile in positions of a map of `scale` pixels per position. */
function scaled({ y, x }: Tile, scale: number): Rectangle {
  return { y: y.start / scale, x: x.start / scale, height: y.length / scale, width: x.length / scale };
}

/** The own positions of a stretch, in positions of a map: where they begin in the tile (`inside`) and in the whole map (`at`). */
function own({ start, from, to }: Stretch, scale: number): { inside: number; at: number; length: number } {
  return { inside: (from - start) / scale, at: from / scale, length: (to - from) / scale };
}
