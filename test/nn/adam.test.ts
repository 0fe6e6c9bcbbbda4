import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { onCpu } from "../../src/engines/device.ts";
import { adamFactors, adamGraph, adamInPlace, adamState, graphFactors, momentGroups } from "../../src/nn/adam.ts";
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

  it("puts tensors together up to a size", () => {
    const tensors = [6, 3, 20, 1].map((size, i) => ({ name: `t${i}`, shape: [size] }));
    const groups = momentGroups(tensors, 10).map(({ specs, shape }) => [specs.map(({ name }) => name), shape]);
    expect(groups).toEqual([
      [["t0", "t1"], [9]],
      [["t2"], [20]],
      [["t3"], [1]],
    ]);
  });

  // With 0.5 the graph takes a factor out; with a limit of 13 values each weight is in a group of its own.
  it.each([
    [0.5, 1000],
    [0.9, 1000],
    [0.5, 13],
  ])("the graph takes the same steps, beta1 %d, groups of at most %d values", async (beta1, most) => {
    // More tensors than a Split has outputs.
    const trained = Array.from({ length: 17 }, (_, i) => ({ name: `p${i}`, shape: [i + 1] }));
    const betas = { beta1, beta2: 0.999 };
    const groups = momentGroups(trained, most);
    const model = encode(adamGraph("net", groups, betas), { split: 7 });
    const session = await ort.InferenceSession.create(model, onCpu(1));
    const length = 153;
    const zeros = () => new Float32Array(length);
    const arrays = { values: zeros(), gradients: zeros(), m: zeros(), v: zeros() };
    const places = new Map<string, [number, number]>();
    const place = (names: string[], sizes: number[]) => {
      let start = 0;
      for (const [i, name] of names.entries()) {
        places.set(name, [start, start + sizes[i]!]);
        start += sizes[i]!;
      }
    };
    for (const part of ["", ".grad"])
      place(
        trained.map(({ name }) => `net.${name}${part}`),
        trained.map(({ shape }) => shape[0]!),
      );
    for (const part of [".m", ".v"])
      place(
        groups.map(({ name }) => `net.${name}${part}`),
        groups.map(({ shape }) => shape[0]!),
      );
    const arrayOf = (name: string) =>
      name.endsWith(".grad")
        ? arrays.gradients
        : name.endsWith(".m")
          ? state.m
          : name.endsWith(".v")
            ? state.v
            : state.p;
    const state = { p: zeros(), m: zeros(), v: zeros() };
    for (let t = 1; t <= 4; t++) {
      arrays.gradients.set(Float32Array.from({ length }, (_, i) => Math.sin(i * t) * 10 ** ((i % 9) - 6)));
      const factors = adamFactors(t, t === 3 ? 0 : 2e-4, betas);
      const { slope, offset } = graphFactors(factors);
      const feeds: Record<string, ort.Tensor> = {
        slope: new ort.Tensor("float32", [slope], [1]),
        offset: new ort.Tensor("float32", [offset], [1]),
      };
      for (const name of session.inputNames.filter((name) => name.startsWith("net."))) {
        const [start, end] = places.get(name)!;
        feeds[name] = new ort.Tensor("float32", arrayOf(name).slice(start, end), [end - start]);
      }
      for (const [output, { data }] of Object.entries(await session.run(feeds))) {
        const name = output.replace(/\.updated$/, "");
        arrayOf(name).set(data as Float32Array, places.get(name)![0]);
      }
      adamInPlace(arrays, factors, betas);
    }
    expect(distance(state.p, arrays.values)).toBeLessThan(1e-5);
    expect(distance(state.m, arrays.m)).toBeLessThan(1e-5);
    expect(distance(state.v, arrays.v)).toBeLessThan(1e-5);
    expect(arrays.values.some((value) => Math.abs(value) > 4e-4)).toBe(true);
  });
});
