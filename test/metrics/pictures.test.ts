import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { detail, l1, mean, measure, psnr, sharpness, ssim } from "../../src/metrics/pictures.ts";
import type { Picture } from "../../src/platform.ts";
import { fixture } from "../paths.ts";

const { tensors } = decode(readFileSync(fixture("metrics.safetensors")));

function picture(name: string): Picture {
  const { shape, data } = tensors[name]!;
  const [height, width, channels] = shape as [number, number, number];
  return { width, height, channels, data: data as Uint8Array };
}

function flat(width: number, height: number, channels: number, value: number): Picture {
  return { width, height, channels, data: new Uint8Array(width * height * channels).fill(value) };
}

describe("as scikit-image and numpy", () => {
  it.each(["noisy", "blurred", "darker", "unrelated", "smallest", "grey"])("%s", (name) => {
    const got = measure(picture(`${name}.output`), picture(`${name}.target`));
    const [l1, psnr, ssim, sharpness] = tensors[`${name}.expected`]!.data as Float64Array;
    expect(got.l1).toBeCloseTo(l1!, 12);
    expect(got.psnr).toBeCloseTo(psnr!, 10);
    expect(got.ssim).toBeCloseTo(ssim!, 10);
    expect(got.sharpness).toBeCloseTo(sharpness!, 10);
  });
});

it("gives the best values for equal pictures", () => {
  const same = picture("noisy.target");
  expect(measure(same, same)).toEqual({ l1: 0, psnr: Infinity, ssim: 1, sharpness: 1 });
});

it("l1 spans [0, 2] for pictures and takes tensors as they are", () => {
  expect(l1(flat(16, 12, 3, 255), flat(16, 12, 3, 0))).toBe(2);
  expect(l1(Float32Array.of(-1, 0.5, 0), Float32Array.of(1, 0.25, 0))).toBe(0.75);
});

it("psnr of a difference of 1 everywhere is 20 log10(255)", () => {
  expect(psnr(flat(16, 12, 3, 9), flat(16, 12, 3, 10))).toBeCloseTo(48.1308, 4);
});

it("sharpness of flat pictures", () => {
  const lively = picture("noisy.target");
  const still = flat(lively.width, lively.height, lively.channels, 90);
  expect(sharpness(still, still)).toBe(1);
  expect(sharpness(still, lively)).toBe(0);
  expect(sharpness(lively, still)).toBe(Infinity);
});

it("detail is the mean of the two directions", () => {
  const stripes = { width: 3, height: 2, channels: 1, data: Uint8Array.of(0, 10, 0, 0, 10, 0) };
  expect(detail(stripes)).toBe(5);
});

it("means are per metric", () => {
  const zero = { l1: 0, psnr: 10, ssim: 0.5, sharpness: 1 };
  expect(mean([zero, { l1: 1, psnr: 20, ssim: 0.25, sharpness: 0.5 }])).toEqual({
    l1: 0.5,
    psnr: 15,
    ssim: 0.375,
    sharpness: 0.75,
  });
});

it("refuse a picture whose values are not those of its size", () => {
  const whole = { width: 16, height: 12, channels: 3, data: new Uint8Array(16 * 12 * 3) };
  const short = { ...whole, data: whole.data.subarray(9) };
  for (const metric of [l1, psnr, ssim, sharpness]) {
    for (const [a, b] of [
      [short, whole],
      [whole, short],
    ] as const) {
      expect(() => metric(a, b)).toThrow(`${metric.name}: 16x12 with 3 channels does not fit 567 values.`);
    }
  }
});

it("refuses pictures that cannot be compared", () => {
  expect(() => ssim(flat(16, 12, 3, 0), flat(12, 16, 3, 0))).toThrow(
    "ssim: the pictures differ in size: 16x12x3 and 12x16x3",
  );
  expect(() => ssim(flat(16, 10, 3, 0), flat(16, 10, 3, 0))).toThrow("at least 11x11, got 16x10");
  expect(() => l1(new Float32Array(3), new Float32Array(4))).toThrow(ShapeError);
  expect(() => l1(new Float32Array(3), flat(1, 1, 3, 0))).toThrow(ShapeError);
});

it("ssim of 256x256x3 is no bottleneck of a test run", () => {
  const size = 256 * 256 * 3;
  const noise = (factor: number): Picture => ({
    ...flat(256, 256, 3, 0),
    data: Uint8Array.from({ length: size }, (_, i) => (i * factor) % 251),
  });
  const [a, b] = [noise(7), noise(13)];
  // Time of the processor, not of the clock: other tests run beside this one.
  const times = [0, 1, 2].map(() => {
    const start = process.cpuUsage();
    ssim(a, b);
    return process.cpuUsage(start).user / 1000;
  });
  expect(Math.min(...times)).toBeLessThan(100);
});
