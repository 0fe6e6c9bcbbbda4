/** Edges and line drawings, against scikit-image; networks that find edges, with tiny ones of our own. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decode } from "../../src/formats/safetensors.ts";
import { Graph } from "../../src/graph/graph.ts";
import { mul, sigmoid } from "../../src/graph/ops/elementwise.ts";
import { mean } from "../../src/graph/ops/reduce.ts";
import { ort } from "../../src/node/ort.ts";
import { encode } from "../../src/onnx/encode.ts";
import type { Picture } from "../../src/platform.ts";
import { EdgeModel, modelInput } from "../../src/tools/edge-model.ts";
import { canny, drawn, linesOf } from "../../src/tools/edges.ts";
import { thin, withoutSmall } from "../../src/tools/lines.ts";
import { fixture } from "../paths.ts";

const { tensors } = decode(readFileSync(fixture("edges.safetensors")));

function picture(name: string): Picture {
  const { shape, data } = tensors[name]!;
  const [height, width, channels] = shape as [number, number, number];
  return { width, height, channels, data: data as Uint8Array };
}

describe("canny", () => {
  const scene = picture("picture");
  it.each(Object.keys(tensors).filter((name) => name.startsWith("canny")))("%s, as scikit-image", (name) => {
    const [, sigma, low, high] = name.split(" ").map(Number) as [number, number, number, number];
    const got = canny(scene, { sigma, low, high });
    const expected = picture(name).data;
    expect(expected.filter((edge) => edge === 1).length).toBeGreaterThan(100);
    expect(got.filter((edge, i) => edge !== expected[i]).length).toBe(0);
  });
});

describe("lines, as scikit-image", () => {
  const { data, width, height } = picture("blobs");
  it("thin", () => {
    expect(thin(data, width, height)).toEqual(picture("thin").data);
  });
  it.each([5, 12])("without pieces below %i pixels", (least) => {
    expect(withoutSmall(picture("thin").data, width, height, least)).toEqual(picture(`least ${least}`).data);
  });
});

describe("linesOf", () => {
  /** Strength falling off from the curves x = 20 and y = 12 + x / 3, with a spot that is too small. */
  const [width, height] = [48, 40];
  const data = Float64Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    const line = Math.max(1 - Math.abs(x - 20) / 3, 0.6 - Math.abs(y - 24 - (x - 20) / 3) / 4, 0);
    return x > 4 && x < 44 && y > 4 && y < 36 ? line : Math.hypot(x - 2, y - 37) < 1.2 ? 1 : 0;
  });
  const lines = linesOf({ width, height, data }, { threshold: 25 / 255, small: 5 });
  const columns = (y: number) => [...lines.subarray(y * width, (y + 1) * width)].flatMap((on, x) => (on ? [x] : []));

  it("draws crests one pixel wide, where they are, and drops what is small", () => {
    for (const y of [8, 10, 14]) expect(columns(y)).toEqual([20]);
    for (const x of [30, 36, 40]) {
      const rows = Array.from({ length: height }, (_, y) => y).filter((y) => lines[y * width + x]);
      expect(rows.length).toBe(1);
      expect(Math.abs(rows[0]! - 24 - (x - 20) / 3)).toBeLessThanOrEqual(1);
    }
    expect(columns(37)).toEqual([]);
    expect(lines.length).toBe(data.length);
    expect([...drawn(lines, width, height).data.subarray(8 * width + 19, 8 * width + 22)]).toEqual([255, 0, 255]);
  });

  it("draws nothing below the threshold", () => {
    const faint = { width, height, data: data.map((value) => value * 0.09) };
    expect(linesOf(faint, { threshold: 25 / 255, small: 5 }).includes(1)).toBe(false);
  });
});

describe("EdgeModel", () => {
  const noise: Picture = {
    width: 7,
    height: 5,
    channels: 3,
    data: Uint8Array.from({ length: 105 }, (_, i) => (i * 89) % 256),
  };
  const border = 9;

  /** sigmoid(0.02 * the mean over channels), with an output before it that must not be taken. */
  function model(outputs: "strengths" | "logits" | "narrow"): Uint8Array {
    const graph = new Graph();
    const x = graph.input("data", [1, 3, 5 + 2 * border, 7 + 2 * border]);
    const logits = mul(mean(x, [1]), 0.02);
    const last = { strengths: sigmoid(logits), logits: mul(logits, 9), narrow: mean(sigmoid(logits), [2]) }[outputs];
    const named = { side: logits, fused: last };
    return encode(graph.program(Object.entries(named).map(([name, tensor]) => ({ name, tensor }))));
  }
  const open = (bytes: Uint8Array) => EdgeModel.open(bytes, "tiny.onnx", ort);

  it.each(["caffe", "unit"] as const)("gives the last output's strengths inside the border (%s)", async (input) => {
    const tiny = await open(model("strengths"));
    const { data, width, height } = await tiny.strengths(noise, { input, border });
    await tiny.close();
    expect([width, height]).toEqual([7, 5]);
    for (const i of [0, 6, 17, 34]) {
      const [r, g, b] = noise.data.subarray(i * 3, i * 3 + 3) as unknown as [number, number, number];
      const mean =
        input === "unit" ? (r + g + b) / 3 / 255 : (b - 104.00698793 + g - 116.66876762 + r - 122.67891434) / 3;
      expect(data[i]).toBeCloseTo(1 / (1 + Math.exp(-0.02 * mean)), 5);
    }
  });

  it("mirrors the border as numpy's pad does, also where it is wider than the picture", () => {
    const row: Picture = { width: 4, height: 1, channels: 1, data: Uint8Array.of(0, 51, 102, 255) };
    const values = modelInput(row, "unit", 5);
    // numpy.pad([0, 1, 2, 3], 5, "reflect")
    const expected = [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2].map((k) => row.data[k]! / 255);
    expect(values.length).toBe(3 * 11 * 14);
    for (const line of [0, 7, 32]) {
      [...values.subarray(line * 14, line * 14 + 14)].forEach((value, x) => {
        expect(value).toBeCloseTo(expected[x]!, 6);
      });
    }
  });

  it("says what is wrong with a model", async () => {
    await expect(open(Uint8Array.of(1, 2, 3))).rejects.toThrow(/tiny.onnx is no model that ONNX Runtime can run/);
    const cases = [
      ["strengths", 8, /does not take \[1, 3, 21, 23\] \(8 pixels of border\)/],
      [
        "logits",
        border,
        /the last output, fused, holds .*expected strengths from 0 to 1; end the model with a sigmoid/,
      ],
      ["narrow", border, /the last output, fused, is float32 .* expected float32 with 23 \* 25 values/],
    ] as const;
    for (const [outputs, wide, message] of cases) {
      const tiny = await open(model(outputs));
      await expect(tiny.strengths(noise, { input: "caffe", border: wide })).rejects.toThrow(message);
      await tiny.close();
    }
  });
});
