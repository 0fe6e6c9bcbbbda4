/** Runs that are published with the page: their list, and their examples. */
import { drawFacade } from "../../demo/facades.ts";
import { UserError } from "../../errors.ts";
import type { PublishedIndex, PublishedRun } from "../../inference/publish.ts";
import { Random } from "../../random.ts";
import { images } from "../../web/images.ts";
import { publishedDir } from "../../web/published.ts";
import type { OpenRun, RunEntry, StudioPair } from "../home.ts";
import { publishedBase } from "./client.ts";
import { type Generators, openGenerator } from "./generators.ts";

export class PublishedRuns {
  readonly #generators: Generators;
  readonly #index: Promise<PublishedIndex>;

  constructor(generators: Generators) {
    this.#generators = generators;
    this.#index = fetch(`${publishedBase()}index.json`).then((response) =>
      response.ok ? (response.json() as Promise<PublishedIndex>) : { runs: [] },
    );
  }

  async entries(): Promise<RunEntry[]> {
    const { runs } = await this.#index;
    return runs.map(({ name, title }) => ({ name, title, published: true, usable: true }));
  }

  /** Undefined where no published run has this name. */
  async open(name: string): Promise<OpenRun | undefined> {
    const run = (await this.#index).runs.find((each) => each.name === name);
    if (!run) return undefined;
    const place = { name, checkpointsDir: publishedDir };
    return openGenerator(this.#generators, place, {
      ...run,
      epochs: async () => ["latest"],
      pair: examplesOf(run),
    });
  }
}

/** The published examples one after the other; after them, where the data set is drawn by rules, new drawings. */
function examplesOf(run: PublishedRun): () => Promise<StudioPair | undefined> {
  const { examples, drawn, width } = run;
  let next = 0;
  return async () => {
    const at = next++;
    if (drawn && at >= examples.length) return drawnPair(at, width);
    return example(run, at % Math.max(1, examples.length));
  };
}

/** A facade that the generator was not trained on: training uses another seed. */
function drawnPair(index: number, size: number): StudioPair {
  const { label, photo } = drawFacade(new Random(0, "facade", index), size);
  return { name: `facade_${index}`, input: label, target: photo };
}

async function example({ name, examples }: PublishedRun, index: number): Promise<StudioPair | undefined> {
  const chosen = examples[index];
  if (!chosen) return undefined;
  const load = async (file: string | undefined) => {
    if (file === undefined) return undefined;
    const response = await fetch(`${publishedBase()}${encodeURIComponent(name)}/${file}`);
    if (!response.ok) throw new UserError(`${file} cannot be loaded: the server answers ${response.status}.`);
    return images.decode(new Uint8Array(await response.arrayBuffer()));
  };
  const [input, target, output] = await Promise.all([chosen.input, chosen.target, chosen.output].map(load));
  return input && { name: chosen.name, input, target, output };
}
