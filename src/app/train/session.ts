/**
 * The state of the page that trains, and what its controls do: pictures are chosen, a run is begun, paused, continued and deleted.
 * The training worker reports its progress here.
 */
import type { CheckedForm, Given } from "../../config/form.ts";
import { type Config, resumeCommandLine, resumeConfig } from "../../config/schema.ts";
import { findPairs } from "../../data/pairs.ts";
import { messageOf } from "../../errors.ts";
import { isWeightsName } from "../../formats/weights-names.ts";
import { stepsPerEpoch } from "../../run/steps.ts";
import { deviceText } from "../../training/description.ts";
import type { StepReport } from "../../training/train.ts";
import { notIsolated } from "../../web/capabilities.ts";
import type { Client } from "../../web/client.ts";
import { files } from "../../web/files.ts";
import { canHoldOut, heldOut } from "../../web/hold-out.ts";
import type { Picked } from "../../web/import.ts";
import { computesOn } from "../homes/client.ts";
import { assumedOptions, assumedText } from "../parts/assumed.ts";
import { modelName, nameInProject } from "../parts/model-files.ts";
import { folderName, freeName } from "../parts/run-names.ts";
import { Store } from "../parts/store.ts";
import { areHalves, isProject, type Pair, pairsText, previewOf, titleOf } from "./data.ts";
import {
  deleteRun,
  deleteUnfinished,
  isTraining,
  isUsable,
  removeUnusedData,
  runNames,
  runOf,
  type StoredRun,
  standingText,
  storedRun,
} from "./runs.ts";
import { checkChanges, checkSettings, drawnAt, holdOutSeed, prolonged, type Settings } from "./settings.ts";
import { builtIn, checkpointsDir, type DataSet, dataDir, leastPairs, remembered, usualShare } from "./storage.ts";
import { folderWords, pageWords } from "./words.ts";

/** The value in the list of runs for a new run. */
export const newRun = "";
/** Milliseconds between two looks at a run that another tab trains. */
const lookAgain = 2000;
/** Milliseconds between two drawings of facts, and of curves. */
const factsEvery = 200;
const curvesEvery = 2000;
/** Samples are drawn every 20 s (settings.ts). */
const samplesEvery = 5000;

export interface SessionState {
  /** The device, such as "the CPU, 2 threads"; undefined until it is known. */
  computesOn: string | undefined;
  /** Limits of this browser, and messages of the worker. */
  notes: readonly string[];
  problem: string | undefined;
  data: DataSet | undefined;
  preview: readonly Pair[];
  /** A text on the chosen pictures, or on the progress of their import. */
  pairsText: string | undefined;
  /** The settings of a new run. */
  settings: Settings;
  /** The names of all runs. */
  names: readonly string[];
  /** The run that is shown; `newRun` for the settings of a new one. */
  selected: string;
  /** "elsewhere": another tab trains it; "broken": it cannot be read. */
  phase: "new" | "training" | "elsewhere" | "stored" | "broken";
  /** A sentence on the phase. */
  status: string;
  run: StoredRun | undefined;
  /** Options of the run that are changed when it goes on. */
  changes: Given;
  /** The newest step of the training in progress. */
  report: StepReport | undefined;
  /** The newest message on an epoch, such as its scores. */
  said: string | undefined;
  /** These two grow when the curves and the samples are to be drawn again. */
  curves: number;
  samples: number;
  /** Changes when pictures have been stored. */
  stored: number;
  /** The run whose weights can be used. */
  usable: string | undefined;
}

const first: SessionState = {
  computesOn: undefined,
  notes: [],
  problem: undefined,
  data: undefined,
  preview: [],
  pairsText: undefined,
  settings: { name: "", size: 64, steps: "2000", mirror: true, given: {} },
  names: [],
  selected: newRun,
  phase: "new",
  status: "Choose pictures first.",
  run: undefined,
  changes: {},
  report: undefined,
  said: undefined,
  curves: 0,
  samples: 0,
  stored: 0,
  usable: undefined,
};

export class Session extends Store<SessionState> {
  readonly client: Client;
  #stop: AbortController | undefined;
  /** Numbers the selections: a later one ends what an earlier one still waits for. */
  #selection = 0;
  /** Resolves when the last change of the stored data sets is done. */
  #turn: Promise<unknown> = Promise.resolve();
  #drawn = { facts: 0, curves: 0, samples: 0, epoch: 0 };
  /** Resolves when the run and the pictures of the last visit are shown. */
  readonly #restored: Promise<void>;

  constructor(client: Client) {
    super(first);
    this.client = client;
    addEventListener("beforeunload", (event) => {
      if (this.#stop) event.preventDefault();
    });
    client.capabilities.then(
      (found) => {
        // threads-note.tsx says what to do.
        const notes = found.notes.filter((text) => text !== notIsolated);
        this.set({ computesOn: computesOn(found), notes: [...notes, ...this.state.notes] });
      },
      (error) => this.#fail(error),
    );
    this.#restored = this.attempt(async () => {
      const name = localStorage.getItem(remembered.run) ?? newRun;
      await this.#select((await runNames()).includes(name) ? name : newRun);
      await this.#restoreData().catch(() => localStorage.removeItem(remembered.data));
    });
  }

  /** Runs work that the user asked for, and shows its failure. */
  async attempt(work: () => Promise<unknown>): Promise<void> {
    this.set({ problem: undefined });
    await work().catch((error) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.set({ problem: pageWords(messageOf(error)) });
    console.error(error);
  }

  /** Shows a note, unless it is shown already. */
  #note(text: string): void {
    if (!this.state.notes.includes(text)) this.set({ notes: [...this.state.notes, text] });
  }

  // ---- Pictures -----------------------------------------------------------------------------------------------------

  /** Runs changes of the stored data sets one after the other: each removes the sets that no run and no choice uses. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** The data set of a training that begins: no stored run names it yet. */
  get #beginning(): string | undefined {
    return this.state.phase === "training" ? this.state.run?.config.dataroot : undefined;
  }

  useBuiltIn(): Promise<void> {
    const data: DataSet = { title: "facades", root: undefined, pairs: builtIn.train, direction: "AtoB" };
    return this.#inTurn(() => this.#choose(data));
  }

  async swap(): Promise<void> {
    const { data } = this.state;
    if (data) await this.#choose({ ...data, direction: data.direction === "AtoB" ? "BtoA" : "AtoB" });
  }

  /** Stores what the user has picked: pictures become the data set, a project or a trained model a run. */
  take(picked: readonly Picked[]): Promise<void> {
    return this.#inTurn(() => this.#take(picked));
  }

  async #take(picked: readonly Picked[]): Promise<void> {
    if (picked.length === 0) return;
    const [only] = picked;
    if (picked.length === 1 && only && (await isProject(only))) {
      const own = await nameInProject(only.file, only.path);
      const name = await this.client.importProject(only.file, only.path, checkpointsDir, own);
      if (!this.#stop) await this.#select(name);
      return;
    }
    if (picked.every(({ path }) => isWeightsName(path))) return this.#takeModel(picked);
    const title = titleOf(picked);
    const root = `${dataDir}/${title}-${Date.now().toString(36)}`;
    this.set({ preview: [], pairsText: "Reading the pictures…" });
    try {
      const { note, folders } = await this.client.importPictures(root, picked, (pairsText) => this.set({ pairsText }));
      const { pairs, notes: found, layout } = await findPairs(files, root, { skipUnpaired: true });
      const notes = found.map((text) => folderWords(pageWords(text), folders));
      const halves = await areHalves({ layout, pairs }, root);
      const share = pairs.length >= leastPairs && (await canHoldOut(root)) ? usualShare : undefined;
      await this.#choose(
        { title, root, pairs: pairs.length, share, direction: "AtoB", halves },
        { notes: note ? [...notes, note] : notes },
      );
      await removeUnusedData([root, this.#beginning]);
      this.set({ stored: this.state.stored + 1 });
    } catch (error) {
      this.set({ pairsText: undefined });
      throw error;
    }
  }

  /** Makes a run of the weights of a model that was trained elsewhere. */
  async #takeModel(picked: readonly Picked[]): Promise<void> {
    const paths = picked.map(({ path }) => path);
    const name = modelName(paths, await runNames());
    const { found, notes } = await this.client.importWeights(picked, { name, checkpointsDir }).catch(async (error) => {
      await deleteUnfinished(name).catch(() => {});
      throw error;
    });
    const assumed = assumedOptions(await runOf(name).config());
    const said = [found, ...notes, ...(assumed ? [assumedText(assumed)] : [])];
    for (const note of said) this.#note(`${name}: ${pageWords(note)}`);
    if (!this.#stop) await this.#select(name);
  }

  /** The data set of an earlier visit, where it is still stored. */
  async #restoreData(): Promise<void> {
    const text = localStorage.getItem(remembered.data);
    if (text === null) return;
    const last = JSON.parse(text) as DataSet;
    if (last.root !== undefined && !(await files.exists(last.root))) return;
    const held = last.root === undefined ? undefined : await heldOut(last.root);
    await this.#choose(held ? { ...last, ...held, share: undefined } : last, { keepRun: true });
  }

  /** Sets the share of the pairs that is kept from training. */
  keepShare(share: number): void {
    const { data } = this.state;
    if (data) this.#storeData({ ...data, share });
  }

  /** Makes a data set the chosen one, and remembers it for the next visit. */
  #storeData(data: DataSet): void {
    localStorage.setItem(remembered.data, JSON.stringify(data));
    this.set({ data });
  }

  /** @param options `keepRun`: the run that is shown stays */
  async #choose(data: DataSet, { notes = [] as readonly string[], keepRun = false } = {}): Promise<void> {
    const [preview, names] = await Promise.all([previewOf(data), runNames()]);
    this.#storeData(data);
    // The light in the drawn facades comes from one side, so they must not be mirrored.
    const settings = {
      ...this.state.settings,
      name: freeName(data.title, names),
      mirror: Boolean(data.root),
    };
    this.set({ preview, settings, pairsText: [pairsText(data), ...notes].join(" ") });
    if (!this.#stop) await this.#select(keepRun ? this.state.selected : newRun);
  }

  // ---- Runs ---------------------------------------------------------------------------------------------------------

  change(settings: Partial<Settings>): void {
    this.set({ settings: { ...this.state.settings, ...settings } });
  }

  changeRun(changes: Given): void {
    this.set({ changes });
  }

  select(name: string): Promise<void> {
    return this.attempt(() => this.#select(name));
  }

  /** Shows a run that another page has named; while this page trains, that training stays. */
  async show(name: string): Promise<void> {
    await this.#restored;
    if (this.#stop) return;
    if ((await runNames()).includes(name)) await this.select(name);
    else this.set({ problem: `There is no run "${name}". It may have been deleted.` });
  }

  /** Updates the list of runs: other pages and tabs make and delete some, too. A training, and changes of options, stay. */
  async relist(): Promise<void> {
    await this.#restored;
    const selection = this.#selection;
    const names = await runNames();
    if (selection !== this.#selection) return;
    this.set({ names });
    const { selected } = this.state;
    if (this.#stop || selected === newRun || names.includes(selected)) return;
    // Not `select`: what the page says of a run that was asked for stays.
    await this.#select(newRun).catch((error) => this.#fail(error));
  }

  /** Updates the list of runs after some were deleted in the storage panel. */
  refresh(): void {
    if (this.#stop) return;
    void this.attempt(async () => {
      const { selected } = this.state;
      await this.#select((await runNames()).includes(selected) ? selected : newRun);
    });
  }

  /** Shows a run, or the settings of a new one. */
  async #select(name: string): Promise<void> {
    const selection = ++this.#selection;
    const names = await runNames();
    if (selection !== this.#selection) return;
    localStorage.setItem(remembered.run, name);
    const empty = { names, selected: name, run: undefined, report: undefined, said: undefined, changes: {} };
    if (name === newRun) {
      const status = this.state.data ? "" : "Choose pictures first.";
      this.set({ ...empty, phase: "new", status, usable: undefined });
      return;
    }
    if (await isTraining(name)) {
      // Not awaited: what follows a selection must not wait until the other tab has trained.
      void this.#watchOther(empty, selection).catch((error) => this.#fail(error));
      return;
    }
    const run = await storedRun(name).catch(() => undefined);
    if (selection !== this.#selection) return;
    if (run)
      this.set({ ...empty, run, phase: "stored", status: standingText(run), usable: isUsable(run) ? name : undefined });
    else {
      const status = "This run cannot be read; it can be deleted.";
      this.set({ ...empty, phase: "broken", status, usable: undefined });
    }
    this.#redraw();
  }

  /** A run that another tab trains: shown until that has ended. */
  async #watchOther(shown: Partial<SessionState> & Pick<SessionState, "selected">, selection: number): Promise<void> {
    const { selected } = shown;
    const status = "Training in another tab. Pause it there to continue here.";
    this.set({ ...shown, phase: "elsewhere", status, usable: selected });
    while (selection === this.#selection && (await isTraining(selected))) {
      await new Promise((resolve) => setTimeout(resolve, lookAgain));
    }
    if (selection === this.#selection) await this.#select(selected);
  }

  async delete(): Promise<void> {
    const { selected } = this.state;
    if (selected === newRun || !confirm(`Delete the run "${selected}" with its weights?`)) return;
    // Pictures or a project that are chosen meanwhile wait for this: they may have the name of this run.
    await this.#inTurn(async () => {
      await deleteRun(selected);
      await removeUnusedData([this.state.data?.root]);
      await this.#select(newRun);
    });
  }

  // ---- Training -----------------------------------------------------------------------------------------------------

  /** The options of a new run, or the problems of its settings. */
  get checked(): CheckedForm {
    return checkSettings(this.state.settings, this.state.data);
  }

  /** The options of the shown run with its changes, or the problems of the changes. */
  get checkedChanges(): CheckedForm | undefined {
    const { run, changes } = this.state;
    return run && checkChanges(run.config, changes);
  }

  async begin(): Promise<void> {
    const { data, settings } = this.state;
    if (!data) return;
    const named = { ...settings, name: freeName(folderName(settings.name) || data.title, await runNames()) };
    const { config } = checkSettings(named, data);
    if (!config) return;
    const none = { losses: [], scores: [], step: 0, finished: false, begun: false, imported: false };
    const fresh: StoredRun = { ...none, config, lastStep: config.maxSteps };
    await this.#train(fresh, () => (data.root ? this.#divide(data.root, data) : this.#draw(settings.size)));
  }

  async #draw(size: Settings["size"]): Promise<void> {
    const root = drawnAt(size);
    if (await files.exists(`${root}/whole`)) return;
    this.set({ status: `Drawing ${builtIn.train} pairs…` });
    await this.client.writeDemo(root, { ...builtIn, size });
    await files.write(`${root}/whole`, "");
  }

  /** Moves the pairs that the user keeps from training. The choice is fixed from then on. */
  async #divide(root: string, { share, ...data }: DataSet): Promise<void> {
    if (!share) return;
    this.set({ status: "Setting pairs aside for scores…" });
    const { pairs, held } = await this.client.holdOut(root, { share, seed: holdOutSeed });
    this.#storeData({ ...data, pairs, held });
    this.set({ pairsText: pairsText({ ...data, pairs, held }) });
  }

  async resume(): Promise<void> {
    const stored = await storedRun(this.state.selected);
    const { config } = stored;
    const moved = !(await files.exists(config.dataroot));
    const { data, changes } = this.state;
    if (moved && !data?.root)
      throw new Error("The pictures of this run are not stored here. Choose them, then continue.");
    const dataroot = moved ? data!.root! : config.dataroot;
    await this.#train({ ...stored, config: resumeCommandLine(config, { ...changes, dataroot, continueTrain: true }) });
  }

  /** Continues a finished run. @param steps how many more */
  async trainMore(steps: number): Promise<void> {
    const stored = await storedRun(this.state.selected);
    const { config, step } = stored;
    const run = runOf(config.name);
    const perEpoch = (await run.status())?.steps.perEpoch ?? stepsPerEpoch((await run.progress())?.pairs ?? 1, config);
    // A run that --early-stop has ended would end again at once.
    const without = { ...config, earlyStop: undefined };
    const longer: Config = resumeConfig(without, prolonged(config, step, steps, perEpoch));
    await this.#train({ ...stored, config: resumeCommandLine(longer, this.state.changes) });
  }

  /** Asks the training in progress to save and end. */
  pause(): void {
    this.#stop?.abort();
    this.set({ status: "Finishing the step and saving…" });
  }

  /** @param prepare work on the data set, done before the training */
  async #train(run: StoredRun, prepare?: () => Promise<void>): Promise<void> {
    // The button was pressed twice before the run was read.
    if (this.#stop) return;
    const { config } = run;
    const stop = new AbortController();
    this.#stop = stop;
    this.#selection++;
    this.set({ phase: "training", run, usable: undefined, report: undefined, status: "Building the networks…" });
    this.#redraw();
    // Asks the browser not to clear the storage when it is short of space.
    void navigator.storage?.persist?.();
    try {
      await prepare?.();
      if (!stop.signal.aborted) this.set({ status: "Building the networks…" });
      await this.#work(config, stop.signal);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#stop = undefined;
      document.title = "Train \u00b7 pix2pix";
      await this.#select((await runNames()).includes(config.name) ? config.name : newRun);
    }
  }

  async #work(config: Config, signal: AbortSignal): Promise<void> {
    await this.client.train(
      config,
      {
        start: ({ device, threads }) => {
          if (!signal.aborted) this.set({ status: `on ${deviceText(device, threads)}` });
          void this.attempt(async () => this.set({ names: await runNames(), selected: config.name }));
          localStorage.setItem(remembered.run, config.name);
        },
        step: (report) => this.#step(config, report),
        message: (text) => (/^epoch \d+:/.test(text) ? this.set({ said: text }) : this.#note(pageWords(text))),
      },
      signal,
    );
  }

  #step(config: Config, report: StepReport): void {
    const { epoch, step, losses, lr, seconds, lastStep } = report;
    this.state.run?.losses.push({ epoch, step, ...losses, lr, seconds });
    // With the first checkpoint it can be used while it trains.
    if (step % config.saveLatestFreq === 0) this.set({ usable: config.name });
    const now = performance.now();
    const drawn = this.#drawn;
    const last = step === lastStep;
    if (last || now - drawn.facts > factsEvery) {
      drawn.facts = now;
      this.set({ report });
      document.title = `${Math.floor((100 * step) / lastStep)} % \u00b7 ${config.name} \u00b7 pix2pix`;
    }
    if (last || now - drawn.curves > curvesEvery) {
      drawn.curves = now;
      this.set({ curves: this.state.curves + 1 });
    }
    if (epoch !== drawn.epoch || now - drawn.samples > samplesEvery) {
      drawn.samples = now;
      this.set({ samples: this.state.samples + 1 });
    }
    drawn.epoch = epoch;
  }

  #redraw(): void {
    this.#drawn = { facts: 0, curves: 0, samples: 0, epoch: 0 };
    this.set({ curves: this.state.curves + 1, samples: this.state.samples + 1 });
  }
}
