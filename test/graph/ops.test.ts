/** Every op: its forward pass against its definition, its gradient against finite differences. */
import { describe, expect, it } from "vitest";
import { gradient } from "../../src/graph/gradient.ts";
import { none, type Shape, sizeOf, type Tensor } from "../../src/graph/graph.ts";
import { Cast, Greater } from "../../src/graph/ops/elementwise.ts";
import { reflect } from "../../src/graph/ops/movement.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import { Random } from "../../src/random.ts";
import { type Build, distance, functionOf, gradientError, gradientOf, normals } from "./evaluate.ts";
import { type At, declared, type Sample, table } from "./ops-table.ts";

interface Row {
  name: string;
  sample: Sample;
}
const rows: Row[] = Object.entries(table).flatMap(([name, samples]) => samples.map((sample) => ({ name, sample })));
const titled = (which: (sample: Sample) => unknown): [string, Row][] =>
  rows
    .filter(({ sample }) => which(sample))
    .map((row) => [`${row.name} ${row.sample.shapes.map((s) => `[${s}]`).join(" ")}`, row]);
const buildOf =
  ({ name, sample }: Row): Build =>
  (x) => [apply(name, sample, x)];

describe("every op", () => {
  /** Declarations of an ONNX op with other rules. */
  const special: Record<string, string> = { DepthwiseConv: "Conv" };

  it("is in the table, under its ONNX name", () => {
    expect(Object.keys(table).sort()).toEqual(Object.keys(declared).sort());
    for (const [name, { declaration }] of Object.entries(declared)) {
      expect(declaration.type).toBe(special[name] ?? name);
    }
  });

  it("has a gradient rule, but for those that are constant between jumps", () => {
    const without = Object.entries(declared).filter(
      ([, { declaration }]) => typeof declaration.gradient !== "function",
    );
    for (const [name, { declaration }] of without) expect(declaration.gradient, name).toBe(none);
    expect(without.map(([name]) => name).sort()).toEqual(["Cast", "Greater", "Less", "Slope"]);
    for (const { name, sample } of rows) expect(sample.none ?? false, name).toBe(without.some(([n]) => n === name));
  });

  it.each(titled(() => true))("%s computes its definition", async (_, row) => {
    const { shapes, bools, y } = row.sample;
    const x = draw(row.sample);
    const { graph, call } = await functionOf(shapes, buildOf(row));
    const [got] = await call(x);
    const at = shapes.map((s, i) => accessor(s, bools?.includes(i) ? x[i]!.map(above0) : x[i]!));
    const expected = indices(graph.outputs[0]!.tensor.shape).map((index) => y(index, ...at));
    expect(distance(got!, expected)).toBeLessThan(1e-6);
  });

  it.each(titled(({ none }) => !none))("%s has the gradient of finite differences", async (_, row) => {
    expect(await gradientError(row.sample.shapes, buildOf(row), draw(row.sample))).toBeLessThan(1e-4);
  });

  it.each(titled(({ second }) => second))("%s has the second derivatives of finite differences", async (_, row) => {
    const { shapes } = row.sample;
    const { graph } = await functionOf(shapes, buildOf(row));
    const r = graph.outputs.map(({ tensor }) => normals(new Random(2, "r", 0), tensor.size));
    expect(await gradientError(shapes, gradientOf(buildOf(row), r), draw(row.sample))).toBeLessThan(1e-4);
  });

  it.each(titled(({ none }) => none))("%s passes no gradient on", async (_, row) => {
    const { call } = await functionOf(row.sample.shapes, (x) => {
      const y = apply(row.name, row.sample, x);
      return gradient(sum(y.dtype === "bool" ? Cast([y], { to: 1 }) : y), x);
    });
    for (const dx of await call(draw(row.sample))) expect(Math.max(...dx.map(Math.abs))).toBe(0);
  });
});

it("reflection repeats what has nothing to mirror", async () => {
  const build: Build = ([row, value]) => [reflect(row!, 2), reflect(value!, 1)];
  const { graph, call } = await functionOf(
    [
      [1, 1, 1, 3],
      [1, 1, 1],
    ],
    build,
  );
  expect(graph.outputs.map(({ tensor }) => tensor.shape)).toEqual([
    [1, 1, 5, 7],
    [1, 3, 3],
  ]);
  const [rows, square] = await call([Float32Array.of(1, 2, 3), Float32Array.of(4)]);
  expect([...rows!]).toEqual(Array(5).fill([3, 2, 1, 2, 3, 2, 1]).flat());
  expect([...square!]).toEqual(Array(9).fill(4));
});

function apply(name: string, { attrs, numbers = [], bools = [] }: Sample, x: Tensor[]): Tensor {
  const inputs = x.map((t, i) => (bools.includes(i) ? Greater([t, 0]) : t));
  return declared[name]!([...inputs, ...numbers], attrs);
}

/** Values of the inputs, on a grid of 1/256. */
function draw({ shapes, draw: kind }: Sample): Float32Array[] {
  const random = new Random(1, "sample", 0);
  // From -count on, in an order of multiplication: 11 has no divisor in common with the counts of the table.
  const apart = (count: number) => Float32Array.from({ length: count }, (_, i) => ((11 * i + 3) % count) - count);
  if (kind === "apart") return shapes.map((shape) => apart(sizeOf(shape)));
  return shapes.map((shape) =>
    normals(random, sizeOf(shape)).map((v) => {
      if (kind === "positive") return 1 + Math.abs(v);
      if (kind !== "away") return v;
      const size = Math.abs(v) % 1.5;
      return Math.sign(v || 1) * (size < 0.5 ? size + 0.25 : size + 0.75);
    }),
  );
}

const above0 = (v: number): number => (v > 0 ? 1 : 0);

/** All indices of a shape, in row-major order. */
function indices(shape: Shape): number[][] {
  return shape.reduce<number[][]>((all, n) => all.flatMap((i) => Array.from({ length: n }, (_, k) => [...i, k])), [[]]);
}

function accessor(shape: Shape, values: ArrayLike<number>): At {
  return (...index) => {
    let offset = 0;
    for (const [axis, n] of shape.entries()) {
      const i = n === 1 ? 0 : index[index.length - shape.length + axis]!;
      if (i < 0 || i >= n) return 0;
      offset = offset * n + i;
    }
    return values[offset]!;
  };
}
