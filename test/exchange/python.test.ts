/** Exported files in Python: onnx.checker, onnxruntime, Triton's schema, and the code on the model card. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { exportCommand } from "../../src/cli/commands/export.ts";
import { type ExportOptions, exportOnnx } from "../../src/exchange/onnx/export.ts";
import { opsets } from "../../src/exchange/onnx/options.ts";
import { openTranslator } from "../../src/inference/open.ts";
import { nodePlatform } from "../../src/node/index.ts";
import type { Picture } from "../../src/platform.ts";
import { version } from "../../src/version.ts";
import { missingInPython, runPython } from "../python.ts";
import { workFolder } from "../work-folder.ts";
import { expectEqual, joined, picture, planes } from "./pictures.ts";
import { storedRun } from "./stored-run.ts";

const work = workFolder("python");
const at = (...path: string[]) => join(work, ...path);
const platform = await nodePlatform({ threads: 1 });
const checkpointsDir = at("runs");
const missing = missingInPython("onnx", "onnxruntime", "PIL");
const output = { print: () => {}, note: () => {} };

/** Runs, each with a name, and the outputs of `translate` for a picture of theirs. */
const source = { plain: picture(32, 32, 3), odd: picture(53, 40, 3), second: picture(53, 40, 3, 2) };
const expected = new Map<string, Uint8Array>();

beforeAll(async () => {
  await storedRun(checkpointsDir, "plain", {});
  await storedRun(checkpointsDir, "paper", { profile: "paper", netG: "unet_32", statistics: "running" });
  await storedRun(checkpointsDir, "lab", { datasetMode: "colorization" });
  await storedRun(checkpointsDir, "masked", { datasetMode: "inpainting" });
  await storedRun(checkpointsDir, "resnet", { netG: "resnet_6blocks", norm: "instance" });
  for (const name of ["plain", "paper", "lab", "masked", "resnet"]) {
    const translator = await openTranslator({ name, checkpointsDir, dropout: "off" }, platform);
    for (const [size, of] of Object.entries(source)) {
      expected.set(`${name} ${size}`, (await translator.translate(of, {}, { preprocess: "none" })).data);
    }
    await translator.close();
  }
});

interface Result {
  opset: [string, number][];
  ir: number;
  metadata: Record<string, string>;
  doc: string;
  docs: string[];
  shape: number[];
  type: string;
  weights: string[];
  /** The largest difference between two runs. */
  again: number;
  difference?: number;
}

/** Files with their inputs and expected outputs, for one run of Python. */
class Cases {
  readonly #cases: object[] = [];

  async add(name: string, form: Omit<ExportOptions, "name" | "checkpointsDir">, pictures: readonly Picture[]) {
    const i = this.#cases.length;
    const file = `${i}.onnx`;
    writeFileSync(at(file), await exportOnnx({ name, checkpointsDir, ...form }, platform.files));
    const { height, width, channels } = pictures[0]!;
    const bytes = form.uint8 ?? false;
    const values = bytes
      ? joined(
          pictures.map(({ data }) => data),
          Uint8Array,
        )
      : joined(pictures.map(planes), Float32Array);
    const shape = bytes ? [pictures.length, height, width, channels] : [pictures.length, channels, height, width];
    const size = Object.entries(source).filter(([, each]) => pictures.includes(each));
    const outputs = size.map(([key]) => expected.get(`${name} ${key}`)!);
    const out = { height, width, channels: outputs[0]!.length / height / width, data: outputs[0]! };
    const right = bytes
      ? joined(outputs, Uint8Array)
      : joined(
          outputs.map((data) => planes({ ...out, data })),
          Float32Array,
        );
    writeFileSync(at(`${i}.input`), values);
    writeFileSync(at(`${i}.expected`), right);
    const type = bytes ? "uint8" : "float32";
    this.#cases.push({
      file,
      input: { file: `${i}.input`, type, shape },
      expected: {
        file: `${i}.expected`,
        type,
        shape: [...shape.slice(0, bytes ? 3 : 1), ...(bytes ? [out.channels] : [out.channels, height, width])],
      },
    });
  }

  results(): Result[] {
    writeFileSync(at("cases.json"), JSON.stringify(this.#cases));
    return JSON.parse(runPython(join(import.meta.dirname, "check-onnx.py"), [work]));
  }
}

describe.skipIf(missing)(`in Python${missing ? ` (skipped: ${missing})` : ""}`, () => {
  it("every operator set is valid and gives the output of translate", async () => {
    const cases = new Cases();
    const versions = Array.from({ length: opsets.most - opsets.least + 1 }, (_, i) => opsets.least + i);
    for (const opset of versions) await cases.add("lab", { opset, dynamic: true, uint8: true }, [source.odd]);
    const results = cases.results();
    expect(results.map(({ opset }) => opset)).toEqual(versions.map((version) => [["", version]]));
    for (const { difference } of results) expect(difference).toBeLessThanOrEqual(1);
    // https://onnx.ai/onnx/repo-docs/Versioning.html
    expect(results.map(({ ir }) => ir)).toEqual([7, 7, 8, 8, 8, 8, 9, 9, 10, 10, 11]);
  });

  it("every form is valid, and gives for a picture of a batch what it gives alone", async () => {
    const cases = new Cases();
    const values = 1.01 / 127.5;
    const batch = [source.odd, source.second];
    for (const name of ["plain", "paper", "masked", "resnet"]) {
      await cases.add(name, { dynamic: true }, batch);
      await cases.add(name, { uint8: true, width: 53, height: 40 }, [source.odd]);
    }
    await cases.add("lab", { dynamic: true }, batch);
    const results = cases.results();
    for (const { difference, type } of results) expect(difference).toBeLessThanOrEqual(type === "uint8" ? 1 : values);
    expect(results.map(({ again }) => again)).toEqual(results.map(() => 0));
    expect(results[0]!.shape).toEqual([2, 3, 40, 53]);
    expect(results[1]!.shape).toEqual([1, 40, 53, 3]);
  });

  it("half precision has half weights and nearly the output; dropout differs from call to call", async () => {
    const cases = new Cases();
    await cases.add("plain", { fp16: true }, [source.plain]);
    await cases.add("paper", { fp16: true, dynamic: true, uint8: true, opset: 13 }, [source.odd]);
    await cases.add("paper", { dropout: "on" }, [source.plain]);
    await cases.add("resnet", { dropout: "on", fp16: true, dynamic: true }, [source.plain]);
    const [half, bytes, dropped, both] = cases.results() as [Result, Result, Result, Result];
    expect(half.weights).toContain("FLOAT16");
    expect(half.difference).toBeLessThan(4 / 127.5);
    expect(bytes.difference).toBeLessThan(12);
    expect(half.again).toBe(0);
    for (const { again, difference } of [dropped, both]) {
      expect(again).toBeGreaterThan(0.01);
      expect(difference).toBeGreaterThan(0.01);
    }
  });

  it("8-bit weights are the rounded weights, and give nearly the output", async () => {
    const cases = new Cases();
    await cases.add("plain", { int8: true }, [source.plain]);
    await cases.add("plain", { int8: true, dynamic: true, uint8: true, opset: 13 }, [source.odd]);
    const results = cases.results();
    for (const { weights, difference, type } of results) {
      expect(weights).toContain("INT8");
      expect(difference).toBeLessThan(type === "uint8" ? 30 : 30 / 127.5);
      expect(difference).toBeGreaterThan(0);
    }
    writeFileSync(at("plain.onnx"), await exportOnnx({ name: "plain", checkpointsDir }, platform.files));
    const script = join(import.meta.dirname, "check-int8.py");
    const rounded = JSON.parse(runPython(script, [at("plain.onnx"), at("0.onnx")]));
    expect(rounded.convolutions).toBe(10);
    expect(rounded.largest).toBe(127);
    // Half a step, and what float32 adds to it.
    expect(rounded.steps).toBeGreaterThan(0.49);
    expect(rounded.steps).toBeLessThan(0.5001);
  });

  it("the file says what it is", async () => {
    const cases = new Cases();
    await cases.add("paper", { uint8: true, licence: "CC-BY-4.0" }, [source.plain]);
    await cases.add("lab", { dynamic: true }, [source.plain]);
    const [paper, lab] = cases.results() as [Result, Result];
    expect(paper.metadata).toMatchObject({
      "Image.BitmapPixelFormat": "Rgb8",
      "Image.NominalPixelRange": "NominalRange_0_255",
      range: "0 to 255",
      layout: "NHWC",
      network_channel_order: "BGR",
      run: "paper",
      epoch: "latest",
      statistics: "running",
      dropout: "off",
      precision: "float32",
      licence: "CC-BY-4.0",
      version,
      network: "unet_32, ngf 4, norm batch, 3 -> 3 channels",
    });
    expect(Date.now() - Date.parse(paper.metadata.date!)).toBeLessThan(600_000);
    expect(lab.metadata).toMatchObject({
      range: "-1 to 1",
      layout: "NCHW",
      input_channels: "RGB",
      output_channels: "RGB",
    });
    expect(lab.metadata).not.toHaveProperty("licence");
    expect(paper.doc).toContain('the run "paper"');
    expect(paper.docs[0]).toContain("RGB: bytes 0 to 255, [N, height, width, channels], 32x32 px");
    expect(lab.docs[1]).toContain(
      "values in [-1, 1] (byte / 127.5 - 1), [N, channels, height, width], any size of at least 1 px",
    );
  });

  it.each([
    ["values", {}],
    ["bytes", { uint8: true }],
    ["8-bit weights", { int8: true, uint8: true }],
  ])("the code on the model card gives the output of translate: %s", async (title, form) => {
    const out = at(`card-${title}`);
    await exportCommand.run({ name: "plain", checkpointsDir, format: "onnx", out, ...form }, output);
    writeFileSync(join(out, "input.png"), await platform.images.encodePng(source.plain));
    const code = /```python\n([\s\S]*?)```/.exec(readFileSync(join(out, "README.md"), "utf8"))![1]!;
    writeFileSync(join(out, "use.py"), code);
    runPython("use.py", [], out);
    const { data } = await platform.images.decode(readFileSync(join(out, "output.png")));
    if (!("int8" in form)) return expectEqual(data, expected.get("plain plain")!);
    const card = readFileSync(join(out, "README.md"), "utf8");
    const [, mean, largest] = card.match(
      /8-bit weights: outputs differ by ([\d.]+) of 255 on average, at most ([\d.]+)/,
    )!;
    expect(Number(mean)).toBeGreaterThan(0);
    expect(Number(largest)).toBeGreaterThan(Number(mean));
    const apart = data.map((value, i) => Math.abs(value - expected.get("plain plain")![i]!));
    expect(apart.reduce((sum, value) => sum + value, 0) / data.length).toBeLessThan(3 * Number(mean));
  });
});

it.skipIf(missing).each([
  ["values", {}],
  ["bytes", { uint8: true }],
])(
  `the card's code keeps class numbers and gives the output of translate: %s${missing ? ` (skipped: ${missing})` : ""}`,
  async (title, form) => {
    await storedRun(checkpointsDir, "labels", { inputLabels: 3 });
    const source = picture(32, 32, 1);
    const map = { ...source, data: source.data.map((value) => value % 3) };
    const translator = await openTranslator({ name: "labels", checkpointsDir, dropout: "off" }, platform);
    const { data: right } = await translator.translate(map);
    await translator.close();
    const out = at(`labels-${title}`);
    await exportCommand.run({ name: "labels", checkpointsDir, format: "onnx", out, ...form }, output);
    writeFileSync(join(out, "input.png"), await platform.images.encodePng(map));
    const card = readFileSync(join(out, "README.md"), "utf8");
    expect(card).toContain("NEAREST");
    expect(card).not.toContain("```js");
    writeFileSync(join(out, "use.py"), /```python\n([\s\S]*?)```/.exec(card)![1]!);
    runPython("use.py", [], out);
    expectEqual((await platform.images.decode(readFileSync(join(out, "output.png")))).data, right);
  },
);

const withoutTriton = missingInPython("tritonclient.grpc", "google.protobuf", "onnx", "onnxruntime");
it.skipIf(withoutTriton)(
  `Triton's schema reads config.pbtxt${withoutTriton ? ` (skipped: ${withoutTriton})` : ""}`,
  async () => {
    const folder = at("triton");
    mkdirSync(folder);
    const forms = { fixed: {}, open: { dynamic: true, uint8: true, maxBatch: "4" } };
    for (const [out, form] of Object.entries(forms)) {
      await exportCommand.run(
        { name: "plain", checkpointsDir, format: "triton", out: join(folder, out), ...form },
        output,
      );
    }
    writeFileSync(
      join(folder, "cases.json"),
      JSON.stringify(Object.keys(forms).map((out) => ({ triton: `${out}/plain/config.pbtxt` }))),
    );
    const results = JSON.parse(runPython(join(import.meta.dirname, "check-onnx.py"), [folder]));
    const common = { name: "plain", backend: "onnxruntime", batching: true };
    const [plain, bytes] = [
      ["TYPE_FP32", [3, 32, 32]],
      ["TYPE_UINT8", [-1, -1, 3]],
    ];
    expect(results).toEqual([
      { ...common, batch: 8, input: ["real_A", ...plain], output: ["fake_B", ...plain] },
      { ...common, batch: 4, input: ["real_A", ...bytes], output: ["fake_B", ...bytes] },
    ]);
  },
);
