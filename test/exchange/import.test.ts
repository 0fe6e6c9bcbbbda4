/** `.pth` files of PyTorch (fixtures/make/torch_files.py) as runs, initial weights and generators without a run; what is refused. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { test } from "../../src/cli/commands/test.ts";
import { translate } from "../../src/cli/commands/translate.ts";
import { parseConfig } from "../../src/config/schema.ts";
import type { NetworkState } from "../../src/engines/state.ts";
import { UserError } from "../../src/errors.ts";
import { exportModel } from "../../src/exchange/export.ts";
import { importRun } from "../../src/exchange/import.ts";
import { initialiseFrom, loadGenerator, statesOf } from "../../src/exchange/load.ts";
import { modelOfRun } from "../../src/exchange/model.ts";
import { inOrderOfPyTorch } from "../../src/exchange/pth.ts";
import { decode, encode, type StoredTensor } from "../../src/formats/safetensors.ts";
import { float32Tensor } from "../../src/formats/tensors.ts";
import { openWeights } from "../../src/formats/weights-file.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Random } from "../../src/random.ts";
import { Run } from "../../src/run/run.ts";
import { train } from "../../src/training/train.ts";
import { fixture } from "../paths.ts";
import { workFolder } from "../work-folder.ts";
import { storedRun } from "./stored-run.ts";

const work = workFolder("import");
const at = (...path: string[]) => join(work, ...path);
const checkpointsDir = at("runs");
const file = (name: string) => fileURLToPath(fixture(`torch/${name}`));
const platform = await nodePlatform({ threads: 1 });
const { files } = platform;
const { tensors: right } = decode(readFileSync(file("unet32.safetensors")));

/** The tensors that PyTorch had, of G or of D. */
const expectedOf = (network: "G" | "D") =>
  Object.entries(right)
    .filter(([name]) => name.startsWith(`${network}.`))
    .map(([name, t]) => [name.slice(2), t] as const);

const given = (name: string) => ({ name, checkpointsDir });
const imported = (from: string[], name: string, options: Record<string, unknown> = {}) =>
  importRun({ from: from.map(file), ...given(name), given: options }, files);

async function weightsOf(name: string, network: "G" | "D"): Promise<Record<string, StoredTensor>> {
  return decode(await files.read(at("runs", name, `latest_net_${network}.safetensors`))).tensors;
}

describe("pix2pix import", () => {
  it.each([
    ["a state_dict", ["unet32_net_G.pth", "unet32_net_D.pth"]],
    ["D before G", ["unet32_net_D.pth", "unet32_net_G.pth"]],
    ["both in one file, beside an optimizer", ["unet32-both.pth"]],
    ["the older form", ["unet32-legacy.pth"]],
    ["a dict with state_dict and module.", ["unet32-nested.pth"]],
    ["a whole module", ["unet32-module.pth"]],
    ["a whole module, the older form", ["unet32-module-legacy.pth"]],
    ["parameters that are views of one storage", ["unet32-shared.pth"]],
    ["float16", ["unet32-half.pth"]],
    ["bfloat16 safetensors", ["unet32-bfloat.safetensors"]],
    ["float64 safetensors", ["unet32-double.safetensors"]],
  ])("%s: the run has the weights of PyTorch", async (name, from) => {
    const { config, networks } = await imported(from, name.replace(/\W+/g, "-"));
    expect(config).toMatchObject({
      netG: "unet_32",
      ngf: 1,
      inputNc: 3,
      outputNc: 3,
      norm: "batch",
      direction: "AtoB",
    });
    for (const { network } of networks) {
      const stored = await weightsOf(config.name, network);
      for (const [key, { shape, data }] of expectedOf(network)) {
        expect(stored[key]?.shape, key).toEqual(shape);
        // Running statistics are kept as they are; the values of the fixture have few digits, so that 16 bits hold them.
        expect([...stored[key]!.data], key).toEqual([...data]);
      }
    }
    if (networks.length === 2) expect(config).toMatchObject({ netD: "basic", ndf: 2, noCondition: false });
  });

  it("instance norm, channels and options of the user", async () => {
    const { config, facts, assumed } = await imported(["unet32-instance.pth"], "instance", {
      direction: "BtoA",
      noDropout: true,
    });
    expect(config).toMatchObject({ norm: "instance", inputNc: 1, outputNc: 2, direction: "BtoA", noDropout: true });
    expect(facts.find(({ key }) => key === "inputNc")?.from).toBe("model.model.0.weight [1, 1, 4, 4]");
    expect(assumed.map(({ flag }) => flag)).toEqual(["--preprocess", "--load-size", "--crop-size"]);
  });

  it("a run that is imported is not overwritten by training", async () => {
    await imported(["unet32_net_G.pth"], "kept");
    const config = parseConfig({ dataroot: "none", name: "kept", checkpointsDir });
    await expect(train(config, platform)).rejects.toThrow(/runs\/kept exists already\. Choose/);
    const { netG } = statesOf(await new Run(files, given("kept")).config());
    await expect(new Run(files, given("kept")).restore({ netG, netD: netG })).rejects.toThrow(
      /no state of a training .*--init-g .*kept\/latest_net_G\.safetensors\./,
    );
    await expect(imported(["unet32_net_G.pth"], "kept")).rejects.toThrow(/exists already/);
  });

  it("a run whose training begins, and has no file yet, is not imported into", async () => {
    const run = new Run(files, given("beginning"));
    await run.locked(() => expect(imported(["unet32_net_G.pth"], "beginning")).rejects.toThrow(/is being trained by/));
    expect(existsSync(run.dir)).toBe(false);
    await imported(["unet32_net_G.pth"], "beginning");
  });
});

describe("initial weights", () => {
  it("--init-g and --init-d take .pth", async () => {
    const run = await imported(["unet32_net_G.pth", "unet32_net_D.pth"], "model");
    const states = statesOf(run.config);
    await initialiseFrom(states.netG, files, file("unet32-nested.pth"));
    await initialiseFrom(states.netD, files, file("unet32-both.pth"));
    for (const [net, network] of [
      [states.netG, "G"],
      [states.netD, "D"],
    ] as [NetworkState, "G" | "D"][]) {
      const expected = new Map(expectedOf(network));
      for (const spec of net.specs) expect([...net.get(spec)]).toEqual([...expected.get(spec.name)!.data]);
    }
  });
});

describe("a generator without a run", () => {
  it("translate --weights gives what the imported run gives", async () => {
    const picture = {
      width: 40,
      height: 33,
      channels: 3,
      data: Uint8Array.from({ length: 40 * 33 * 3 }, (_, i) => (i * 37) % 256),
    };
    writeFileSync(at("in.png"), await platform.images.encodePng(picture));
    await imported(["unet32_net_G.pth"], "plain");
    const common = { input: at("in.png"), preprocess: "none", dropout: "off", device: "cpu" };
    const lines: string[] = [];
    const output = { print: () => {}, note: (line: string) => lines.push(line) };
    await translate.run({ ...common, weights: file("unet32_net_G.pth"), out: at("one.png") }, output);
    await translate.run({ ...common, name: "plain", checkpointsDir, out: at("two.png") }, output);
    expect(lines.join("\n")).toMatch(/read off the tensors: netG unet_32, ngf 1/);
    expect(readFileSync(at("one.png"))).toEqual(readFileSync(at("two.png")));
    const again = { ...common, name: "plain", checkpointsDir, out: at("three.png") };
    await expect(translate.run({ ...again, direction: "BtoA" }, output)).rejects.toThrow(
      /"plain" was imported with AtoB, which weights do not show; .* import them again, with --direction BtoA/,
    );
    await translate.run({ ...again, dataroot: "pairs" }, output);
    expect(lines).toContain("note: --dataroot is not used here");
  });

  it("test --weights asks for the data", async () => {
    const output = { print: () => {}, note: () => {} };
    await expect(test.run({ weights: file("unet32_net_G.pth"), device: "cpu" }, output)).rejects.toThrow(
      /--dataroot is missing/,
    );
  });
});

describe("export", () => {
  it("pth and safetensors come back as they were", async () => {
    await storedRun(checkpointsDir, "out", {});
    const model = await modelOfRun({ name: "out", checkpointsDir }, "latest", files);
    const kinds = { pth: ["latest_net_G.pth", "latest_net_D.pth"], safetensors: ["out.safetensors"] } as const;
    for (const [format, names] of Object.entries(kinds)) {
      await exportModel(model, format as keyof typeof kinds, {}, { out: at(format) }, platform);
      const back = await importRun({ from: names.map((name) => at(format, name)), ...given(`back-${format}`) }, files);
      expect(back.config).toMatchObject({ netG: "unet_32", ngf: 4, norm: "batch" });
      for (const [key, { data }] of Object.entries(await weightsOf("out", "G"))) {
        expect((await weightsOf(`back-${format}`, "G"))[key]!.data, key).toEqual(data);
      }
    }
  });

  it("pth of spectral normalisation, of pix2pixHD's networks and of label maps comes back as it was", async () => {
    const small = { netG: "enhancer", ngf: 1, netD: "basic", spectralNorm: true, inputLabels: 7 } as const;
    const config = await storedRun(checkpointsDir, "hd", small);
    const model = await modelOfRun({ name: "hd", checkpointsDir }, "latest", files);
    await exportModel(model, "pth", {}, { out: at("hd") }, platform);
    const readme = readFileSync(at("hd", "README.md"), "utf8");
    expect(readme).toContain("the PyTorch repository has no network with --netG enhancer, --input-labels 7");
    expect(readme).not.toContain("test.py");
    const parts = ["latest_net_G.pth", "latest_net_D.pth"].map((name) => at("hd", name));
    const back = await importRun({ from: parts, ...given("hd-back"), given: { inputLabels: "7" } }, files);
    const { netG, ngf, netD, ndf, noDropout, spectralNorm, inputNc, inputLabels } = config;
    expect(back.config).toMatchObject({ netG, ngf, netD, ndf, noDropout, spectralNorm, inputNc, inputLabels });
    for (const network of ["G", "D"] as const) {
      expect(await weightsOf("hd-back", network)).toEqual(await weightsOf("hd", network));
    }
    const unsaid = await importRun({ from: parts, ...given("hd-unsaid") }, files);
    expect(unsaid.notes.join()).toMatch(/7 channels: .*--input-labels 7; .*--input-labels 6 --input-instances/);
    await expect(importRun({ from: parts, ...given("hd-6"), given: { inputLabels: "6" } }, files)).rejects.toThrow(
      /--input-labels 6: .*got --input-nc 7; give --input-instances, too, if/,
    );
  });

  it("pth of separable convolutions comes back as it was", async () => {
    const config = await storedRun(checkpointsDir, "apart", { separableConv: true, bottleneckNorm: true, ngf: 3 });
    const model = await modelOfRun({ name: "apart", checkpointsDir }, "latest", files);
    await exportModel(model, "pth", {}, { out: at("apart") }, platform);
    expect(readFileSync(at("apart", "README.md"), "utf8")).toContain(
      "no network with --separable-conv, --bottleneck-norm",
    );
    const back = await importRun({ from: [at("apart", "latest_net_G.pth")], ...given("apart-back") }, files);
    const { netG, ngf, norm, bias, separableConv, bottleneckNorm, inputNc, outputNc } = config;
    expect(back.config).toMatchObject({ netG, ngf, norm, bias, separableConv, bottleneckNorm, inputNc, outputNc });
    expect(await weightsOf("apart-back", "G")).toEqual(await weightsOf("apart", "G"));
  });

  it("pth of the article's network has its names, and comes back as it was", async () => {
    const sizes = { loadSize: 256, cropSize: 256, ngf: 1 };
    await storedRun(checkpointsDir, "seed", { netG: "article", profile: "article", ...sizes });
    const model = await modelOfRun({ name: "seed", checkpointsDir }, "latest", files);
    await exportModel(model, "pth", {}, { out: at("seed") }, platform);
    const { tensors } = await openWeights(files, at("seed", "latest_net_G.pth"));
    const names = [...tensors.keys()].filter((name) => name.startsWith("up_4"));
    expect(names).toEqual(["up_4_CD512.model.0.weight", "up_4_CD512.model.0.bias"]);
    const back = await importRun({ from: [at("seed", "latest_net_G.pth")], ...given("seed-back") }, files);
    expect(back.config).toMatchObject({ netG: "article", ngf: 1, norm: "instance" });
    expect(await weightsOf("seed-back", "G")).toEqual(await weightsOf("seed", "G"));
  });

  it("with --optimizer moments and the place in the training come back as they were", async () => {
    const config = await storedRun(checkpointsDir, "moved", { batchSize: 3 });
    const run = new Run(files, config);
    const states = statesOf(config);
    await run.restore(states);
    for (const net of [states.netG, states.netD]) {
      new Random(1, `${net.network} m`, 0).fillNormal(net.adam.m, 0, 1);
      new Random(1, `${net.network} v`, 0).fillNormal(net.adam.v, 0, 1);
    }
    await run.saveLatest(states, { step: 7, epoch: 2, pairs: 10, momentsFrom: 2 });
    const model = await modelOfRun(given("moved"), "latest", files);
    await exportModel(model, "pth", { optimizer: true }, { out: at("moved") }, platform);
    const parts = ["latest_net_G.pth", "latest_net_D.pth", "latest_optimizers.pth"].map((name) => at("moved", name));
    const back = await importRun({ from: parts, ...given("moved-back") }, files);
    expect(back.progress).toEqual({ step: 7, epoch: 2, pairs: 10, momentsFrom: 2 });
    expect({ ...back.config, name: "moved" }).toEqual({ ...config, checkpointsDir });
    const state = async (name: string) => decode(await files.read(at("runs", name, "latest_state.safetensors")));
    expect(await state("moved-back")).toEqual(await state("moved"));
    // Moments of another network.
    const other = [file("unet32_net_G.pth"), file("unet32_net_D.pth"), parts[2]!];
    await expect(importRun({ from: other, ...given("mixed") }, files)).rejects.toThrow(
      /latest_optimizers\.pth: optimizer_G, parameter 0, exp_avg is \[4,3,4,4\], and model\.model\.0\.weight is \[1,3,4,4\]|optimizer_D/,
    );
  });

  it("with --optimizer each network has its own learning rate", async () => {
    await storedRun(checkpointsDir, "two-rates", { lr: 1e-4, lrD: 4e-4 });
    const model = await modelOfRun(given("two-rates"), "latest", files);
    await exportModel(model, "pth", { optimizer: true }, { out: at("two-rates") }, platform);
    const { value } = await openWeights(files, at("two-rates", "latest_optimizers.pth"));
    const rateOf = (name: string) => {
      const optimizer = (value as Map<string, Map<string, Map<string, unknown>[]>>).get(name)!;
      const [group] = optimizer.get("param_groups")!;
      return [group!.get("lr"), group!.get("initial_lr")];
    };
    expect(rateOf("optimizer_G")).toEqual([1e-4, 1e-4]);
    expect(rateOf("optimizer_D")).toEqual([4e-4, 4e-4]);
  });

  it("pict holds the weights, rounded, under Hesse's names", async () => {
    const name = "hesse";
    await storedRun(checkpointsDir, name, {
      profile: "hesse",
      netG: "unet_256",
      ngf: 1,
      cropSize: 256,
      loadSize: 256,
      channelOrder: "BGR",
    });
    const model = await modelOfRun({ name, checkpointsDir }, "latest", files);
    await exportModel(model, "pict", {}, { out: at("pict") }, platform);
    const { state } = await loadGenerator(at("pict", "hesse.pict"), files);
    for (const spec of state.specs.filter(({ role }) => role !== "mean" && role !== "variance")) {
      const source = { ...model.tensors[spec.name]!, read: async () => model.tensors[spec.name]! };
      const { data } = await float32Tensor(source, spec.name, "x");
      // The pictures' channels are RGB in a .pict, and BGR in the run.
      const flipped = flip(data, spec.name, spec.shape);
      const got = state.get(spec);
      for (let i = 0; i < got.length; i++) expect(Math.abs(got[i]! - flipped[i]!), spec.name).toBeLessThan(0.05);
    }
  });

  it("the parameters are in the order of PyTorch's", async () => {
    for (const network of ["G", "D"] as const) {
      const { value } = await openWeights(files, file(`unet32_net_${network}.pth`));
      const names = [...(value as Map<string, unknown>).keys()];
      expect([...names].sort().sort(inOrderOfPyTorch)).toEqual(names);
    }
  });
});

/** Channels of the first and the last layer from BGR to RGB. */
function flip(data: Float32Array, name: string, shape: readonly number[]): Float32Array {
  const axis =
    name === "model.model.0.weight" || name === "model.model.3.weight"
      ? 1
      : name === "model.model.3.bias"
        ? 0
        : undefined;
  if (axis === undefined) return data;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return data.map((_, i) => {
    const channel = Math.floor(i / inner) % 3;
    return data[i + (2 - 2 * channel) * inner]!;
  });
}

describe("bad input", () => {
  const refusal = async (from: string[], options: Record<string, unknown> = {}) => {
    const error = await importRun({ from, ...given("never"), given: options }, files).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UserError);
    expect(existsSync(at("runs/never"))).toBe(false);
    return (error as Error).message;
  };
  const wrote = (name: string, content: Uint8Array | string) => {
    writeFileSync(at(name), content);
    return at(name);
  };

  it("weights that are not finite, in G or in D", async () => {
    const damaged = (network: "G" | "D", value: number): string => {
      const tensors = Object.fromEntries(expectedOf(network));
      const name = Object.keys(tensors).find((each) => each.endsWith("weight"))!;
      const { shape, data } = tensors[name]!;
      const changed = Float32Array.from(data as Float32Array, (old, i) => (i === 1 ? value : old));
      const bytes = Buffer.concat(encode({ ...tensors, [name]: { dtype: "F32", shape, data: changed } }));
      return wrote(`damaged_net_${network}.safetensors`, bytes);
    };
    expect(await refusal([damaged("G", Number.NaN)])).toMatch(
      /net_G.* cannot be imported: .*weight holds values that are not/,
    );
    const ofD = await refusal([file("unet32_net_G.pth"), damaged("D", Number.POSITIVE_INFINITY)]);
    expect(ofD).toMatch(/net_D.* cannot be imported: .*weight holds values that are not finite/);
  });

  it.each([
    ["a web page", "<!DOCTYPE html><html><body>404</body></html>", /is no file of weights: it looks like a web page/],
    [
      "a Git LFS pointer",
      "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n",
      /Git LFS pointer \(run `git lfs pull`\)/,
    ],
    ["an empty file", "", /is no file of weights: it is empty/],
    ["zeros", new Uint8Array(1000), /begins with zeros, as a file whose writing was cut off/],
    ["HDF5", Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0), /HDF5, such as a Keras \.h5/],
    ["a picture", readFileSync(fixture("images/rgb.png")), /it looks like a picture/],
    ["a zip of pictures", readFileSync(fixture("pairs.zip")), /is a zip, but not of torch\.save/],
    [
      "half a download",
      readFileSync(file("unet32_net_G.pth")).subarray(0, 30_000),
      /truncated or damaged.*Download or copy it again/,
    ],
    [
      "tensors of another network",
      readFileSync(file("tensors.pth")),
      /is of another network: it has state_dict\.base \[4, 6\]/,
    ],
  ])("%s", async (name, content, message) => {
    expect(await refusal([wrote(`${name}.pth`.replaceAll(" ", "-"), content as Uint8Array)])).toMatch(message);
  });

  it("files that do not belong together, and the same kind twice", async () => {
    expect(await refusal([file("unet32-instance.pth"), file("unet32_net_D.pth")])).toMatch(
      /do not belong together: norm is instance in the first .* and batch in the second/,
    );
    expect(await refusal([file("unet32_net_G.pth"), file("unet32-legacy.pth")])).toMatch(/are both generators/);
    expect(await refusal([file("unet32_net_D.pth")])).toMatch(/no generator, only a discriminator/);
    expect(await refusal([at("nothing.pth")])).toMatch(/nothing\.pth does not exist/);
  });

  it("an option that the tensors contradict", async () => {
    expect(await refusal([file("unet32_net_G.pth")], { ngf: "64" })).toMatch(
      /--ngf: got 64, but .*unet32_net_G\.pth has model\.model\.0\.weight \[1, 3, 4, 4\], which is 1/,
    );
  });

  it("the other network, another architecture: both shapes", async () => {
    const { config } = await loadGenerator(file("unet32_net_G.pth"), files);
    const { netG } = statesOf({ ...config, ngf: 2 });
    await expect(initialiseFrom(netG, files, file("unet32_net_D.pth"))).rejects.toThrow(
      /holds a discriminator .* expected a generator/,
    );
    await expect(initialiseFrom(netG, files, file("unet32_net_G.pth"))).rejects.toThrow(
      /it has model\.model\.0\.weight F32 \[1,3,4,4\], expected F32 \[2,3,4,4\].* Its tensors show --netG unet_32 --ngf 1 --input-nc 3 --output-nc 3 --norm batch\.$/,
    );
    const paper = fileURLToPath(fixture("exchange/paper_net_G.t7"));
    await expect(initialiseFrom(netG, files, paper)).rejects.toThrow(/Its tensors show --profile paper --netG unet_/);
  });

  it("the run that it would make is listed nowhere", async () => {
    expect(await new Run(files, given("never")).isStarted()).toBe(false);
  });
});
