/** `pix2pix train`, `test` and `data statistics` with a feature network, in this process; weights are drawn. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { parseArguments } from "../../src/cli/arguments.ts";
import { commands } from "../../src/cli/registry.ts";
import { optionsOf } from "../../src/config/options.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { FeatureExtractor } from "../../src/features/extractor.ts";
import { featureNetworks } from "../../src/features/networks.ts";
import { decode, encode } from "../../src/formats/safetensors.ts";
import { featureRows } from "../../src/metrics/features.ts";
import { frechetDistance, moments } from "../../src/metrics/fid.ts";
import { kernelDistance } from "../../src/metrics/kid.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { linear, weights } from "../features/drawn.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("features");
const at = (...path: string[]) => join(work, ...path);
const { squeezenet } = featureNetworks;

/** Runs a command line. Words that begin with @ are paths in the temporary folder. */
async function run(line: string): Promise<string> {
  const words = line.split(" ").map((word) => (word.startsWith("@") ? at(word.slice(1)) : word));
  const command = commands.find(({ name }) => line.startsWith(`${name} `))!;
  const { given } = parseArguments(words.slice(command.name.split(" ").length), optionsOf(command.schema));
  const lines: string[] = [];
  await command.run(given, { print: (text) => lines.push(text), note: (text) => lines.push(text) }, commands);
  return lines.join("\n");
}

const runs = "--checkpoints-dir @runs";
const results = "--results-dir @results";
const small = "--netG unet_64 --load-size 64 --crop-size 64 --ngf 4 --ndf 4 --threads 1";

beforeAll(async () => {
  await writeDemo(await nodePlatform(), at("data"), { train: 2, test: 5, size: 64, seed: 1 });
  writeFileSync(at("squeezenet.safetensors"), Buffer.concat(encode(weights(squeezenet))));
  writeFileSync(at("lpips.safetensors"), Buffer.concat(encode(linear(squeezenet.channels))));
  mkdirSync(at("pictures"));
}, 120_000);

it("train chooses the best weights by KID, test scores the outputs, data statistics keeps a reference", async () => {
  const features = "--features @squeezenet.safetensors --lpips @lpips.safetensors";
  const schedule = "--save-epoch-freq 1 --n-epochs 2 --n-epochs-decay 0 --val-freq 1 --val-phase test --val-metric KID";
  const trained = await run(`train --dataroot @data --name mine ${runs} ${small} ${schedule} ${features}`);
  expect(trained).toMatch(/pix2pix test --name mine .*--epoch best +# the weights with the best KID/);
  const log = readFileSync(at("runs/mine/val_log.jsonl"), "utf8").trim().split("\n");
  const scored = log.map((line) => JSON.parse(line));
  expect(scored.map(({ KID, LPIPS }) => [typeof KID, typeof LPIPS])).toEqual(Array(2).fill(["number", "number"]));
  const { metadata } = decode(readFileSync(at("runs/mine/best_net_G.safetensors")));
  expect(metadata.epoch).toBe(scored[1].KID < scored[0].KID ? "2" : "1");

  const tested = await run(`test --name mine ${runs} ${results} ${features}`);
  const stored = JSON.parse(readFileSync(at("results/mine/test_latest/metrics.json"), "utf8"));
  expect(tested).toContain(`LPIPS      ${stored.mean.lpips.toFixed(3)}`);
  expect(tested.indexOf("KID on SqueezeNet 1.1")).toBeLessThan(tested.indexOf("FID on SqueezeNet 1.1"));
  expect(tested).toContain("biased upwards with 5 pictures");

  // From the pictures that were written.
  const platform = await nodePlatform();
  const paths = { features: at("squeezenet.safetensors"), lpips: at("lpips.safetensors") };
  const extractor = await FeatureExtractor.open(paths, platform);
  const picture = async (name: string, kind: string) =>
    platform.images.decode(readFileSync(at(`results/mine/test_latest/images/${name}_${kind}.png`)));
  const names: string[] = stored.each.map(({ name }: { name: string }) => name);
  const of = async (kind: string) =>
    featureRows(await Promise.all(names.map(async (name) => extractor.features(await picture(name, kind)))));
  const [outputs, targets] = [await of("fake_B"), await of("real_B")];
  expect(stored.features.kid.mean).toBeCloseTo(kernelDistance(outputs, targets).mean, 6);
  expect(stored.features.fid).toBeCloseTo(frechetDistance(moments(outputs), moments(targets)), 4);
  const first = await extractor.distance(await picture(names[0]!, "fake_B"), await picture(names[0]!, "real_B"));
  expect(stored.each[0].lpips).toBeCloseTo(first, 6);
  await extractor.close();

  const kept = await run(
    "data statistics --features @squeezenet.safetensors --dataroot @data --side B --size 64 --out @reference.safetensors",
  );
  expect(kept).toContain("data, test, side B, 64x64: 512 features each of SqueezeNet 1.1");
  await run(
    `test --name mine ${runs} ${results} --features @squeezenet.safetensors --reference @reference.safetensors`,
  );
  const again = JSON.parse(readFileSync(at("results/mine/test_latest/metrics.json"), "utf8"));
  expect(again.features.kid.mean).toBeCloseTo(stored.features.kid.mean, 6);
}, 120_000);

it("parts of a test, put together, have the KID, FID and LPIPS of the whole", async () => {
  const line = `test --name mine ${runs} --features @squeezenet.safetensors --lpips @lpips.safetensors --results-dir`;
  const scores = (folder: string) => {
    const { features, mean } = JSON.parse(readFileSync(at(folder, "mine/test_latest/metrics.json"), "utf8"));
    return { features, lpips: mean.lpips };
  };
  await run(`${line} @whole`);
  for (const part of ["--shard 1/2", "--shard 2/2", "--merge"]) await run(`${line} @parts ${part}`);
  expect(scores("parts")).toEqual(scores("whole"));
}, 120_000);

it("test --compare writes one page of several runs, with the differences from the first", async () => {
  const options = "--features @squeezenet.safetensors --lpips @lpips.safetensors --compare-seed 3";
  await run(`test --compare mine mine:1 ${runs} ${results} ${options} --palette facades`);
  const { runs: names, figures } = JSON.parse(readFileSync(at("results/compare_mine_mine_1/comparison.json"), "utf8"));
  expect(names).toEqual(["mine", "mine:1"]);
  const labels = figures.map(({ label }: { label: string }) => label);
  for (const label of ["L1", "LPIPS", "Per-pixel accuracy", "IoU of window", "Lab colours"])
    expect(labels).toContain(label);
  expect(labels[0]).toMatch(/^KID on SqueezeNet 1.1/);
  for (const [i, epoch] of ["latest", "1"].entries()) {
    const { mean } = JSON.parse(readFileSync(at(`results/mine/test_${epoch}/metrics.json`), "utf8"));
    expect(figures[labels.indexOf("LPIPS")].runs[i].value).toBeCloseTo(mean.lpips, 12);
  }
  const page = readFileSync(at("results/compare_mine_mine_1/index.html"), "utf8");
  const sources = [...page.matchAll(/<img src="([^"]*)"/g)].map(([, path]) => path!);
  expect(sources.length).toBe(5 * 4);
  for (const path of sources) readFileSync(at("results/compare_mine_mine_1", decodeURI(path)));
}, 120_000);

it("wrong combinations are refused with a sentence", async () => {
  const refused = (line: string, message: string) => expect(run(line)).rejects.toThrow(message);
  const mine = `test --name mine ${runs} ${results}`;
  const features = "--features @squeezenet.safetensors";
  await refused(`${mine} --lpips @lpips.safetensors`, "--lpips needs --features FILE");
  await refused(
    `train --dataroot @data --name other ${runs} ${small} --val-freq 1 --val-metric LPIPS`,
    "--val-metric LPIPS needs --features FILE",
  );
  await refused(`data statistics ${features} --dataroot @data --out @pictures`, "pictures, expected a file");
  await refused(
    `data statistics ${features} --out @x.safetensors`,
    "give --input FOLDER for plain pictures, or --dataroot",
  );
  await refused(`test --compare mine ${runs}`, "--compare: got mine, expected two or more different runs");
  await refused(`test --compare mine absent ${runs} ${results}`, 'There is no run "absent"');
  await refused(
    `${mine} ${features} --num-test 1`,
    "KID and FID compare sets of at least two pictures; the test has 1",
  );
  await refused(
    `${mine} ${features} --kid-subset-size 6`,
    "--kid-subset-size: got 6, expected 2 to 5: there are 5 outputs and 5 targets",
  );
}, 120_000);
