/** The values that each adversarial loss declares. Whole steps are compared with PyTorch in test/model. */
import { describe, expect, it } from "vitest";
import { namesOf } from "../../src/config/names.ts";
import { Graph } from "../../src/graph/graph.ts";
import { type GanLoss, ganLosses } from "../../src/nn/losses.ts";
import { run } from "../graph/evaluate.ts";

/** D's and G's losses for one logit. */
async function losses({ real, fake, generator }: GanLoss, logit: number) {
  const graph = new Graph();
  const logits = graph.input("logits", [1, 1, 1, 1]);
  graph.output("real", real(logits));
  graph.output("fake", fake(logits));
  graph.output("generator", generator(logits));
  const values = await run(graph, { logits: Float32Array.of(logit) });
  return { real: values.real![0]!, fake: values.fake![0]!, generator: values.generator![0]! };
}

describe.each(namesOf(ganLosses))("%s", (name) => {
  const loss: GanLoss = ganLosses[name];

  it("has the declared value where D cannot tell real from fake: both losses are equal there", async () => {
    const logits = Array.from({ length: 13 }, (_, i) => (i - 6) / 4);
    const values = await Promise.all(logits.map((logit) => losses(loss, logit)));
    const equal = values.filter(({ real, fake }) => Math.abs(real - fake) < 1e-6);
    expect(equal).toHaveLength(1);
    expect(equal[0]!.real).toBeCloseTo(loss.chart.chance, 6);
    const shown = Number(/[\d.]+$/.exec(loss.chart.text)![0]);
    expect(shown).toBeCloseTo(loss.chart.chance, 3);
  });

  it("falls for real pairs and for G as the logit rises, and rises for fake pairs", async () => {
    const [low, high] = await Promise.all([losses(loss, 0.1), losses(loss, 0.8)]);
    expect(high!.real).toBeLessThan(low!.real);
    expect(high!.generator).toBeLessThan(low!.generator);
    expect(high!.fake).toBeGreaterThan(low!.fake);
  });
});
