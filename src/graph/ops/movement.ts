/** Ops that move values: reshape, transpose, slice, pad, concat, space to depth. */
import { ShapeError } from "../../errors.ts";
import { none, type Op, op, type Shape, sameShape, sizeOf, type Tensor } from "../graph.ts";
import { add } from "./elementwise.ts";
import { Expand } from "./reduce.ts";

/** The end of an ONNX Slice with a negative step that includes the first value. */
const beforeFirst = -(2 ** 31);

/** y = x */
export const Identity = op("Identity", { shape: ([x]) => x!, gradient: ({ dy }) => [dy] });

/** The values of x in their order, with another shape. */
export const Reshape = op<{ shape: Shape }>("Reshape", {
  shape: ([x], { shape }) => {
    if (sizeOf(x!) !== sizeOf(shape))
      throw new ShapeError(`[${x}] has ${sizeOf(x!)} values, [${shape}] needs ${sizeOf(shape)}.`);
    return shape;
  },
  renames: true,
  constants: ({ shape }) => [shape],
  gradient: ({ x: [x], dy }) => [reshape(dy, x!.shape)],
});

/** Axis i of the output is axis perm[i] of x. */
export const Transpose = op<{ perm: readonly number[] }>("Transpose", {
  shape: ([x], { perm }) => perm.map((axis) => x![axis]!),
  gradient: ({ dy, attrs: { perm } }) => [
    transpose(
      dy,
      perm.map((_, i) => perm.indexOf(i)),
    ),
  ],
});

/** The inputs one after the other along `axis`; other axes have the same sizes. */
export const Concat = op<{ axis: number }>("Concat", {
  shape: (shapes, { axis }) => {
    const [first] = shapes;
    for (const shape of shapes) {
      if (shape.length !== first!.length || shape.some((n, i) => i !== axis && n !== first![i])) {
        throw new ShapeError(
          `inputs ${shapes.map((s) => `[${s}]`).join(" and ")} have different sizes on an axis other than ${axis}.`,
        );
      }
    }
    return first!.map((n, i) => (i === axis ? shapes.reduce((total, s) => total + s[axis]!, 0) : n));
  },
  gradient: ({ x, dy, attrs: { axis } }) => {
    let start = 0;
    return x.map((t) => {
      const end = start + t.shape[axis]!;
      const part = slice(dy, [axis], [start], [end]);
      start = end;
      return part;
    });
  },
});

type SliceAttributes = {
  axes: readonly number[];
  starts: readonly number[];
  ends: readonly number[];
  steps: readonly number[];
};

/** x[starts:ends:steps] along `axes`; a negative step runs from `starts` down to the first value. */
export const Slice = op<SliceAttributes>("Slice", {
  shape: ([x], { axes, starts, ends, steps }) => {
    const shape = [...x!];
    axes.forEach((axis, i) => {
      const step = steps[i]!;
      const length = step < 0 ? starts[i]! + 1 : ends[i]! - starts[i]!;
      if (length <= 0 || (step > 0 ? ends[i]! : length) > x![axis]!) {
        throw new ShapeError(`[${starts[i]}:${ends[i]}:${step}] is outside axis ${axis} of [${x}].`);
      }
      shape[axis] = Math.ceil(length / Math.abs(step));
    });
    return shape;
  },
  constants: ({ axes, starts, ends, steps }) => [starts, ends, axes, steps],
  gradient: ({ x: [x], dy, attrs: { axes, starts, steps } }) => {
    const backwards = axes.filter((_, i) => steps[i]! < 0);
    let spread = backwards.length > 0 ? flip(dy, backwards) : dy;
    const before = x!.shape.map(() => 0);
    axes.forEach((axis, i) => {
      spread = spaced(spread, axis, Math.abs(steps[i]!));
      before[axis] = Math.min(starts[i]!, starts[i]! + (dy.shape[axis]! - 1) * steps[i]!);
    });
    const after = x!.shape.map((n, i) => n - before[i]! - spread.shape[i]!);
    return [pad(spread, before, after)];
  },
});

/** x with `step - 1` zeros between neighbours along `axis`. */
export function spaced(x: Tensor, axis: number, step: number): Tensor {
  const n = x.shape[axis]!;
  if (step === 1 || n === 1) return x;
  const zeros = (count: number) => Array.from({ length: x.rank + 1 }, (_, i) => (i === axis + 1 ? count : 0));
  const column = reshape(x, x.shape.toSpliced(axis + 1, 0, 1));
  const wide = reshape(pad(column, zeros(0), zeros(step - 1)), x.shape.with(axis, n * step));
  return slice(wide, [axis], [0], [(n - 1) * step + 1]);
}

/**
 * x with zeros around it, or mirrored about its first and last values. `pads` lists the start of every axis, then the
 * end of every axis.
 */
export const Pad = op<{ pads: readonly number[]; mode?: "reflect" }>("Pad", {
  shape: ([x], { pads, mode }) => {
    const rank = x!.length;
    if (mode === "reflect" && x!.some((n, i) => Math.max(pads[i]!, pads[i + rank]!) >= n)) {
      throw new ShapeError(`[${x}] is too small to be reflected by [${pads}].`);
    }
    return x!.map((n, i) => n + pads[i]! + pads[i + rank]!);
  },
  constants: ({ pads }) => [pads],
  attributes: ({ mode }) => ({ mode }),
  gradient: ({ x: [x], dy, attrs: { pads, mode } }) => {
    if (mode === "reflect") return [folded(dy, x!.shape, pads)];
    const axes = x!.shape.map((_, i) => i);
    return [
      slice(
        dy,
        axes,
        axes.map((i) => pads[i]!),
        axes.map((i) => pads[i]! + x!.shape[i]!),
      ),
    ];
  },
});

/** The gradient of a reflecting Pad: adds each margin of `dy`, mirrored, to the values that it repeats. */
function folded(dy: Tensor, shape: Shape, pads: readonly number[]): Tensor {
  let total = dy;
  for (const [axis, n] of shape.entries()) {
    const [before, after] = [pads[axis]!, pads[axis + shape.length]!];
    if (before === 0 && after === 0) continue;
    const margin = (start: number, length: number, to: number) => {
      const mirrored = flip(slice(wide, [axis], [start], [start + length]), [axis]);
      const zeros = (count: number) => shape.map((_, i) => (i === axis ? count : 0));
      return pad(mirrored, zeros(to), zeros(n - to - length));
    };
    const wide = total;
    total = slice(wide, [axis], [before], [before + n]);
    if (before > 0) total = add(total, margin(0, before, 1));
    if (after > 0) total = add(total, margin(before + n, after, n - 1 - after));
  }
  return total;
}

/** [N, C, H, W] to [N, C * b * b, H / b, W / b]; channel order (row in block, column in block, C). */
export const SpaceToDepth: Op<{ blocksize: number }> = op<{ blocksize: number }>("SpaceToDepth", {
  shape: ([x], { blocksize: b }) => {
    const [n, c, h, w] = x as [number, number, number, number];
    if (h % b || w % b) throw new ShapeError(`[${x}] is not divisible by blocks of ${b}.`);
    return [n, c * b * b, h / b, w / b];
  },
  gradient: ({ dy, attrs }) => [DepthToSpace([dy], { ...attrs, mode: "DCR" })],
});

/**
 * With mode "DCR" the inverse of SpaceToDepth; with "CRD" the order of channels is (C, row in block, column in block).
 */
export const DepthToSpace: Op<{ blocksize: number; mode: "DCR" | "CRD" }> = op<{
  blocksize: number;
  mode: "DCR" | "CRD";
}>("DepthToSpace", {
  shape: ([x], { blocksize: b }) => {
    const [n, c, h, w] = x as [number, number, number, number];
    if (c % (b * b)) throw new ShapeError(`${c} channels of [${x}] are not divisible by ${b * b}.`);
    return [n, c / (b * b), h * b, w * b];
  },
  gradient: ({ x: [x], dy, attrs: { blocksize: b, mode } }) => {
    if (mode === "DCR") return [SpaceToDepth([dy], { blocksize: b })];
    const [n, c, h, w] = x!.shape as [number, number, number, number];
    const blocks = reshape(dy, [n, c / (b * b), h, b, w, b]);
    return [reshape(transpose(blocks, [0, 1, 3, 5, 2, 4]), x!.shape)];
  },
});

/** x with another shape of as many values; x itself if it has that shape. */
export const reshape = (x: Tensor, shape: Shape): Tensor => (sameShape(x.shape, shape) ? x : Reshape([x], { shape }));

/** x with its axes in the order `perm`. It is a Reshape if only axes of size 1 change their place. */
export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  const long = perm.filter((axis) => x.shape[axis] !== 1);
  if (long.every((axis, i) => i === 0 || axis > long[i - 1]!))
    return reshape(
      x,
      perm.map((axis) => x.shape[axis]!),
    );
  return Transpose([x], { perm });
}

/** x, which gradients treat as a constant: none passes to the tensors from which x is computed. */
export const detach = (x: Tensor): Tensor => Stop([x]);
const Stop = op("Identity", { shape: ([x]) => x!, gradient: none });

/** Tensors one after the other along `axis`. */
export const concat = (xs: Tensor[], axis: number): Tensor => Concat(xs, { axis });
/** x with `before[i]` zeros at the start and `after[i]` zeros at the end of axis i. */
export const pad = (x: Tensor, before: readonly number[], after: readonly number[]): Tensor =>
  [...before, ...after].every((n) => n === 0) ? x : Pad([x], { pads: [...before, ...after] });

/**
 * x with `margin` mirrored values on each side of the last two axes; the outermost value is not repeated. An axis of
 * one value is extended by copies of that value.
 * @throws ShapeError for an axis of 2 to `margin` values
 */
export function reflect(x: Tensor, margin: number): Tensor {
  const outer = (i: number) => i < x.rank - 2;
  const shape = x.shape.map((n, i) => (n > 1 || outer(i) ? n : 1 + 2 * margin));
  const around = x.shape.map((n, i) => (n > 1 && !outer(i) ? margin : 0));
  const wide = sameShape(shape, x.shape) ? x : Expand([x], { shape });
  return around.every((n) => n === 0) ? wide : Pad([wide], { pads: [...around, ...around], mode: "reflect" });
}

/** x[starts:ends] along `axes`; x itself if that is all of it. */
export function slice(x: Tensor, axes: readonly number[], starts: readonly number[], ends: readonly number[]): Tensor {
  if (axes.every((axis, i) => starts[i] === 0 && ends[i] === x.shape[axis])) return x;
  return Slice([x], { axes, starts, ends, steps: axes.map(() => 1) });
}

/** x[starts:ends:steps] along `axes`: every `steps[i]`-th value from `starts[i]` on, without `ends[i]`. */
export const stride = (
  x: Tensor,
  axes: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  steps: readonly number[],
): Tensor => Slice([x], { axes, starts, ends, steps });

/** x with the order of values along `axes` reversed. */
export const flip = (x: Tensor, axes: readonly number[]): Tensor =>
  Slice([x], {
    axes,
    starts: axes.map((axis) => x.shape[axis]! - 1),
    ends: axes.map(() => beforeFirst),
    steps: axes.map(() => -1),
  });

/** The values of all tensors one after the other, as a vector. */
export const flat = (xs: readonly Tensor[]): Tensor => {
  const vectors = xs.map((x) => reshape(x, [x.size]));
  return vectors.length === 1 ? vectors[0]! : concat(vectors, 0);
};

/** Most outputs of one Split. With its input they are 8 buffers, as many as every WebGPU device allows a kernel. */
export const mostParts = 7;

/**
 * The inverse of `flat`: cuts the vector x into tensors of these shapes. More than `mostParts` tensors are cut in two
 * steps or more, so that all cuts of one tensor fit into one Split (EncodeOptions.split).
 */
export function parted(x: Tensor, shapes: readonly Shape[]): Tensor[] {
  const sizes = shapes.map(sizeOf);
  if (shapes.length <= mostParts) {
    return vectorsOf(x, sizes).map((part, i) => reshape(part, shapes[i]!));
  }
  const each = Math.ceil(shapes.length / Math.ceil(shapes.length / mostParts));
  const groups = Array.from({ length: Math.ceil(shapes.length / each) }, (_, i) =>
    shapes.slice(i * each, (i + 1) * each),
  );
  const wholes = parted(
    x,
    groups.map((group) => [group.reduce((total, shape) => total + sizeOf(shape), 0)]),
  );
  return wholes.flatMap((whole, i) => parted(whole, groups[i]!));
}

function vectorsOf(x: Tensor, sizes: readonly number[]): Tensor[] {
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return slice(x, [0], [start - size], [start]);
  });
}
