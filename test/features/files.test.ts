/** Files of feature networks, of LPIPS's layers and of reference sets: which are taken, and what is said of the others. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FeatureExtractor } from "../../src/features/extractor.ts";
import { readFeatures, readLinear } from "../../src/features/file.ts";
import type { FeatureNetwork } from "../../src/features/network.ts";
import { featureNetworks } from "../../src/features/networks.ts";
import { figureNames, isPublishedScore } from "../../src/features/scorer.ts";
import { encodeStatistics, readStatistics } from "../../src/features/statistics.ts";
import { encode, type StoredTensor } from "../../src/formats/safetensors.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { features as shared } from "../paths.ts";
import { linear, picture, rows, stored, weights } from "./drawn.ts";

const { alexnet, squeezenet, vgg16, inception2015, inceptionTorchvision } = featureNetworks;
const squeeze = weights(squeezenet);
const read = (tensors: Record<string, StoredTensor>) => readFeatures(stored({ FILE: tensors }), "FILE");
const without = (name: string) => Object.fromEntries(Object.entries(squeeze).filter(([each]) => each !== name));

describe("the file of a network", () => {
  it("is recognised by its tensors, with or without a classifier; its weights have a digest of their own", async () => {
    const plain = await read(squeeze);
    expect(plain.network).toBe(squeezenet);
    expect(plain.label).toBe(`SqueezeNet 1.1 (weights ${plain.weights.slice(0, 8)})`);
    const classifier: StoredTensor = { dtype: "F32", shape: [1], data: new Float32Array(1) };
    const whole = await read({ ...squeeze, "classifier.1.bias": classifier });
    expect(whole.weights).toBe(plain.weights);
    const other = await read({
      ...squeeze,
      "features.0.bias": { dtype: "F32", shape: [64], data: new Float32Array(64) },
    });
    expect(other.weights).not.toBe(plain.weights);
  });

  it("of another network is refused by name", async () => {
    await expect(read(without("features.12.expand3x3.bias"))).rejects.toThrow(
      "FILE is like SqueezeNet 1.1, but it has no features.12.expand3x3.bias; expected the weights of Inception 2015-12-05",
    );
    const wide: StoredTensor = { dtype: "F32", shape: [96], data: new Float32Array(96) };
    await expect(read({ ...squeeze, "features.0.bias": wide })).rejects.toThrow(
      "FILE is like SqueezeNet 1.1, but features.0.bias is [96], expected [64]",
    );
    await expect(read({ ...squeeze, "features.13.weight": wide })).rejects.toThrow(
      "but it also has features.13.weight",
    );
    await expect(read({ "model.model.0.weight": wide })).rejects.toThrow(
      "FILE holds no feature network: its 1 tensors are model.model.0.weight; expected",
    );
    await expect(read(linear(squeezenet.channels))).rejects.toThrow(
      "FILE holds LPIPS's linear layers: give them with --lpips",
    );
  });

  it("with values that are not finite is refused", async () => {
    const data = new Float32Array(64);
    data[5] = Number.NaN;
    await expect(read({ ...squeeze, "features.0.bias": { dtype: "F32", shape: [64], data } })).rejects.toThrow(
      "FILE is damaged: value 5 of features.0.bias is NaN",
    );
  });
});

describe("FID and KID", () => {
  const names = (network: FeatureNetwork, published?: string) =>
    figureNames({ published: isPublishedScore({ network, published }), network: network.label });

  it("have the names of papers on the published Inception 2015-12-05 alone", () => {
    expect(names(inception2015, "pt_inception-2015-12-05-6726825d.pth")).toEqual({ kid: "KID", fid: "FID" });
    expect(names(inceptionTorchvision, "inception_v3_google-0cc3c7bd.pth")).toEqual({
      kid: "KID on torchvision's Inception v3 features",
      fid: "FID on torchvision's Inception v3 features",
    });
    expect(names(vgg16, "vgg16-397923af.pth").fid).toBe("FID on VGG16 features");
    expect(names(inception2015).fid).toBe("FID on Inception 2015-12-05 features");
  });
});

describe("LPIPS's layers", () => {
  const layers = (channels: readonly number[], network: (typeof featureNetworks)[keyof typeof featureNetworks]) =>
    readLinear(stored({ FILE: linear(channels) }), "FILE", network);
  it("have to be those of the network", async () => {
    expect((await layers(alexnet.channels, alexnet)).values.map(({ length }) => length)).toEqual(alexnet.channels);
    await expect(layers(vgg16.channels, alexnet)).rejects.toThrow(
      "FILE holds LPIPS's layers for VGG16 (64, 128, 256, 512, 512 channels), but the network of --features is AlexNet",
    );
    await expect(layers(vgg16.channels, inception2015)).rejects.toThrow(
      "LPIPS has no linear layers for Inception 2015-12-05",
    );
    await expect(readLinear(stored({ FILE: squeeze }), "FILE", squeezenet)).rejects.toThrow(
      "FILE holds no linear layers of LPIPS: it has no tensor lin0.model.1.weight",
    );
  });
});

describe("statistics", () => {
  const identity = { network: "SqueezeNet 1.1", weights: "abcdef0123456789", resize: "clean-fid" } as const;
  const bytes = async (count: number, size: number) =>
    new Uint8Array(
      await new Blob(
        encodeStatistics({ ...identity, rows: rows("set", count, size), source: "somewhere" }) as BlobPart[],
      ).arrayBuffer(),
    );
  const readBack = (content: Uint8Array, wanted: object = {}) =>
    readStatistics({ read: async () => content }, "FILE", { ...identity, ...wanted });

  it("keep the features, and mean and covariance of sets with more pictures than features", async () => {
    const few = await readBack(await bytes(3, 5));
    expect(few.rows).toEqual(rows("set", 3, 5));
    expect(few.moments).toBeUndefined();
    const many = await readBack(await bytes(9, 5));
    expect(many.moments?.covariance.length).toBe(25);
    expect(many.source).toBe("somewhere");
  });

  it("of another network, other weights, another resizing and another file are refused", async () => {
    const content = await bytes(9, 5);
    await expect(readBack(content, { network: "VGG16" })).rejects.toThrow(
      "FILE: statistics of SqueezeNet 1.1, but --features is VGG16; compute them again with pix2pix data statistics",
    );
    await expect(readBack(content, { weights: "0123456789abcdef" })).rejects.toThrow(
      "FILE: statistics of SqueezeNet 1.1 with other weights (abcdef01; --features has 01234567)",
    );
    await expect(readBack(content, { resize: "pytorch-fid" })).rejects.toThrow(
      "FILE: statistics with --feature-resize clean-fid, but this test has pytorch-fid",
    );
    const other = new Uint8Array(await new Blob(encode(without("x")) as BlobPart[]).arrayBuffer());
    await expect(readBack(other)).rejects.toThrow("FILE holds no feature statistics");
  });
});

it("pictures that are too small for the network are refused where they are not resized", async () => {
  const platform = await nodePlatform();
  const files = { ...platform.files, ...stored({ net: squeeze, lpips: linear(squeezenet.channels) }) };
  const extractor = await FeatureExtractor.open({ features: "net", lpips: "lpips" }, { ...platform, files });
  await expect(extractor.distance(picture(0, 2, 2), picture(1, 2, 2))).rejects.toThrow(
    "pictures of 2x2 are too small for SqueezeNet 1.1",
  );
  await extractor.close();
});

it("pictures that are given at the same time have the features that they have one after the other", async () => {
  const platform = await nodePlatform({ threads: 1 });
  const files = { ...platform.files, ...stored({ net: squeeze, lpips: linear(squeezenet.channels) }) };
  const how = { features: "net", lpips: "lpips", resize: "none" } as const;
  const extractor = await FeatureExtractor.open(how, { ...platform, files });
  // Of more sizes than stay compiled.
  const pictures = Array.from({ length: 10 }, (_, i) => picture(i, 32, 32 + i));
  const expected: Float32Array[] = [];
  for (const each of pictures) expected.push(await extractor.features(each));
  const all = Promise.all([...pictures, ...pictures].map((each) => extractor.features(each)));
  await extractor.close();
  expect(await all).toEqual([...expected, ...expected]);
  await expect(extractor.features(pictures[0]!)).rejects.toThrow("this feature extractor is closed; open another one");
});

const expectedFile = join(shared, "expected.json");
describe.skipIf(!existsSync(expectedFile))(`the ImageNet network in ${shared}`, () => {
  it("has the features and distances of PyTorch", async () => {
    const platform = await nodePlatform();
    const path = (name: string) => join(shared, name);
    const extractor = await FeatureExtractor.open(
      {
        features: path("squeezenet11.safetensors"),
        lpips: path("lpips-squeeze-v0.1.safetensors"),
        resize: "none",
      },
      platform,
    );
    expect(extractor.linear?.published).toBe("squeeze");
    const wanted = JSON.parse(readFileSync(expectedFile, "utf8"));
    const decoded = async (name: string) => platform.images.decode(await platform.files.read(path(`${name}.png`)));
    const [ref, p0, p1] = await Promise.all(["ex_ref", "ex_p0", "ex_p1"].map(decoded));
    const pooled = await extractor.features(ref!);
    expect(pooled.reduce((sum, v) => sum + v, 0) / pooled.length).toBeCloseTo(wanted.layers["fire 12"].mean, 4);
    const distances = wanted["perceptual distance (LPIPS formula, squeeze v0.1 linear weights)"];
    expect(await extractor.distance(ref!, p0!)).toBeCloseTo(distances["ex_ref|ex_p0"], 6);
    expect(await extractor.distance(ref!, p1!)).toBeCloseTo(distances["ex_ref|ex_p1"], 6);
    await extractor.close();
  });
});
