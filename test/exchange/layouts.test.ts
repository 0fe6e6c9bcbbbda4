/**
 * Weights of other systems, imported, against what TensorFlow and PyTorch give for the same files
 * (fixtures/make/tensorflow_files.py, fixtures/make/torch7_files.py).
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadGenerator } from "../../src/exchange/load.ts";
import { networksIn } from "../../src/exchange/networks-in.ts";
import { translatorOf } from "../../src/exchange/open.ts";
import { decodePict, encodePict } from "../../src/formats/pict.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { openWeights } from "../../src/formats/weights-file.ts";
import type { TestTime } from "../../src/inference/translator.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { fixture } from "../paths.ts";

const at = (name: string) => fileURLToPath(fixture(`exchange/${name}`));
const platform = await nodePlatform({ threads: 1 });
const side = 256;
const plane = side * side;

/** The input of the fixtures, [3, 256, 256]; its values were made with channels last. */
function input(bgr = false): Float32Array {
  const x = new Float32Array(3 * plane);
  for (let i = 0; i < x.length; i++) {
    const channel = bgr ? 2 - (i % 3) : i % 3;
    x[channel * plane + Math.floor(i / 3)] = ((i * 7919) % 255) / 127.5 - 1;
  }
  return x;
}

/** The largest difference at every 8th row and column from the values of the fixture. */
async function difference(file: string, expected: Float32Array, settings: TestTime = {}): Promise<number> {
  const loaded = await loadGenerator(at(file), platform.files);
  const translator = await translatorOf(loaded, { dropout: "off", threads: 1, device: "cpu", ...settings }, platform);
  const bgr = loaded.config.channelOrder === "BGR";
  const y = await translator.run(input(bgr), 1, side, side);
  await translator.close();
  let largest = 0;
  for (let c = 0; c < 3; c++) {
    for (let row = 0; row < 32; row++) {
      for (let column = 0; column < 32; column++) {
        const got = y[(bgr ? 2 - c : c) * plane + 8 * row * side + 8 * column]!;
        largest = Math.max(largest, Math.abs(got - expected[(c * 32 + row) * 32 + column]!));
      }
    }
  }
  return largest;
}

const values = (file: string, name: string) =>
  decode(readFileSync(at(file))).tensors[name]!.data as Float32Array<ArrayBuffer>;

describe("TensorFlow's tutorial", () => {
  it("G gives what Keras gives, with the statistics of the picture and with the running ones", async () => {
    expect(await difference("tutorial", values("tensorflow.safetensors", "tutorial"))).toBeLessThan(2e-4);
    const running = values("tensorflow.safetensors", "tutorial.running");
    expect(await difference("tutorial.index", running, { statistics: "running" })).toBeLessThan(2e-4);
  });

  it("the options are those of the profile, with both networks", async () => {
    const networks = networksIn(await openWeights(platform.files, at("tutorial")));
    expect(networks.map(({ network }) => network)).toEqual(["G", "D"]);
    const { config } = await loadGenerator(at("tutorial"), platform.files);
    expect(config).toMatchObject({
      profile: "tutorial",
      slope: 0.3,
      skip: "leaky",
      bottleneckNorm: true,
      bias: "never",
    });
  });
});

describe("Hesse", () => {
  it("G of a checkpoint gives what TensorFlow gives", async () => {
    expect(await difference("hesse", values("tensorflow.safetensors", "hesse"))).toBeLessThan(2e-4);
  });

  it("a .pict has the quantised values, and its G nearly the same output", async () => {
    const tensors = decodePict(readFileSync(at("hesse.pict")));
    const all = [...tensors.values()].flatMap(({ data }) => [...(data as Float32Array)]);
    expect(all).toEqual([...values("tensorflow.safetensors", "hesse.values")]);
    const { config } = await loadGenerator(at("hesse.pict"), platform.files);
    expect(config).toMatchObject({ profile: "hesse", netG: "unet_256", ngf: 1, bias: "always", bottleneckNorm: true });
    expect(await difference("hesse.pict", values("tensorflow.safetensors", "hesse"))).toBeLessThan(0.25);
  });

  it("a .pict that is written has the table and the codes of Hesse's method", async () => {
    const { tensors } = await openWeights(platform.files, at("hesse"));
    const own = [...tensors].filter(([name]) => name.startsWith("generator/"));
    const loaded = await Promise.all(own.map(async ([name, source]) => [name, await source.read()] as const));
    const { bytes, largest } = encodePict(Object.fromEntries(loaded) as Parameters<typeof encodePict>[0]);
    const expected = decodePict(readFileSync(at("hesse.pict")));
    const got = decodePict(bytes);
    expect([...got.keys()]).toEqual([...expected.keys()]);
    for (const [name, { data }] of got) {
      // The least digit of the table differs: its logarithms are those of another library.
      const other = expected.get(name)!.data as Float32Array;
      for (let i = 0; i < data.length; i++) expect(Math.abs((data[i] as number) - other[i]!)).toBeLessThan(1e-6);
    }
    expect(largest).toBeLessThan(0.05);
  });
});

describe("the paper's code", () => {
  it("G gives what PyTorch gives for these layers, BGR at both ends", async () => {
    expect(await difference("paper_net_G.t7", values("paper.safetensors", "paper"))).toBeLessThan(2e-4);
    const { config } = await loadGenerator(at("paper_net_G.t7"), platform.files);
    expect(config).toMatchObject({ profile: "paper", netG: "unet_256", ngf: 1, bias: "always", channelOrder: "BGR" });
  });

  it("D is read, the weights of the oldest form too", async () => {
    const [found] = networksIn(await openWeights(platform.files, at("paper_net_D.t7")));
    expect(found).toMatchObject({ network: "D", inputs: 6 });
    expect(found!.tensors.get("model.2.weight")!.shape).toEqual([2, 1, 4, 4]);
    expect(found!.tensors.size).toBe(5 + 5 + 3 * 4);
  });
});
