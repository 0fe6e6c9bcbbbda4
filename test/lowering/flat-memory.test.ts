/** A step on the tensors in which a device keeps networks has the values of the step with a tensor for each parameter. */
import { expect, it } from "vitest";
import { stepOnDevice, tensorsOf } from "../../src/engines/layout.ts";
import type { Program } from "../../src/graph/graph.ts";
import { stepForGpu } from "../../src/lowering/gpu.ts";
import { trainingStep } from "../../src/model/pix2pix.ts";
import { Random } from "../../src/random.ts";
import { compileProgram, distance, normals, type Values } from "../graph/evaluate.ts";
import { modelOptions } from "../options.ts";

it.each([
  ["batch norm", {}],
  ["biases set to 0, gradients accumulated and clipped", { zeroBias: true, accumulate: 2, clipGrad: 0.5 }],
])("%s", async (_, changes) => {
  const options = modelOptions({ netG: "unet_32", ngf: 2, ndf: 4, noDropout: true, ...changes });
  const { substeps, netG, netD } = trainingStep(options, { n: 1, height: 32, width: 32 });
  const plain = substeps.flatMap(({ before, batch, after }) => [...before, batch, ...after]);
  const random = new Random(1, "flat", 0);
  const given: Values = {};
  const single = stepForGpu(plain);
  for (const { inputs } of single)
    for (const { name, size } of inputs) given[name] ??= normals(random, size).map((v) => v / 8);

  /** For each flat tensor the names of its parts. */
  const flat = [netG, netD].flatMap((of) =>
    Object.values(tensorsOf(of))
      .flat()
      .filter(({ specs }) => specs.length > 1)
      .map(({ name, specs }) => ({
        whole: `${of.network}.${name}`,
        parts: specs.map((spec) => ({
          name: `${of.network}.${spec.name}`,
          size: spec.shape.reduce((a, b) => a * b, 1),
        })),
      })),
  );
  const endings = ["", ".grad", ".updated", ".new", ".grad.new"];
  const whole = (values: Values): Values => {
    const all = { ...values };
    for (const { whole, parts } of flat)
      for (const ending of endings) {
        if (!parts.some(({ name }) => values[`${name}${ending}`])) continue;
        const before = ending.replace(/\.(updated|new)$/, "");
        all[`${whole}${ending}`] = Float32Array.from(
          parts.flatMap(({ name, size }) => [
            ...(values[`${name}${ending}`] ?? values[`${name}${before}`] ?? new Float32Array(size)),
          ]),
        );
      }
    return all;
  };
  const run = async (programs: readonly Program[], start: Values): Promise<Values> => {
    const values = { ...start };
    for (const program of programs) Object.assign(values, await (await compileProgram(program))(values));
    return values;
  };
  const expected = whole(await run(single, given));
  const device = stepOnDevice(plain, [netG, netD]);
  const got = await run(device, whole(given));
  const outputs = device.flatMap(({ outputs }) => outputs.map(({ name }) => name)).filter((name) => /^net/.test(name));
  expect(outputs).toContain("netG.statistics.new");
  const sizes = new Map(flat.map(({ whole, parts }) => [whole, parts.reduce((total, { size }) => total + size, 0)]));
  for (const { name, tensor } of device.flatMap(({ outputs }) => outputs)) {
    const size = sizes.get(name.replace(/(\.(grad|updated|new))+$/, ""));
    if (size !== undefined) expect(tensor.size, name).toBe(size);
  }
  // A program must not have an input and an output of one name.
  for (const { inputs, outputs } of device) {
    const read = new Set(inputs.map(({ name }) => name));
    expect(outputs.map(({ name }) => name).filter((name) => read.has(name))).toEqual([]);
  }
  expect(outputs.filter((name) => /vectors/.test(name)).length).toBeGreaterThan(1);
  for (const name of outputs) expect(distance(got[name]!, expected[name]!), name).toBeLessThan(1e-5);
});
