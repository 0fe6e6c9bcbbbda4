/** Total losses from the reported ones, against the totals of which the graph takes the gradients. */
import { expect, it } from "vitest";
import type { Tensor } from "../../src/graph/graph.ts";
import { abs, mul, sub } from "../../src/graph/ops/elementwise.ts";
import { mean } from "../../src/graph/ops/reduce.ts";
import { type Losses, Model, type ModelOptions, totalLosses } from "../../src/model/losses.ts";
import { Random } from "../../src/random.ts";
import { run } from "../graph/evaluate.ts";
import { modelOptions, smallModel } from "../options.ts";

const shape = { n: 1, height: 32, width: 32 };

it.each<[string, Partial<ModelOptions>]>([
  ["the default", {}],
  [
    "an adversarial loss with a weight, feature matching, a teacher",
    { lambdaGan: 0.5, lambdaFeat: 10, lambdaDistill: 7 },
  ],
  ["a perceptual loss, R1, D's loss as it is", { lambdaLpips: 3, lambdaR1: 5, lossDWeight: 1 }],
  ["a gradient penalty", { ganMode: "wgangp", lambdaGp: 4 }],
  ["L1 alone", { lambdaGan: 0 }],
])("%s", async (_, changes) => {
  const options = modelOptions({ ...smallModel, ...changes });
  const perceptual = (a: Tensor, b: Tensor) => mul(mean(abs(sub(a, b))), 0.3);
  const model = new Model(options, shape, { perceptual });
  const fakeB = model.generate();
  const hasD = options.lambdaGan > 0;
  const [real, fake] = hasD ? [model.judge(model.realB, "real"), model.judge(fakeB, "fake")] : [];
  const lossG = model.lossG(fakeB, fake, real);
  const lossD = real && fake && model.lossD(real, fake, fakeB);
  const { graph } = model;
  for (const [name, tensor] of [...lossG.parts, ...(lossD?.parts ?? [])]) graph.output(name, tensor);
  graph.output("lossG", lossG.total);
  if (lossD) graph.output("lossD", lossD.total);

  const random = new Random(1, "values", 0);
  const values = graph.inputs.map(({ name, size }) => [
    name,
    Float32Array.from({ length: size }, () => random.float()),
  ]);
  const got = await run(graph, Object.fromEntries(values));
  const losses = Object.fromEntries(Object.entries(got).map(([name, [value]]) => [name, value])) as unknown as Losses;
  const totals = totalLosses(losses, options);
  expect(totals.lossG / got.lossG![0]!).toBeCloseTo(1, 5);
  if (hasD) expect(totals.lossD! / got.lossD![0]!).toBeCloseTo(1, 5);
  else expect(totals.lossD).toBeUndefined();
});
