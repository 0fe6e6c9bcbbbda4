/** What the studio of the page asks of a run: how its inputs are drawn, and pairs of its data set. */
import type { DrawingKit } from "../data/drawing.ts";
import { drawingOf, openExamples } from "../inference/examples.ts";
import { type StudioFacts, studioFacts } from "../inference/publish.ts";
import type { Platform } from "../platform.ts";
import type { Run } from "../run/run.ts";
import { Refusal } from "./problem.ts";

export interface RunFacts extends StudioFacts {
  epochs: string[];
  drawing: DrawingKit;
}

export async function studioOf(run: Run, platform: Platform): Promise<RunFacts> {
  const [config, status, epochs] = await Promise.all([run.config(), run.status(), run.keptWeights()]);
  const facts = studioFacts(config);
  return {
    ...facts,
    width: status?.sample.width ?? facts.width,
    height: status?.sample.height ?? facts.height,
    epochs,
    drawing: await drawingOf(run, config, platform),
  };
}

/** @throws Refusal 404 where the data set is not here */
export async function pairOf(run: Run, platform: Platform): Promise<Response> {
  const examples = await openExamples(await run.config(), platform);
  if (!examples) throw new Refusal(404, `the data set of the run "${run.name}" is not here`);
  const { name, input, target } = await examples.pair(Math.floor(Math.random() * examples.count));
  const form = new FormData();
  for (const [field, picture] of Object.entries({ input, target })) {
    const png = await platform.images.encodePng(picture);
    form.append(field, new Blob([png], { type: "image/png" }), `${name}.png`);
  }
  return new Response(form, { headers: { "Cache-Control": "no-store" } });
}
