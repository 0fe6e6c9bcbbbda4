import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { onnxSegmenter } from "../../examples/paper/segmenters.ts";
import { paint, palettes } from "../../src/data/palette.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Conv } from "../../src/graph/ops/conv.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { encode } from "../../src/onnx/encode.ts";
import type { Picture } from "../../src/platform.ts";
import { strip } from "../../src/report/compose.ts";
import { workFolder } from "../work-folder.ts";
import { rowsOf, script } from "./tables.ts";

const work = workFolder("examples");
const platform = await nodePlatform({ threads: 1 });

const palette = palettes.cityscapes!;
const classes = palette.filter(({ ignored }) => !ignored);
const side = 32;

/** A label map of patches of four pixels, in which all classes and void occur. */
function labels(seed: number): Picture {
  const index = (i: number) => (Math.floor((i % side) / 4) + 8 * Math.floor(i / side / 4) + seed) % palette.length;
  return paint(
    Uint8Array.from({ length: side * side }, (_, i) => index(i)),
    palette,
    { width: side, height: side },
  );
}

/**
 * A segmentation network that takes what FCN-8s takes and finds the class of the nearest palette colour: the largest
 * 2 c.x - |c|^2, a convolution of 1x1.
 */
function nearestColour(): Uint8Array {
  const means = [72.78044, 83.21195, 73.45286];
  const colours = classes.map(({ rgb: [r, g, b] }) => [b, g, r].map((value, i) => value - means[i]!));
  const graph = new Graph();
  const x = graph.input("photo", [1, 3, side, side]);
  const w = graph.constant(
    Float32Array.from(colours.flat(), (value) => 2 * value),
    [classes.length, 3, 1, 1],
  );
  const squares = colours.map((colour) => -colour.reduce((sum, value) => sum + value * value, 0));
  const b = graph.constant(Float32Array.from(squares), [classes.length]);
  graph.output("scores", Conv([x, w, b], { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] }));
  return encode(graph.program());
}

describe("an ONNX segmenter", () => {
  const path = join(work, "nearest.onnx");

  it("gets B, G, R less the mean and gives the class of every pixel", async () => {
    await platform.files.write(path, nearestColour());
    const segmenter = await onnxSegmenter(path, 19, "caffe", platform);
    const all = Uint8Array.from({ length: side * side }, (_, i) => i % 19);
    expect(await segmenter.classes(paint(all, palette, { width: side, height: side }))).toEqual(all);
    await segmenter.close();
  });

  it("is refused where it does not fit", async () => {
    const segmenter = await onnxSegmenter(path, 12, "caffe", platform);
    await expect(segmenter.classes(labels(0))).rejects.toThrow("gave [1,19,32,32], expected [1, 12, height, width]");
    await segmenter.close();
    await platform.files.write(join(work, "text.onnx"), "no model");
    await expect(onnxSegmenter(join(work, "text.onnx"), 19, "caffe", platform)).rejects.toThrow("is no model");
  });
});

describe("table 1", () => {
  const line = `--dataroot ${work}/data --out ${work}/out --size ${side} --ngf 2 --epochs 1 --threads 1 --device cpu`;

  it("trains and scores every variant, once", async () => {
    // Photos that are their label maps: a segmenter that finds colours finds all of them in the real ones.
    for (const [phase, count] of [["train", 2] as const, ["val", 3] as const]) {
      for (let i = 0; i < count; i++) {
        const pair = strip([labels(i), labels(i)], { gap: 0 });
        await platform.files.write(join(work, "data", phase, `${i}.png`), await platform.images.encodePng(pair));
      }
    }
    const printed = await script(1, `${line} --segmenter ${work}/nearest.onnx`);
    const rows = rowsOf(printed);
    expect([...rows.keys()]).toEqual(["loss", "L1", "GAN", "cGAN", "L1+GAN", "L1+cGAN", "Ground truth"]);
    expect(rows.get("Ground truth")).toEqual(["1.00 / 1.00 / 1.00", ".80 / .26 / .21"]);
    for (const label of ["L1", "cGAN"]) expect(rows.get(label)![0]).toMatch(/^\.[0-3]\d \/ \.\d\d \/ \.\d\d$/);
    const config = (name: string) => JSON.parse(readFileSync(join(work, "out", name, "config.json"), "utf8"));
    expect(config("unet-l1")).toMatchObject({ lambdaGan: 0, lambdaL1: 100 });
    expect(config("unet-gan")).toMatchObject({ lambdaGan: 1, lambdaL1: 0, noCondition: true });
    expect(config("unet-l1-cgan")).toMatchObject({ lambdaGan: 1, lambdaL1: 100, noCondition: false, profile: "paper" });
    expect(readFileSync(join(work, "out/paper-table1.md"), "utf8")).toContain(printed.match(/^\| L1 .*$/m)![0]);

    const trained = () => statSync(join(work, "out/unet-cgan/latest_net_G.safetensors")).mtimeMs;
    const before = trained();
    expect(rowsOf(await script(1, `${line} --segmenter ${work}/nearest.onnx`))).toEqual(rows);
    expect(trained()).toBe(before);
  });
});
