/** Runs that are published with the page: their list, and their examples. */
import type { DrawingKit } from "../../data/drawing.ts";
import { drawFacade } from "../../demo/facades.ts";
import { Random } from "../../random.ts";
import { images } from "../../web/images.ts";
import { publishedDir } from "../../web/published.ts";
import type { OpenRun, RunEntry, StudioPair } from "../home.ts";
import { publishedBase } from "./client.ts";
import { type Generators, openGenerator } from "./generators.ts";

/** index.json in the folder of published runs. */
export interface PublishedIndex {
  runs: PublishedRun[];
}

export interface PublishedRun {
  name: string;
  title: string;
  drawing: DrawingKit;
  /** Inputs and targets, relative to the folder of the run. */
  examples: readonly { name: string; input: string; target?: string }[];
  /** Examples are drawn by the rules of the built-in data set; so any number of them. */
  drawn?: "facades";
}

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
    return runs.map(({ name, title }) => ({ name, title, state: "published", usable: true }));
  }

  /** Undefined where no published run has this name. */
  async open(name: string): Promise<OpenRun | undefined> {
    const run = (await this.#index).runs.find((each) => each.name === name);
    if (!run) return undefined;
    const place = { name, checkpointsDir: publishedDir };
    return openGenerator(this.#generators, place, {
      ...run,
      epochs: async () => ["latest"],
      pair: run.drawn ? drawnPairs() : () => example(run),
    });
  }
}

const drawnSize = 256;
/** The house that stands on the sheet at first. */
const firstHouse = 4;

/** Facades one after the other, from the one that is shown at first. */
function drawnPairs(): () => Promise<StudioPair> {
  let next = firstHouse;
  return async () => {
    const { label, photo } = drawFacade(new Random(0, "facade", next), drawnSize);
    return { name: `facade_${next++}`, input: label, target: photo };
  };
}

let shown = 0;

async function example({ name, examples }: PublishedRun): Promise<StudioPair | undefined> {
  const chosen = examples[shown++ % Math.max(1, examples.length)];
  if (!chosen) return undefined;
  const load = async (file: string) => {
    const response = await fetch(`${publishedBase()}${encodeURIComponent(name)}/${file}`);
    return images.decode(new Uint8Array(await response.arrayBuffer()));
  };
  const [input, target] = await Promise.all([load(chosen.input), chosen.target ? load(chosen.target) : undefined]);
  return { name: chosen.name, input, target };
}
