import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { onCpu } from "../../src/engines/device.ts";
import { adamFactors, adamGraph, adamInPlace, adamState, momentGroups } from "../../src/nn/adam.ts";
import { encode } from "../../src/onnx/encode.ts";
import { distance } from "../graph/evaluate.ts";

describe("Adam", () => {
  it("the kernel takes the same steps as the formula, to float32's rounding", () => {
    const length = 64;
    const betas = { beta1: 0.5, beta2: 0.999 };
    const state = adamState(length);
    const plain = {
      values: new Float32Array(length),
      gradients: state.gradients,
      m: new Float32Array(length),
      v: new Float32Array(length),
    };
    for (let t = 1; t <= 5; t++) {
      state.gradients.set(Float32Array.from({ length }, (_, i) => Math.sin(i * t) * 10 ** ((i % 9) - 6)));
      const factors = adamFactors(t, 2e-4, betas);
      adamInPlace(plain, factors, betas);
      state.step(factors, betas);
    }
    for (const key of ["values", "m", "v"] as const) {
      state[key].forEach((value, i) => {
        expect(Math.abs(value - plain[key][i]!), `${key}[${i}]`).toBeLessThanOrEqual(
          2e-6 * Math.abs(plain[key][i]!) + 1e-12,
        );
      });
    }
    expect(plain.values.some((value) => Math.abs(value) > 5e-4)).toBe(true);
  });

  it("the graph takes the same steps, with the vectors of a network in one piece", async () => {
    const shapes = { weight: [2, 3, 2, 2], bias: [5], scale: [7] };
    const specs = Object.entries(shapes).map(([name, shape]) => ({ name, shape, role: "weight" as const }));
    expect(momentGroups(specs).map(({ name, shape }) => [name, shape])).toEqual([
      ["weight", [2, 3, 2, 2]],
      ["vectors", [12]],
    ]);
    const betas = { beta1: 0.5, beta2: 0.999 };
    const session = await ort.InferenceSession.create(encode(adamGraph("net", specs, betas)), onCpu(1));
    const length = 36;
    const zeros = () => new Float32Array(length);
    const arrays = { values: zeros(), gradients: zeros(), m: zeros(), v: zeros() };
    // The flat arrays hold weight, bias and scale in this order.
    const places: Record<string, [number, number]> = {
      weight: [0, 24],
      bias: [24, 29],
      scale: [29, 36],
      vectors: [24, 36],
    };
    const state = new Map<string, Float32Array>();
    const piece = (values: Float32Array, name: string) => values.slice(...places[name]!);
    for (const name of ["weight", "vectors"])
      for (const part of ["m", "v"]) state.set(`net.${name}.${part}`, piece(arrays.m, name));
    for (const name of Object.keys(shapes)) state.set(`net.${name}`, piece(arrays.values, name));
    for (let t = 1; t <= 4; t++) {
      arrays.gradients.set(Float32Array.from({ length }, (_, i) => Math.sin(i * t) * 10 ** ((i % 9) - 6)));
      for (const name of Object.keys(shapes)) state.set(`net.${name}.grad`, piece(arrays.gradients, name));
      const factors = adamFactors(t, 2e-4, betas);
      state.set("size", Float32Array.of(factors.size)).set("inverse", Float32Array.of(1 / factors.correction));
      const feeds: Record<string, ort.Tensor> = {};
      for (const [i, name] of session.inputNames.entries()) {
        const { shape } = session.inputMetadata[i] as ort.InferenceSession.TensorValueMetadata;
        feeds[name] = new ort.Tensor("float32", state.get(name)!, shape as readonly number[]);
      }
      const updated = await session.run(feeds);
      for (const name of session.outputNames) {
        state.set(name.replace(/\.updated$/, ""), Float32Array.from(updated[name]!.data as Float32Array));
      }
      adamInPlace(arrays, factors, betas);
    }
    for (const [name, array] of [
      ["", arrays.values],
      [".m", arrays.m],
      [".v", arrays.v],
    ] as const) {
      for (const of of name === "" ? Object.keys(shapes) : ["weight", "vectors"]) {
        expect(distance(state.get(`net.${of}${name}`)!, piece(array, of)), `${of}${name}`).toBeLessThan(1e-5);
      }
    }
    expect(arrays.values.some((value) => Math.abs(value) > 5e-4)).toBe(true);
  });
});
