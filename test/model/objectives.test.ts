/** Steps with every loss, order of update and treatment of gradients against PyTorch (fixtures/make/objectives.py). */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decode } from "../../src/formats/safetensors.ts";
import { type Losses, type ModelOptions, measureNames } from "../../src/model/losses.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Random } from "../../src/random.ts";
import { type StepBatch, Trainer } from "../../src/training/trainer.ts";
import { modelOptions, smallModel } from "../options.ts";
import { fixture as addressOf } from "../paths.ts";

const fixture = (name: string) => readFileSync(addressOf(name));
const { tensors } = decode(fixture("objectives.safetensors"));

interface Case {
  config: Partial<ModelOptions> & { n: number; batches: number; lr?: number; lrD?: number };
  losses: Losses[];
}
const { shares, cases } = JSON.parse(fixture("objectives.json").toString()) as {
  shares: number[][];
  cases: Record<string, Case>;
};

const seed = 7;
const model = modelOptions(smallModel);

const stored = (name: string) => tensors[name]!.data as Float32Array;

/** |a - b| / |b|, L2. */
function distance(a: readonly number[], b: readonly number[]): number {
  const length = (values: readonly number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  return length(a.map((v, i) => v - b[i]!)) / length(b);
}

describe("steps of PyTorch", () => {
  it("have the numbers between real and fake that the host draws", () => {
    shares.forEach((pair, i) => {
      const random = new Random(seed, "netD.uniform0", i + 1);
      expect(pair).toEqual(pair.map(() => random.float()));
    });
  });

  for (const [name, { config, losses }] of Object.entries(cases)) {
    it(name, async () => {
      const { n, batches, lr = 2e-4, lrD, ...changes } = config;
      const shape = { n, height: 32, width: 32 };
      const options = { ...model, ...changes, accumulate: batches };
      const trainer = new Trainer(await nodePlatform(), { model: options, seed, threads: 1 }, shape);
      const nets = { G: trainer.netG, D: trainer.netD };
      const given = Object.keys(tensors).filter((key) => key.startsWith(`${name}/init/`));
      expect(nets.G.specs.length + nets.D.specs.length).toBe(given.length);
      for (const [letter, net] of Object.entries(nets)) {
        for (const spec of net.specs) net.get(spec).set(stored(`${name}/init/${letter}/${spec.name}`));
      }
      const data = Array.from({ length: batches }, (_, i): StepBatch => {
        const part = (side: string) => stored(side).subarray(i * n * 3 * 32 * 32, (i + 1) * n * 3 * 32 * 32);
        return { ...shape, A: part("A"), B: part("B") };
      });

      for (const step of losses.keys()) {
        await trainer.step(data, { step: step + 1, lr, ...(lrD !== undefined && { lrD }) });
        if (step > 0) continue;
        for (const [letter, net] of Object.entries(nets)) {
          // Biases before an instance norm have no gradient but rounding.
          const specs = net.specs.filter(({ shape }) => shape.length === 4);
          const got = specs.flatMap((spec) => [...net.view("gradients", spec)]);
          const want = specs.flatMap((spec) => [...stored(`${name}/grad/${letter}/${spec.name}`)]);
          if (want.length > 0) expect(distance(got, want), `gradient of ${letter}`).toBeLessThan(3e-3);
        }
      }
      for (const [step, got] of (await trainer.losses()).entries()) {
        // The script's sums of a step begin at 0, also those of a D that is not there.
        const told = Object.entries(losses[step]!).filter(([key]) => config.lambdaGan !== 0 || key === "G_L1");
        const want = Object.fromEntries(told);
        const measures: readonly string[] = measureNames;
        expect(
          Object.keys(got)
            .filter((key) => !measures.includes(key))
            .sort(),
        ).toEqual(Object.keys(want).sort());
        for (const [key, value] of Object.entries(want)) {
          const error = Math.abs(got[key as keyof Losses]! - value);
          expect(error, `step ${step + 1} ${key}: ${got[key as keyof Losses]}, expected ${value}`).toBeLessThan(
            (step === 0 ? 1e-4 : 1e-3) * Math.max(Math.abs(value), 0.01),
          );
        }
      }
    });
  }
});
