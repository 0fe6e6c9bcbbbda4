/** Learning-rate schedules against torch.optim.lr_scheduler (fixtures/make/schedules.py). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Span, schedules } from "../../src/nn/schedules.ts";
import { fixture } from "../paths.ts";

interface Case extends Omit<Span, "history"> {
  policy: keyof typeof schedules;
  history?: number[];
  factors: number[];
}
const cases: Case[] = JSON.parse(readFileSync(fixture("schedules.json"), "utf8"));

describe("the factor of every epoch, as PyTorch", () => {
  it("every schedule has a case", () => {
    expect([...new Set(cases.map(({ policy }) => policy))].sort()).toEqual(Object.keys(schedules).sort());
    const reductions = cases.filter(({ policy }) => policy === "plateau").map(({ factors }) => new Set(factors).size);
    expect(reductions).toEqual([5, 4, 4]);
  });

  it.each(cases.map((each) => [`${each.policy} ${each.nEpochs}+${each.nEpochsDecay}`, each] as const))(
    "%s",
    (_, each) => {
      const { policy, history = [], factors, better = "smaller", ...span } = each;
      // A schedule sees the score of an epoch from the next epoch on.
      const got = factors.map((_, i) =>
        schedules[policy].factor(i + 1, { ...span, better, history: [history.slice(0, i)] }),
      );
      got.forEach((factor, i) => {
        expect(factor, `epoch ${i + 1}`).toBeCloseTo(factors[i]!, 12);
      });
    },
  );
});

it("plateau begins anew with the scores of other pairs, at the rate that it has come to", () => {
  const { history: before = [], better = "smaller", ...span } = cases.findLast(({ policy }) => policy === "plateau")!;
  const of = (history: number[][]) => schedules.plateau.factor(1, { ...span, better, history });
  const reached = of([before]);
  expect(reached).toBeLessThan(1);
  // Harder pairs: each score is worse than all before, and better than the one of these pairs before it.
  const after = [5, 6, 7, 8, 9, 10, 11, 12, 13];
  expect(of([[...before, ...after]])).toBeLessThan(reached);
  for (const [i] of after.entries()) expect(of([before, after.slice(0, i)])).toBe(reached);
  // As torch's ReduceLROnPlateau(mode="max", patience=5) reduces from the seventh equal score on.
  expect(of([before, Array(6).fill(5)])).toBe(reached);
  expect(of([before, Array(7).fill(5)])).toBeCloseTo(0.2 * reached, 12);
});

it("cosine never rises again", () => {
  const span = { nEpochs: 10, nEpochsDecay: 10, lrDecayIters: 50, history: [], better: "smaller" } as const;
  const factors = Array.from({ length: 30 }, (_, i) => schedules.cosine.factor(i + 1, span));
  for (let i = 1; i < factors.length; i++) expect(factors[i]).toBeLessThanOrEqual(factors[i - 1]!);
  expect(factors[19]).toBeGreaterThan(0);
});
