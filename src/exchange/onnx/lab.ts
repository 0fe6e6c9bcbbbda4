/** CIELAB in ONNX nodes, for colorization, with the formulas of data/lab.ts. Maps are [N, C, H, W]. */
import { abScale, fromXyz, lScale, toXyz, white } from "../../data/lab.ts";
import type { Builder, Value } from "./builder.ts";

/** `low` where x is at most `limit`, else `high`. */
const pieces = (b: Builder, x: Value, limit: number, high: Value, low: Value): Value =>
  b.op("Where", [b.op("Greater", [x, b.float(limit)]), high, low]);
const linear = (b: Builder, x: Value, factor: number, offset: number): Value =>
  b.op("Add", [b.op("Mul", [x, b.float(factor)]), b.float(offset)]);
const power = (b: Builder, x: Value, exponent: number): Value => b.op("Pow", [x, b.float(exponent)]);
/** max(x, 0). A power of a negative number is NaN, and Where computes both branches. */
const positive = (b: Builder, x: Value): Value => b.op("Relu", [x]);

/** RGB in [-1, 1] to its lightness (1 channel) or its colours (2 channels), in [-1, 1]. */
export function labOf(b: Builder, rgb: Value, part: "L" | "ab"): Value {
  const v = linear(b, rgb, 0.5, 0.5);
  const bright = power(b, positive(b, linear(b, v, 1 / 1.055, 0.055 / 1.055)), 2.4);
  const light = pieces(b, v, 0.04045, bright, linear(b, v, 1 / 12.92, 0));
  const xyz = b.mix(
    light,
    toXyz.map((row, i) => row.map((factor) => factor / white[i]!)),
  );
  const f = pieces(b, xyz, 0.008856, power(b, positive(b, xyz), 1 / 3), linear(b, xyz, 7.787, 16 / 116));
  if (part === "L") return b.mix(f, [[0, 116 / lScale, 0]], [-16 / lScale - 1]);
  const [a, c] = [500 / abScale, 200 / abScale];
  return b.mix(f, [
    [a, -a, 0],
    [0, c, -c],
  ]);
}

/** Lightness (1 channel) and colours (2 channels), each in [-1, 1], to RGB in [-1, 1]; what lies outside is clipped. */
export function rgbOf(b: Builder, L: Value, ab: Value): Value {
  const lab = b.op("Clip", [b.op("Concat", [L, ab], { axis: { int: 1 } }), b.float(-1), b.float(1)]);
  const y = lScale / 116;
  const offset = (lScale + 16) / 116;
  const matrix = [
    [y, abScale / 500, 0],
    [y, 0, 0],
    [y, 0, -abScale / 200],
  ];
  const f = b.op("Max", [b.mix(lab, matrix, [offset, offset, offset]), b.float([-10, -10, 0], [1, 3, 1, 1])]);
  const cubed = b.op("Mul", [b.op("Mul", [f, f]), f]);
  const relative = pieces(b, f, 0.2068966, cubed, linear(b, f, 1 / 7.787, -16 / 116 / 7.787));
  const light = b.mix(
    relative,
    fromXyz.map((row) => row.map((factor, i) => factor * white[i]!)),
  );
  const dark = linear(b, light, 12.92, 0);
  const bright = linear(b, power(b, positive(b, light), 1 / 2.4), 1.055, -0.055);
  const shown = b.op("Clip", [pieces(b, light, 0.0031308, bright, dark), b.float(0), b.float(1)]);
  return linear(b, shown, 2, -1);
}
