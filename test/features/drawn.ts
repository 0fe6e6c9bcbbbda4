/** Weights, pictures and features by a hash, as test/fixtures/make/features.py draws them. */
import { readFileSync } from "node:fs";
import type { FeatureNetwork } from "../../src/features/network.ts";
import { encode, type StoredTensor } from "../../src/formats/safetensors.ts";
import { Graph, type Shape, sizeOf } from "../../src/graph/graph.ts";
import type { FeatureRows } from "../../src/metrics/features.ts";
import { Parameters } from "../../src/nn/parameters.ts";
import type { Picture } from "../../src/platform.ts";
import { fnv1a } from "../../src/random.ts";
import { fixture } from "../paths.ts";

export const expected = JSON.parse(readFileSync(fixture("features.json"), "utf8"));

/** Numbers in [0, 1), hashes (lowbias32) of fnv1a(name) + index, times `factor`, plus `shift`. */
export function uniform(name: string, count: number, factor = 1, shift = 0): Float32Array<ArrayBuffer> {
  const start = fnv1a(name);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let x = (start + i) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    out[i] = (((x ^ (x >>> 16)) >>> 0) / 2 ** 32) * factor + shift;
  }
  return out;
}

export function weight(name: string, shape: Shape): StoredTensor {
  const draw = (factor: number, shift: number) => uniform(name, sizeOf(shape), factor, shift);
  const most = Math.sqrt(6 / sizeOf(shape.slice(1)));
  const data = () => {
    if (name.startsWith("lin")) return draw(1, 0);
    if (shape.length > 1) return draw(2 * most, -most);
    return /(running_var|bn\.weight)$/.test(name) ? draw(1, 0.5) : draw(0.4, -0.2);
  };
  return { dtype: "F32", shape, data: data() };
}

/** The tensors of a network's file. */
export function weights({ build, side, marks = {} }: FeatureNetwork): Record<string, StoredTensor> {
  const graph = new Graph();
  const p = new Parameters(graph, "features");
  build(p, graph.input("x", [1, 3, side, side]));
  const shapes = [...p.specs.map(({ name, shape }) => [name, shape] as const), ...Object.entries(marks)];
  return Object.fromEntries(shapes.map(([name, shape]) => [name, weight(name, shape)]));
}

/** LPIPS's linear layers for these channels. */
export function linear(channels: readonly number[]): Record<string, StoredTensor> {
  const names = channels.map((_, i) => `lin${i}.model.1.weight`);
  return Object.fromEntries(names.map((name, i) => [name, weight(name, [1, channels[i]!, 1, 1])]));
}

/** Files in memory that `FeatureExtractor` reads. */
export function stored(all: Readonly<Record<string, Record<string, StoredTensor>>>) {
  return {
    read: async (path: string) => new Uint8Array(await new Blob(encode(all[path]!) as BlobPart[]).arrayBuffer()),
  };
}

export function picture(seed: number, height: number, width: number): Picture {
  const data = new Uint8Array(3 * height * width);
  const k = seed + 1;
  let i = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        data[i++] = Math.floor(((3 + k) * x * x + 5 * y * y + 7 * k * x * y + 400 * c + 1700 * k) / 16) % 256;
      }
    }
  }
  return { width, height, channels: 3, data };
}

export function rows(name: string, count: number, size: number): FeatureRows {
  const values = uniform(name, count * size, 1, -0.5).map((v) => Math.max(0, v));
  return { count, size, values };
}

/** The largest relative difference; values below a hundredth of the largest count as that. */
export function difference(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (got.length !== wanted.length) return Number.POSITIVE_INFINITY;
  const least = Math.max(...Array.from(wanted, Math.abs)) / 100;
  return Math.max(...Array.from(got, (v, i) => Math.abs(v - wanted[i]!) / Math.max(least, Math.abs(wanted[i]!))));
}
