/** What the studio of the page asks of a run: how its inputs are drawn, and pairs of its data set. */
import type { DrawingKit } from "../data/drawing.ts";
import { drawingOf, openExamples } from "../inference/examples.ts";
import { type StudioFacts, studioFacts } from "../inference/publish.ts";
import type { Platform } from "../platform.ts";
import type { Run } from "../run/run.ts";
import type { Generators } from "./generators.ts";
import { Refusal } from "./problem.ts";

export interface RunFacts extends StudioFacts {
  epochs: string[];
  drawing: DrawingKit;
}

interface StudioServices {
  platform: Platform;
  generators: Generators;
}

/**
 * A run that keeps no drawing kit, such as an imported one, has it computed from pictures of its data set, in turn with other work.
 * @throws Refusal 429 or 503 by the queue; UserError for a run whose inputs cannot be drawn
 */
export async function studioOf(
  run: Run,
  { platform, generators }: StudioServices,
  signal: AbortSignal,
): Promise<RunFacts> {
  const [config, status, epochs, kept] = await Promise.all([
    run.config(),
    run.status(),
    run.keptWeights(),
    run.drawing(),
  ]);
  const facts = studioFacts(config);
  return {
    ...facts,
    width: status?.sample.width ?? facts.width,
    height: status?.sample.height ?? facts.height,
    epochs,
    drawing: kept ?? (await generators.inTurn(() => drawingOf(run, config, platform), signal)),
  };
}

/** A pair of the data set, in turn with other work. @throws Refusal 404 where the data set is not here, 429 or 503 by the queue */
export async function pairOf(
  run: Run,
  { platform, generators }: StudioServices,
  signal: AbortSignal,
): Promise<Response> {
  const form = await generators.inTurn(() => pairForm(run, platform), signal);
  return new Response(form, { headers: { "Cache-Control": "no-store" } });
}

async function pairForm(run: Run, platform: Platform): Promise<FormData> {
  const examples = await openExamples(await run.config(), platform);
  if (!examples) throw new Refusal(404, `the data set of the run "${run.name}" is not here`);
  const { name, input, target } = await examples.pair(Math.floor(Math.random() * examples.count));
  const form = new FormData();
  for (const [field, picture] of Object.entries({ input, target })) {
    const png = await platform.images.encodePng(picture);
    form.append(field, new Blob([png], { type: "image/png" }), `${name}.png`);
  }
  return form;
}
