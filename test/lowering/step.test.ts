/** A training step lowered for a GPU and for a CPU: the same interface, and the same values on one runtime. */
import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import type { Program } from "../../src/graph/graph.ts";
import { stepForCpu } from "../../src/lowering/cpu.ts";
import { stepForGpu } from "../../src/lowering/gpu.ts";
import { trainingStep } from "../../src/model/pix2pix.ts";
import { Random } from "../../src/random.ts";
import { compileProgram, distance, normals, type Values } from "../graph/evaluate.ts";
import { modelOptions } from "../options.ts";

/** The first layer of D has 6 input channels, with ndf 6 the second too: the GPU pads them to 8. */
const small = { netG: "unet_32", ngf: 2, ndf: 4, noDropout: true } as const;
const variants: [string, Partial<Config>][] = [
  ["the default losses", {}],
  ["WGAN-GP, gradients of gradients", { ganMode: "wgangp", norm: "instance" }],
  ["G's loss from the old D, its gradient through the new one", { updateOrder: "stale", ndf: 6 }],
  ["both updates at the end", { updateOrder: "simultaneous" }],
  ["a ResNet", { netG: "resnet_6blocks" }],
];

const isWeight = ({ name }: { name: string }): boolean => /^net[GD]\./.test(name);
const names = (list: readonly { name: string }[]): string[] => list.map(({ name }) => name).sort();

describe.each(variants)("%s", (_, changes) => {
  const batch = { n: 2, height: 32, width: 32 };
  const { substeps } = trainingStep(modelOptions({ ...small, ...changes }), batch);
  const plain = substeps.map((substep) => substep.batch);
  const lowered = { cpu: stepForCpu(plain, 8, isWeight), gpu: stepForGpu(plain, (name) => name.endsWith(".grad")) };

  it.each(["cpu", "gpu"] as const)(
    "for a %s: only ops of ONNX, and the inputs and results of the plain programs",
    (kind) => {
      const [first, second] = lowered[kind] as [Program, Program];
      expect([...first.nodes, ...second.nodes].filter(({ op }) => op.abstract)).toEqual([]);
      const known = new Set(plain[1]!.inputs.filter(({ producer }) => producer).map(({ name }) => name));
      const own = (list: readonly { name: string }[]) => names(list.filter(({ name }) => !known.has(name)));
      expect(names(first.inputs)).toEqual(names(plain[0]!.inputs));
      // The second program reads inputs of the plain one, and values that the first program has computed.
      const passed = new Set(first.outputs.filter(({ name, tensor }) => name === tensor.name).map(({ name }) => name));
      expect(own(plain[1]!.inputs)).toEqual(
        expect.arrayContaining(names(second.inputs.filter(({ name }) => !passed.has(name)))),
      );
      expect(passed.size).toBeGreaterThan(0);
      const results = (list: Program["outputs"]) => own(list).filter((name) => !passed.has(name));
      expect(results(first.outputs)).toEqual(own(plain[0]!.outputs));
      expect(names(second.outputs)).toEqual(names(plain[1]!.outputs));
    },
  );

  it("the GPU's forms give the values of the CPU's", async () => {
    // Not every seed: a value within rounding of a ReLU's kink changes gradients by parts in a thousand.
    const random = new Random(1, "step", 0);
    const given: Values = {};
    for (const program of plain) {
      for (const { name, size } of program.inputs) given[name] ??= normals(random, size).map((v) => v / 8);
    }
    const results: Values[] = [];
    for (const programs of [stepForCpu(plain, 1, isWeight), lowered.gpu]) {
      const values = { ...given };
      for (const program of programs) Object.assign(values, await (await compileProgram(program))(values));
      results.push(values);
    }
    const [expected, got] = results as [Values, Values];
    const outputs = plain.flatMap(({ outputs }) => names(outputs)).filter((name) => /^(net|losses|fake)/.test(name));
    expect(outputs.length).toBeGreaterThan(20);
    // A bias or weight before a norm may have a gradient of rounding errors alone; it is compared with the largest of
    // its network.
    const largest = (prefix: string) =>
      Math.max(
        ...outputs.filter((name) => name.startsWith(prefix)).map((name) => Math.max(...expected[name]!.map(Math.abs))),
      );
    for (const name of outputs) {
      const scale = /grad/.test(name) ? 1e-3 * largest(name.slice(0, 4)) : 0;
      const far = distance([...got[name]!, scale], [...expected[name]!, scale]);
      expect(far, name).toBeLessThan(2e-3);
    }
  });
});
