/**
 * A step of networks as wide as those that people train against PyTorch, in the forms that only such networks take on a
 * CPU.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { decode } from "../../src/formats/safetensors.ts";
import { stepForCpu } from "../../src/lowering/cpu.ts";
import { lossNames, trainingStep } from "../../src/model/pix2pix.ts";
import { isTrainable } from "../../src/nn/parameters.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { distance } from "../graph/evaluate.ts";
import { modelOptions } from "../options.ts";
import { fixture } from "../paths.ts";

const model = modelOptions({ netG: "unet_128", ngf: 32, ndf: 32, noDropout: true });
const shape = { n: 2, height: 128, width: 128 };
const isWeight = ({ name }: { name: string }) => /^net[GD]\./.test(name);

it("the first step of unet_128 with ngf 32, batch 2, as PyTorch", { timeout: 120_000 }, async (context) => {
  const python = ["python3", "/usr/bin/python3"].find(
    (name) => spawnSync(name, ["-c", "import torch, PIL"]).status === 0,
  );
  if (!python)
    context.skip("there is no PyTorch with Pillow here (Debian: apt-get install -y python3-torch python3-pil)");
  const folder = await mkdtemp(join(tmpdir(), "wide-"));
  const path = join(folder, "wide.safetensors");
  execFileSync(python!, [fileURLToPath(fixture("make/wide.py")), path]);
  const { tensors } = decode(readFileSync(path));
  await rm(folder, { recursive: true });
  const stored = (name: string) => tensors[name]!.data as Float32Array;

  // Weight gradients in blocks, up steps and their like in four parts, Winograd's form: all are in this step.
  const batches = trainingStep(model, shape).substeps.map(({ batch }) => batch);
  const [first, second] = stepForCpu(batches, 16, isWeight);
  const nodes = [...first!.nodes, ...second!.nodes];
  expect(nodes.filter(({ op: { domain, type } }) => domain && type === "Conv").length).toBeGreaterThan(80);
  expect(nodes.some(({ op }) => op.type === "Gather") && nodes.some(({ attrs }) => attrs.group === 49)).toBe(true);

  // The second program takes transforms of maps from the first, which its graph does not name, and computes what
  // depends on weights only.
  const shared = first!.outputs.map(({ tensor }) => tensor).filter((t) => second!.inputs.includes(t));
  expect(shared.filter(({ producer }) => /Transpose|Reorder/.test(producer!.op.type)).length).toBeGreaterThan(0);
  const known = new Set([...first!.inputs.filter(isWeight), ...first!.constants.map(({ tensor }) => tensor)]);
  for (const { inputs, output } of first!.nodes) if (inputs.every((t) => known.has(t))) known.add(output);
  expect(shared.filter((t) => known.has(t))).toEqual([]);

  const trainer = new Trainer(await nodePlatform(), { model, seed: 1, threads: 2 }, shape);
  const nets = { G: trainer.netG, D: trainer.netD };
  for (const [letter, net] of Object.entries(nets)) {
    for (const spec of net.specs.filter(isTrainable)) net.get(spec).set(stored(`init/${letter}/${spec.name}`));
  }
  await trainer.step([{ ...shape, A: stored("A"), B: stored("B") }], { step: 1, lr: 2e-4 });
  for (const [letter, net] of Object.entries(nets)) {
    for (const spec of net.specs.filter(isTrainable)) {
      const want = stored(`grad/${letter}/${spec.name}`);
      expect(distance(net.view("gradients", spec), want), `${letter} ${spec.name}`).toBeLessThan(1e-4);
    }
  }
  const [losses] = await trainer.losses();
  const ofPyTorch = Object.keys(tensors).filter((key) => key.startsWith("loss/"));
  expect(ofPyTorch).toHaveLength(lossNames.length);
  for (const name of lossNames) expect(losses![name]).toBeCloseTo(stored(`loss/${name}`)[0]!, 4);
});
