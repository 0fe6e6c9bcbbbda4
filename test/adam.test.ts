import { describe, expect, it } from "vitest";
import { assembleKernel } from "../scripts/build-kernel.ts";
import { adamFactors, adamInPlace, adamState } from "../src/nn/adam.ts";
import { adamKernel } from "../src/nn/adam-kernel.ts";

describe("Adam", () => {
  it("adam-kernel.ts is adam.wat, assembled (npm run build:kernel)", async () => {
    expect(adamKernel).toBe(await assembleKernel());
  });

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
});
