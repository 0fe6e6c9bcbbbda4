/** The command export: its files, and what it refuses. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { parseArguments } from "../../src/cli/arguments.ts";
import { exportCommand } from "../../src/cli/commands/export.ts";
import { optionsOf } from "../../src/config/options.ts";
import { type ConfigInput, configSchema, parseCommandLine } from "../../src/config/schema.ts";
import { ConfigError } from "../../src/errors.ts";
import { workFolder } from "../work-folder.ts";
import { storedRun } from "./stored-run.ts";

const work = workFolder("export");
const at = (...path: string[]) => join(work, ...path);
const lines: string[] = [];
const output = { print: (line: string) => void lines.push(line), note: (line: string) => void lines.push(line) };
const run = { checkpointsDir: at("runs"), name: "mine" };

beforeAll(async () => void (await storedRun(run.checkpointsDir, run.name)));

it("writes the files and a model card, and names each with its size", async () => {
  lines.length = 0;
  expect(await exportCommand.run({ ...run, format: "onnx", out: at("onnx"), licence: "CC-BY-4.0" }, output)).toBe(0);
  const { size } = statSync(at("onnx/mine.onnx"));
  expect(lines[0]).toContain("note: dropout is off in the file");
  expect(lines[1]).toBe(`${at("onnx/mine.onnx")}  ${(size / 1000).toFixed(size < 1e4 ? 1 : 0)} kB`);
  expect(lines[2]).toContain("README.md");
  expect(readFileSync(at("onnx/README.md"), "utf8")).toContain("CC-BY-4.0");
});

it.each<[string, Partial<ConfigInput>]>([
  ["with its profile", { profile: "hesse", lambdaL1: 50 }],
  ["without an option that its profile switches on", { profile: "hesse", bottleneckNorm: false }],
])("gives options on the card that train the same network: %s", async (title, options) => {
  const own = { checkpointsDir: run.checkpointsDir, name: title.replaceAll(" ", "-") };
  const trained = await storedRun(own.checkpointsDir, own.name, options);
  const out = at(own.name);
  expect(await exportCommand.run({ ...own, format: "pth", out }, output)).toBe(0);
  const [, words] = readFileSync(join(out, "README.md"), "utf8").match(/options that are not the defaults: `(.+)`/)!;
  const { given } = parseArguments(words!.split(" "), optionsOf(configSchema));
  const { dataroot, threads } = trained;
  expect(parseCommandLine({ ...given, ...own, dataroot, threads })).toEqual(trained);
});

it("the example for Triton has the channels of the input, as the server's configuration", async () => {
  const grey = { checkpointsDir: run.checkpointsDir, name: "grey" };
  await storedRun(grey.checkpointsDir, grey.name, { inputNc: 1 });
  for (const [uint8, dims, shape] of [
    [undefined, "dims: [ 1, 32, 32 ]", '[1, 1, 32, 32], "FP32"'],
    [true, "dims: [ 32, 32, 1 ]", '[1, 32, 32, 1], "UINT8"'],
  ] as const) {
    const out = at(uint8 ? "grey-bytes" : "grey");
    expect(await exportCommand.run({ ...grey, format: "triton", out, ...(uint8 && { uint8 }) }, output)).toBe(0);
    expect(readFileSync(join(out, "grey/config.pbtxt"), "utf8")).toContain(dims);
    expect(readFileSync(join(out, "README.md"), "utf8")).toContain(`http.InferInput("real_A", ${shape})`);
  }
});

it.each<[string, Partial<ConfigInput>, RegExp[]]>([
  ["class numbers", { inputLabels: 7 }, [/side A .*a channel for each of 7 classes, .*\[N, 7, height, width\]/]],
  [
    "BGR",
    { profile: "paper", netG: "unet_32", direction: "BtoA" },
    [/Input, side B .*BGR, from -1 to 1/, /side A: BGR/],
  ],
  ["bands", { inputNc: 6, outputNc: 2, preprocess: "none" }, [/6 bands, .*\[N, 6,/, /grey and alpha/, /own size/]],
  [
    "colorization",
    { datasetMode: "colorization" },
    [/L of CIELAB.*L \/ 50 - 1.*\[N, 1,/, /a and b of CIELAB.*\[N, 2,/],
  ],
])("the card of bare weights says what the network takes: %s", async (title, options, expected) => {
  const own = { checkpointsDir: run.checkpointsDir, name: `bare-${title.replaceAll(" ", "-")}` };
  await storedRun(own.checkpointsDir, own.name, options);
  for (const format of ["safetensors", "pth"] as const) {
    const out = at(`${own.name}-${format}`);
    await exportCommand.run({ ...own, format, out }, output);
    const card = readFileSync(join(out, "README.md"), "utf8");
    for (const each of [...expected, /multiples of 32 px/]) expect(card).toMatch(each);
  }
});

it("refuses a file as --out, and keeps a README.md that is not its own", async () => {
  const file = exportCommand.run({ ...run, format: "onnx", out: at("x.onnx") }, output);
  await expect(file).rejects.toThrow(/--out: got the file .*x\.onnx, expected a folder.*--out .*x$/);
  mkdirSync(at("mine"));
  writeFileSync(at("mine/README.md"), "# Mine");
  const foreign = exportCommand.run({ ...run, format: "onnx", out: at("mine") }, output);
  await expect(foreign).rejects.toThrow(ConfigError);
  expect(readFileSync(at("mine/README.md"), "utf8")).toBe("# Mine");
  expect(existsSync(at("mine/mine.onnx"))).toBe(false);
});
