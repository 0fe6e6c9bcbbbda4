/**
 * Devices: which is taken, what is said of those that are not there, and training on WebGPU in Node, on Chromium's software
 * adapter. The browser's WebGPU is in ../web/webgpu.test.ts.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseConfig, resumeConfig } from "../../src/config/schema.ts";
import { casesOf, first } from "../../src/conformance/variants.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { chooseDevice } from "../../src/engines/device.ts";
import { checkLimits, memoryNeed } from "../../src/engines/memory.ts";
import { DeviceError } from "../../src/errors.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { Graph } from "../../src/graph/graph.ts";
import { add, greater, mul, where } from "../../src/graph/ops/elementwise.ts";
import { reshape } from "../../src/graph/ops/movement.ts";
import { stepForGpu } from "../../src/lowering/gpu.ts";
import { trainingStep } from "../../src/model/pix2pix.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Run } from "../../src/run/run.ts";
import { train } from "../../src/training/train.ts";
import { noAdapter, onSoftwareAdapter, softwareAdapter } from "../engines/webgpu/adapter.ts";
import { distance } from "../graph/evaluate.ts";
import { given } from "../options.ts";
import { workFolder } from "../work-folder.ts";

const platform = await nodePlatform({ threads: 1 });
const work = workFolder("devices");
const dataroot = join(work, "data");
const patience = 300_000;

describe("the device that is taken", () => {
  it("auto is the CPU where there is no real GPU", async () => {
    const [found] = await platform.devices(["webgpu"]);
    const real = found!.present && !found!.adapter!.software;
    expect((await chooseDevice(platform, "auto")).name).toBe(real ? "webgpu" : "cpu");
  });

  it.each([
    [
      "webgpu",
      /^--device webgpu is not there: (the Vulkan loader .*apt install|no graphics driver .*docs\/devices\.md)/,
    ],
    ["wasm", /^--device wasm is not there: wasm is the browser's.* What is here: cpu/],
    ["cuda", /^--device cuda is not there: onnxruntime-node.*(install\.js --onnxruntime-node-install=cuda12|no CUDA)/],
  ] as const)("%s that is not there: why, how to get it, and what is here", async (name, message) => {
    const [found] = await platform.devices([name]);
    if (found!.present) return;
    await expect(chooseDevice(platform, name)).rejects.toThrow(message);
  });
});

describe("the memory of a step", () => {
  /** x, its double, the comparison (a byte each) and the choice: a chain of 10 values, of which two or three are alive. */
  function chain(): Graph {
    const graph = new Graph("gpu");
    const x = graph.input("x", [10]);
    const double = mul(x, 2);
    const chosen = where(greater(double, 1), double, 0);
    graph.output("y", add(reshape(chosen, [2, 5]), 1));
    return graph;
  }

  it("is what is alive at a time, and what programs leave to each other", () => {
    // Alive at most: double, the comparison and the choice, 40 + 10 + 40 bytes. Left: x and y.
    expect(memoryNeed([chain().program()], [])).toEqual({ networks: 0, carried: 80, working: 90, total: 170 });
  });

  it("a value beyond the adapter's limits: which, how large, and the limit", () => {
    const adapter = { name: "small", software: false, maxBufferSize: 39 };
    const check = () => checkLimits(chain().program(), { name: "webgpu", label: "webgpu (small)", adapter });
    expect(check).toThrow(DeviceError);
    expect(check).toThrow(
      /webgpu \(small\) cannot hold x: \[10\] takes 40 bytes, maxBufferSize is 39 bytes\. Take a smaller/,
    );
    expect(() =>
      checkLimits(chain().program(), { name: "webgpu", label: "", adapter: { ...adapter, maxBufferSize: 40 } }),
    ).not.toThrow();
  });
});

it("with the stale order G's gradient goes through D's new weights, also where a device has a weight in another form", () => {
  // With ndf 3 the second strided layer has 6 input channels: on WebGPU its weight is padded to 8.
  const config = parseConfig({ dataroot, netG: "unet_32", cropSize: 32, loadSize: 32, ndf: 3, updateOrder: "stale" });
  const programs = trainingStep(config, { n: 1, height: 32, width: 32 }).substeps.map(({ batch }) => batch);
  const read = [programs, stepForGpu(programs)].map(([, batch]) =>
    batch!.inputs.map(({ name }) => name).filter((name) => name.endsWith(".weight.updated")),
  );
  expect(read[1]).toEqual(read[0]);
  expect(read[0]).toContain("netD.model.5.weight.updated");
});

it("conformance covers every op that a step of ours has", () => {
  const types = new Set([...casesOf([first()], "gpu").values()].map(({ op }) => op.type));
  for (const type of ["Conv", "ConvTranspose", "Gemm", "Clip", "ReduceMean", "Softplus"]) expect(types).toContain(type);
});

describe.skipIf(!softwareAdapter)(`WebGPU in Node${softwareAdapter ? "" : ` (skipped: ${noAdapter})`}`, () => {
  const checkpointsDir = join(work, "runs");
  const small = given({
    dataroot,
    checkpointsDir,
    netG: "unet_32",
    ngf: 2,
    ndf: 2,
    cropSize: 32,
    loadSize: 32,
    threads: 1,
  });
  const where = (name: string) => [`--name=${name}`, `--checkpoints-dir=${checkpointsDir}`];
  const program = (...args: string[]) => onSoftwareAdapter("src/cli/main.ts", ...args);

  beforeAll(async () => {
    await writeDemo({ files, images }, dataroot, { train: 3, test: 1, size: 32, seed: 1 });
    await train(parseConfig({ ...small, name: "cpu", device: "cpu", maxSteps: 3 }), platform);
  }, patience);

  /** Each network's weights and moments, and how far those of a run are from the ones on the CPU alone. */
  function expectAsOnCpu(name: string): void {
    for (const file of ["latest_net_G", "latest_net_D", "latest_state"]) {
      const read = (run: string) => decode(readFileSync(join(checkpointsDir, run, `${file}.safetensors`))).tensors;
      const [got, want] = [read(name), read("cpu")];
      expect(Object.keys(got)).toEqual(Object.keys(want));
      for (const [key, { data }] of Object.entries(want)) {
        const error = distance(Array.from(got[key]!.data, Number), Array.from(data, Number));
        expect(error, `${name}: ${file} ${key}`).toBeLessThan(1e-3);
      }
    }
  }

  it(
    "finds the adapter, says what it is, and takes the CPU for auto",
    async () => {
      const { code, out } = await program("devices");
      expect(code).toBe(0);
      expect(out).toMatch(/webgpu +here: SwiftShader, software; buffers up to [\d.]+ GB, matrix products at/);
      expect(out).toMatch(/training unet_256, ngf 64, 256 px, batch 1 needs 1\.\d GB of its memory or more/);
      expect(out).toMatch(/--device auto takes cpu\./);
    },
    patience,
  );

  it(
    "computes a sample of a network's ops, and its training steps, as the CPU does",
    async () => {
      const report = join(work, "report.json");
      const { code, out } = await program("devices", "--device=webgpu", "--check", `--out=${report}`);
      expect(out).toMatch(/(\d+) of \1 ops and 1 of 1 training runs as on cpu/);
      expect(code).toBe(0);
      const { reports } = JSON.parse(readFileSync(report, "utf8"));
      expect(reports[0].ops.length).toBeGreaterThan(80);
      expect(reports[0].ops[0]).toMatchObject({ op: "Conv", status: "right", form: /^Conv\(\[1,3,32,32\]/ });
    },
    patience,
  );

  it(
    "a run goes on from the CPU to WebGPU and from WebGPU to the CPU, and ends as one on the CPU alone",
    async () => {
      await train(parseConfig({ ...small, name: "moved", device: "cpu", maxSteps: 1 }), platform);
      const there = await program("train", ...where("moved"), "--continue-train", "--device=webgpu", "--max-steps=2");
      expect(there).toMatchObject({ code: 0, err: "" });
      expect(there.out).toMatch(/device +webgpu \(SwiftShader, software\)/);
      expect(there.out).toMatch(/memory +[\d.]+ [kM]B of the device's or more: networks with gradients and moments/);
      const stored = await new Run(files, { checkpointsDir, name: "moved" }).config();
      const back = given({ continueTrain: true, device: "cpu", maxSteps: 3, name: "moved", checkpointsDir });
      expect(await train(resumeConfig(stored, back), platform)).toMatchObject({ step: 3 });
      expectAsOnCpu("moved");
      const log = readFileSync(join(checkpointsDir, "moved/loss_log.jsonl"), "utf8").trim().split("\n");
      expect(log.map((line) => JSON.parse(line).step)).toEqual([1, 2, 3]);
    },
    patience,
  );

  it(
    "a device that is lost: the checkpoint is intact and the run goes on from it on the CPU",
    async () => {
      const { out } = await onSoftwareAdapter("test/engines/webgpu/lost.ts", dataroot, checkpointsDir, "2");
      expect(out).toMatch(
        /DeviceLostError webgpu \(SwiftShader, software\) failed: .*The last checkpoint in .*lost is intact: go on/,
      );
      const stored = await new Run(files, { checkpointsDir, name: "lost" }).config();
      const again = given({ continueTrain: true, device: "cpu", maxSteps: 3, name: "lost", checkpointsDir });
      expect(await train(resumeConfig(stored, again), platform)).toMatchObject({ step: 3 });
      expectAsOnCpu("lost");
    },
    patience,
  );

  it(
    "the faults of onnxruntime 1.30 that are worked around are still there; one that is gone needs it no more",
    async () => {
      const { out } = await onSoftwareAdapter("test/engines/webgpu/faults.ts");
      expect(JSON.parse(out)).toEqual({
        convOfSixChannels: true,
        spaceToDepthOnTheCpu: true,
        fetchesAreNotWritten: true,
        captureIsRefused: true,
      });
    },
    patience,
  );
});
