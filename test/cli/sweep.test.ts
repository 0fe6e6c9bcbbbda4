/** Sweeps: the runs of a file, a task's run with its test, and the table of all scores. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { sweep } from "../../src/cli/commands/sweep.ts";
import { test } from "../../src/cli/commands/test.ts";
import { csvOf } from "../../src/cli/sweep/collect.ts";
import { readSweep } from "../../src/cli/sweep/plan.ts";
import { optionsOf } from "../../src/config/options.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { bestOf, scoreText } from "../../src/report/sweep-page.ts";
import { root } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("sweep");
const at = (...path: string[]) => join(work, ...path);
let file = 0;
const plan = async (text: string) => {
  const path = at(`${file++}`, "grid.yaml");
  mkdirSync(at(`${file - 1}`));
  writeFileSync(path, text);
  return readSweep(path, optionsOf(test.schema));
};

describe("the file of a sweep", () => {
  it("gives every combination of the grid with every set of the list, named by what varies", async () => {
    const {
      runs,
      name,
      checkpointsDir,
      test: ofTest,
    } = await plan(`
name: wide
train: { dataroot: data, n_epochs: 3, noFlip: true }
list: [{ lr: 2.0e-4 }, { lr: 1.0e-5, netG: unet_128, load-size: 143, crop-size: 128 }]
grid: { lambda_L1: [10, 100], seed: [0, 1] }
test: { phase: val, num-test: 3 }
`);
    expect([name, checkpointsDir, ofTest]).toEqual(["wide", "runs", { phase: "val", numTest: "3" }]);
    expect(runs.map((run) => run.name)).toEqual([
      "wide/lr=0.0002_lambda-l1=10_seed=0",
      "wide/lr=0.0002_lambda-l1=10_seed=1",
      "wide/lr=0.0002_lambda-l1=100_seed=0",
      "wide/lr=0.0002_lambda-l1=100_seed=1",
      "wide/lr=0.00001_netG=unet_128_load-size=143_crop-size=128_lambda-l1=10_seed=0",
      "wide/lr=0.00001_netG=unet_128_load-size=143_crop-size=128_lambda-l1=10_seed=1",
      "wide/lr=0.00001_netG=unet_128_load-size=143_crop-size=128_lambda-l1=100_seed=0",
      "wide/lr=0.00001_netG=unet_128_load-size=143_crop-size=128_lambda-l1=100_seed=1",
    ]);
    expect(runs[2]!.options).toEqual({
      dataroot: "data",
      nEpochs: "3",
      noFlip: "true",
      checkpointsDir: "runs",
      name: runs[2]!.name,
      lr: "0.0002",
      lambdaL1: "100",
      seed: "0",
    });
  });

  it("calls the runs of a named set by its name, and keeps the name out of their options", async () => {
    const { runs } = await plan(`
train: { dataroot: data }
list: [{ name: default }, { name: lambda 10, lambda-l1: 10 }, { lr: 1.0e-5 }]
grid: { seed: [0, 1] }
`);
    expect(runs.map((run) => run.name.replace(/.*[/]/, ""))).toEqual([
      ...["default_seed=0", "default_seed=1", "lambda-10_seed=0", "lambda-10_seed=1"],
      ...["lr=0.00001_seed=0", "lr=0.00001_seed=1"],
    ]);
    expect(runs[2]!.options).toMatchObject({ lambdaL1: "10", name: runs[2]!.name, seed: "0" });
    expect([runs[0]!.values, runs[4]!.values]).toEqual([
      { name: "default", seed: "0" },
      { lr: "0.00001", seed: "0" },
    ]);
    const rows = runs.map((run) => ({ run, step: undefined, scores: {}, tested: undefined }));
    expect(csvOf(rows).split("\r\n")[0]).toBe("index,run,step,name,seed,lr");
  });

  it("that is the example is one", async () => {
    const { runs, name } = await readSweep(join(root, "examples/cluster/grid.yaml"), optionsOf(test.schema));
    expect([name, runs.length, runs[11]!.name]).toEqual(["grid", 12, "grid/lambda-l1=100_netG=resnet_9blocks_seed=2"]);
  });

  it.each([
    ["train: [1", /is not YAML/],
    ["trian: {}", /Unrecognized key: "trian"; expected train:/],
    ["grid: { lr: 1 }", /grid\.lr: .*expected array.*; expected train:/i],
    ["train: { learning: 1 }", /"learning" is no option of train/],
    ["train: { dataroot: d }\ntest: { pictures: 3 }", /"pictures" is no option of test/],
    ["train: { dataroot: d }\ngrid: { lr: [1, x] }", /run 1, grid\/lr=x: --lr: got "x", expected a number/],
    ["train: { dataroot: d }\ngrid: { netG: [unet_256, unet_265] }", /run 1.*did you mean unet_256/],
    ["train: { dataroot: d }\ngrid: { lr: [1, 1] }", /runs 0 and 1 are both called grid\/lr=1/],
    ["train: { dataroot: d }\nlist: [{ name: a }, { name: a, lr: 1 }]", /runs 0 and 1 are both called grid\/a/],
    ["train: { dataroot: d }\nlist: [{ name: 3 }]", /list\.0\.name: .*expected string/],
    ["train: { dataroot: d }\ngrid: { name: [a] }", /every run is named by its values/],
  ])("is refused where it is wrong: %s", async (text, message) => {
    await expect(plan(text)).rejects.toThrow(message);
  });
});

describe("a sweep", () => {
  const lines: string[] = [];
  const output = { print: (line: string) => void lines.push(line), note: (line: string) => void lines.push(line) };
  const run = (given: object) =>
    sweep.run({ grid: at("small.yaml"), resultsDir: at("results"), threads: "1", ...given }, output);

  beforeAll(async () => {
    await writeDemo({ files, images }, at("data"), { train: 2, test: 2, size: 32, seed: 1 });
    const small = "netG: unet_32, ngf: 2, ndf: 2, crop-size: 32, load-size: 32, max-steps: 2, device: cpu";
    const place = `dataroot: ${at("data")}, checkpoints-dir: ${at("runs")}`;
    writeFileSync(at("small.yaml"), `train: { ${place}, ${small} }\ngrid: { lambda-l1: [1, 100], seed: [3, 4] }\n`);
  }, 120_000);

  it("lists its runs, trains and tests the run of an index or a task, and says how far all have come", async () => {
    await run({});
    expect(lines.slice(0, 2)).toEqual(["0  small/lambda-l1=1_seed=3", "1  small/lambda-l1=1_seed=4"]);
    await run({ count: true });
    expect(lines.at(-1)).toBe("4");
    for (const index of ["0", "1", "3"]) expect(await run({ index })).toBe(0);
    expect(existsSync(at("results/small/lambda-l1=1_seed=3/test_latest/metrics.json"))).toBe(true);
    lines.length = 0;
    expect(await run({ collect: true })).toBe(0);
    expect(lines.join("\n")).toMatch(/small\/lambda-l1=100_seed=3 +\u2013 +\u2013/);
    expect(lines.join("\n")).toMatch(/3 of 4 runs are tested/);
    Object.assign(process.env, {
      SLURM_ARRAY_TASK_ID: "2",
      SLURM_ARRAY_TASK_COUNT: "4",
      SLURM_ARRAY_TASK_MIN: "0",
      SLURM_ARRAY_TASK_MAX: "3",
    });
    try {
      lines.length = 0;
      expect(await run({})).toBe(0);
      expect(lines[0]).toBe("run 2 of 4: small/lambda-l1=100_seed=3");
    } finally {
      for (const name of Object.keys(process.env)) if (name.startsWith("SLURM_ARRAY")) delete process.env[name];
    }
    expect(await run({ index: "1" })).toBe(0);
    expect(lines.join("\n")).toContain("Nothing left to do");
    await expect(run({ index: "4" })).rejects.toThrow(/--index: got 4, expected 0 to 3/);
  });

  it("refuses a test whose files are missing before it trains", async () => {
    const place = `dataroot: ${at("data")}, checkpoints-dir: ${at("unscored")}`;
    for (const key of ["features", "lpips", "reference"]) {
      writeFileSync(at("unscored.yaml"), `train: { ${place} }\ngrid: { seed: [3] }\ntest: { ${key}: missing.pth }\n`);
      await expect(run({ grid: at("unscored.yaml"), index: "0" })).rejects.toThrow(
        new RegExp(`unscored\\.yaml: missing\\.pth, ${key} of test:, does not exist\\. Nothing was trained`),
      );
    }
    expect(existsSync(at("unscored"))).toBe(false);
  });

  it("--collect gives the scores of metrics.json, with means and deviations over seeds", async () => {
    expect(await run({ collect: true })).toBe(0);
    const csv = readFileSync(at("results/small/sweep.csv"), "utf8")
      .trimEnd()
      .split("\r\n")
      .map((line) => line.split(","));
    expect(csv[0]).toEqual(["index", "run", "step", "lambda-l1", "seed", "l1", "psnr", "ssim", "sharpness"]);
    expect(csv.slice(1).map((line) => line.slice(0, 5).join(" "))).toEqual([
      "0 small/lambda-l1=1_seed=3 2 1 3",
      "1 small/lambda-l1=1_seed=4 2 1 4",
      "2 small/lambda-l1=100_seed=3 2 100 3",
      "3 small/lambda-l1=100_seed=4 2 100 4",
    ]);
    const l1 = csv.slice(1).map((line) => {
      const { mean } = JSON.parse(readFileSync(at("results", line[1]!, "test_latest/metrics.json"), "utf8"));
      expect(line.slice(5).map(Number)).toEqual([mean.l1, mean.psnr, mean.ssim, mean.sharpness]);
      return mean.l1 as number;
    });
    const page = readFileSync(at("results/small/index.html"), "utf8");
    // For two values the deviation is their distance over the square root of 2.
    const mean = ((l1[0]! + l1[1]!) / 2).toFixed(4);
    const deviation = (Math.abs(l1[0]! - l1[1]!) / Math.SQRT2).toFixed(4);
    expect(page).toContain(`${mean} \u00b1 ${deviation}`);
    expect(lines.find((line) => line.startsWith("lambda-l1=1 "))).toContain(` ${mean} \u00b1 ${deviation}`);
    for (const [, link] of page.matchAll(/<a href="([^"]+)"/g))
      expect(existsSync(at("results/small", decodeURIComponent(link!)))).toBe(true);
    expect(page.match(/class="number best"/g)).toHaveLength(8);
  });

  it("--collect does not take the scores of another sweep's runs of the same names", async () => {
    mkdirSync(at("other"));
    const text = readFileSync(at("small.yaml"), "utf8").replace(at("runs"), at("other/runs"));
    writeFileSync(at("other/small.yaml"), text);
    lines.length = 0;
    expect(await run({ grid: at("other/small.yaml"), collect: true })).toBe(0);
    expect(lines.join("\n")).toMatch(/0 of 4 runs are tested/);
  });

  it("--collect names a damaged metrics.json", async () => {
    const path = at("results/small/lambda-l1=1_seed=3/test_latest/metrics.json");
    const whole = readFileSync(path);
    writeFileSync(path, whole.subarray(0, 40));
    await expect(run({ collect: true })).rejects.toThrow(
      /metrics\.json is damaged: it is not JSON\. Test the run again/,
    );
    writeFileSync(path, whole);
  });

  it("knows which value of a score is the best", () => {
    expect(bestOf("l1", [3, undefined, 1])).toBe(2);
    expect(bestOf("psnr", [3, 9, 1])).toBe(1);
    expect(bestOf("sharpness", [0.2, 1.3, 2])).toBe(1);
    expect(bestOf("fid", [undefined])).toBe(-1);
  });

  it("shows large values with five digits, small ones with those of their column", () => {
    expect([1453.02701, 0.012345678, 12.345678].map((kid) => scoreText("kid", kid))).toEqual([
      "1453.0",
      "0.01235",
      "12.346",
    ]);
    expect([Number.NaN, Number.POSITIVE_INFINITY].map((psnr) => scoreText("psnr", psnr))).toEqual(["\u2013", "\u221e"]);
  });
});
