/** `pix2pix web`: the runs in this browser's storage, and the generator that is shipped with the page. */
import type { Config } from "../../config/schema.ts";
import { UserError } from "../../errors.ts";
import { drawingOf, openExamples } from "../../inference/examples.ts";
import type { JudgedSamples } from "../../inference/judge.ts";
import { studioFacts } from "../../inference/publish.ts";
import { configFile, drawingFile } from "../../run/paths.ts";
import { listRuns, type Run } from "../../run/run.ts";
import { files, modifiedAt } from "../../web/files.ts";
import { images } from "../../web/images.ts";
import type { Home, OpenModelOptions, OpenRun, RunEntry, StudioPair } from "../home.ts";
import { assumedOptions } from "../parts/assumed.ts";
import { isProjectName, nameInProject } from "../parts/model-files.ts";
import { fitted } from "../studio/incoming.ts";
import { deleteRun, deleteUnfinished, runNames, runOf } from "../train/runs.ts";
import { checkpointsDir } from "../train/storage.ts";
import { inPageWords } from "../train/words.ts";
import { makeClient } from "./client.ts";
import { Generators, openGenerator } from "./generators.ts";
import { PublishedRuns } from "./published.ts";

export class BrowserHome implements Home {
  readonly kind = "browser";
  readonly abilities = { train: true, runs: true };
  readonly #generators = new Generators();
  readonly #published = new PublishedRuns(this.#generators);
  /** Inputs of opened models, by their runs. */
  readonly #examples = new Map<string, StudioPair>();

  async runs(): Promise<RunEntry[]> {
    const names = await listRuns(files, checkpointsDir).catch(() => []);
    return [...(await Promise.all(names.map(entryOf))), ...(await this.#published.entries())];
  }

  open(name: string): Promise<OpenRun> {
    return inPageWords(this.#open(name));
  }

  async #open(name: string): Promise<OpenRun> {
    const run = runOf(name);
    if (!(await run.isStarted().catch(() => false))) {
      const published = await this.#published.open(name);
      if (published) return published;
      throw new UserError(`This browser has no run "${name}". Train it, or choose another.`);
    }
    const config = await run.config();
    const problem = notDrawn(config);
    if (problem) throw new UserError(`The run "${name}" ${problem}. Choose another.`);
    if (!(await run.hasWeights())) {
      throw new UserError(`The run "${name}" has no weights yet: they come with its first checkpoint. Choose another.`);
    }
    const sheet = { ...studioFacts(config), drawing: await drawingOf(run, config, { files, images }) };
    const example = this.#examples.get(name);
    const opened = openGenerator(
      this.#generators,
      { checkpointsDir, name },
      {
        title: name,
        made: await madeAt(run),
        ...sheet,
        epochs: () => run.keptWeights(),
        pair: async () =>
          (await randomPair(config)) ?? (example && { ...example, input: fitted(example.input, sheet, "fit") }),
        version: async () => (await run.progress().catch(() => undefined))?.step ?? 0,
      },
    );
    return {
      ...opened,
      ...((await run.isImported()) && { setDrawing: (drawing) => run.saveDrawing(drawing) }),
      assumed: assumedOptions(config),
      translate: (...args) => inPageWords(opened.translate(...args)),
    };
  }

  async openModel(chosen: readonly File[], options: OpenModelOptions): Promise<string> {
    const { name, drawing, example, signal } = options;
    const [first] = chosen;
    const project = chosen.length === 1 && first && isProjectName(first.name) ? first : undefined;
    const taken = await runNames();
    // Also a folder without options: a training that was cut short has left its losses and samples there.
    if (name && taken.includes(name)) {
      throw new UserError(`There is a run "${name}" already. Choose another name, or delete it on the page Train.`);
    }
    const made = await imported(chosen, project, options, taken);
    try {
      const run = runOf(made);
      const problem = notDrawn(await run.config());
      if (problem) throw new UserError(`This model ${problem}.`);
      if (!project) await run.saveDrawing(drawing);
      signal.throwIfAborted();
      if (example) this.#examples.set(made, example);
      return made;
    } catch (error) {
      await deleteRun(made);
      throw error;
    }
  }

  judge(name: string, sample: string): Promise<JudgedSamples> {
    return inPageWords(this.#generators.client.judgeSamples({ checkpointsDir, name }, sample));
  }
}

/**
 * Makes a run in a worker of its own: the studio translates meanwhile, and a reading that is cancelled ends at once with its worker.
 * A failure leaves no half-written run.
 * @param taken the names of the runs that were there before
 * @returns the name of the run
 */
async function imported(
  chosen: readonly File[],
  project: File | undefined,
  { name, signal }: OpenModelOptions,
  taken: readonly string[],
): Promise<string> {
  const own = name || (project && (await nameInProject(project, project.name)));
  const client = makeClient();
  const end = () => client.terminate();
  signal.addEventListener("abort", end);
  try {
    signal.throwIfAborted();
    if (project) return await client.importProject(project, project.name, checkpointsDir, own);
    const picked = chosen.map((file) => ({ path: file.name, file }));
    await client.importWeights(picked, { name, checkpointsDir });
    return name;
  } catch (error) {
    if (own && !taken.includes(own)) await (signal.aborted ? deleteRun(own) : deleteUnfinished(own)).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

/** Most channels of a picture: colours and alpha. */
const mostChannels = 4;

/** Why the studio cannot show a generator: a predicate; undefined where it can. */
function notDrawn({ inputLabels, inputNc, outputNc }: Config): string | undefined {
  if (inputLabels !== undefined) return "takes label maps of class numbers, which cannot be drawn here";
  const [verb, channels] = inputNc > mostChannels ? ["takes", inputNc] : ["gives", outputNc];
  if (channels <= mostChannels) return undefined;
  return `${verb} pictures of ${channels} channels, and the studio has pictures of at most ${mostChannels}`;
}

/** When the options of a run, or what its sheet offers, were last written, in milliseconds; undefined where there are none. */
async function madeAt(run: Run): Promise<number | undefined> {
  const times = await Promise.all([configFile, drawingFile].map((file) => modifiedAt(run.path(file))));
  return Math.max(...times) || undefined;
}

async function entryOf(name: string): Promise<RunEntry> {
  const run = runOf(name);
  const { step = 0 } = (await run.progress().catch(() => undefined)) ?? {};
  const usable = step > 0 || (await run.isImported().catch(() => false));
  return { name, title: name, published: false, usable, made: await madeAt(run) };
}

/** A pair at random, of the test pairs where the data set has them. */
async function randomPair(config: Config): Promise<StudioPair | undefined> {
  const examples = await openExamples(config, { files, images });
  return examples?.pair(Math.floor(Math.random() * examples.count));
}
