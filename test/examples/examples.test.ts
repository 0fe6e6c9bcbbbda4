/** The paper's experiments as scripts, at the smallest size at which they are themselves. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { onnxSegmenter } from "../../examples/paper/segmenters.ts";
import { paint, palettes } from "../../src/data/palette.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Conv } from "../../src/graph/ops/conv.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { encode } from "../../src/onnx/encode.ts";
import type { Picture } from "../../src/platform.ts";
import { strip } from "../../src/report/compose.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const data = resolve(process.env.PIX2PIX_DATA ?? join(root, "../shared/data"), "cityscapes");
const work = mkdtempSync(join(tmpdir(), "pix2pix-examples-"));
afterAll(() => rmSync(work, { recursive: true }));
const platform = await nodePlatform({ threads: 1 });

const script = async (table: number, line: string) => {
  const args = ["--import", "tsx", `examples/paper-table${table}.ts`, ...line.split(" ")];
  return (await promisify(execFile)(process.execPath, args, { cwd: root })).stdout;
};
/** The rows of the printed table: label to cells. */
const rowsOf = (text: string) =>
  new Map(
    text
      .split("\n")
      .filter((line) => /^\| [^-]/.test(line))
      .map((line) => line.split("|").map((cell) => cell.trim()))
      .map(([, label, here, paper]) => [label!, [here!, paper!]] as const),
  );

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

describe.skipIf(!process.env.PIX2PIX_LONG || !existsSync(data))("on Cityscapes (PIX2PIX_LONG=1, with the data)", () => {
  const size = "--size 64 --ngf 4 --max-dataset-size 8 --num-test 4 --epochs 1 --max-steps 4 --threads 2";

  it.each([
    [1, ["loss", "L1", "GAN", "cGAN", "L1+GAN", "L1+cGAN", "Ground truth"]],
    [
      2,
      [
        "generator and loss",
        "Encoder-decoder, L1",
        "Encoder-decoder, L1+cGAN",
        "U-Net, L1",
        "U-Net, L1+cGAN",
        "Ground truth",
      ],
    ],
    [3, ["receptive field", "1x1", "16x16", "70x70", "286x286", "Ground truth"]],
  ])("table %i, judged by a segmenter that is trained too", { timeout: 300_000 }, async (table, labels) => {
    const printed = await script(table, `--dataroot ${data} --out ${work}/cityscapes ${size}`);
    const rows = rowsOf(printed);
    expect([...rows.keys()]).toEqual(labels);
    for (const [here] of [...rows.values()].slice(1)) {
      expect(here).toMatch(here === rows.get("286x286")?.[0] ? /not at this size/ : /^\.\d\d \/ \.\d\d \/ \.\d\d$/);
    }
    expect(existsSync(join(work, "cityscapes/segmenter/latest_net_G.safetensors"))).toBe(true);
  });
});
