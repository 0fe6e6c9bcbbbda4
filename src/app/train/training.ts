/** Section 2: start a run, watch it, pause it, and go on with it, also after the page was closed. */
import { resumeConfig } from "../../index.ts";
import { deviceText } from "../../training/description.ts";
import type { Client } from "../../web/client.ts";
import { files } from "../../web/files.ts";
import { attempt, note, onClick, part, problem, show } from "./dom.ts";
import { builtIn } from "./pictures.ts";
import { Progress } from "./progress.ts";
import { deleteRun, isTraining, removeUnusedData, runNames, runOf, type StoredRun, storedRun } from "./runs.ts";
import { configOf, freeName, prolonged, type Settings } from "./settings.ts";
import { type DataSet, dataDir } from "./storage.ts";

/** The value in the list of runs for a new run. */
const newRun = "";
/** Milliseconds between two looks at a run that another tab trains. */
const lookAgain = 2000;
/** The key in localStorage of the run that was shown last. */
const lastRun = "pix2pix run";

export class Training {
  #client: Client;
  #data: DataSet | undefined;
  #stop: AbortController | undefined;
  #selected: (name: string | undefined) => void;
  #names: string[] = [];
  /** Numbers the selections: a later one ends what an earlier one still waits for. */
  #selection = 0;

  /** @param selected called with the run whose weights can be used, or undefined, whenever that changes */
  constructor(client: Client, selected: (name: string | undefined) => void) {
    this.#client = client;
    this.#selected = selected;
    onClick("start", () => this.#begin());
    part("resume").addEventListener("click", () => attempt(() => this.#resume()));
    part("train-more").addEventListener("click", () => attempt(() => this.#trainMore()));
    addEventListener("beforeunload", (event) => {
      if (this.#stop) event.preventDefault();
    });
    part("pause").addEventListener("click", () => {
      this.#stop?.abort();
      part("state").textContent = "Finishing the step and saving…";
    });
    onClick("delete-run", async () => {
      const { value } = this.#list;
      if (value === newRun || !confirm(`Delete the run "${value}" with its weights?`)) return;
      await deleteRun(value);
      await removeUnusedData(this.#data?.root);
      await this.#select(newRun);
    });
    this.#list.addEventListener("change", () => attempt(() => this.#select(this.#list.value)));
    void attempt(async () => {
      const name = localStorage.getItem(lastRun) ?? newRun;
      await this.#select((await runNames()).includes(name) ? name : newRun);
    });
  }

  /** Takes the pairs for the next run. @param remembered from an earlier visit: the run that is shown stays */
  use(data: DataSet, remembered = false): void {
    this.#data = data;
    this.#form.name.value = freeName(data.title, this.#names);
    // The light in the drawn facades comes from one side, so they must not be mirrored.
    this.#form.mirror.checked = Boolean(data.root);
    if (!this.#stop) void attempt(() => this.#select(remembered ? this.#list.value : newRun));
  }

  /** Shows a run. */
  open(name: string): void {
    if (!this.#stop) void attempt(() => this.#select(name));
  }

  /** After runs were deleted elsewhere on the page. */
  refresh(): void {
    if (this.#stop) return;
    void attempt(async () => {
      const { value } = this.#list;
      await this.#select((await runNames()).includes(value) ? value : newRun);
    });
  }

  get #list(): HTMLSelectElement {
    return part<HTMLSelectElement>("runs");
  }

  get #form() {
    const { elements } = part<HTMLFormElement>("settings");
    const input = (name: string) => elements.namedItem(name) as HTMLInputElement;
    return { name: input("name"), steps: input("steps"), mirror: input("mirror"), size: input("size") };
  }

  /** Fills the list of runs and selects this one. */
  async #show(name: string): Promise<void> {
    this.#names = await runNames();
    const options = [newRun, ...this.#names].map((value) => new Option(value || "a new one", value));
    this.#list.replaceChildren(...options);
    this.#list.value = name;
    this.#list.disabled = this.#stop !== undefined;
    localStorage.setItem(lastRun, name);
    show(this.#names.length > 0, "runs-box");
  }

  /** Shows a run, or the settings of a new one. */
  async #select(name: string): Promise<void> {
    const selection = ++this.#selection;
    await this.#show(name);
    show(false, "pause");
    if (name === newRun) {
      show(true, "settings", "start");
      show(false, "delete-run", "resume", "more-box", "progress");
      part<HTMLButtonElement>("start").disabled = this.#data === undefined;
      part("state").textContent = this.#data ? "" : "Choose pictures first.";
      this.#selected(undefined);
      return;
    }
    show(false, "settings", "start");
    if (await isTraining(name)) return this.#watchOther(name, selection);
    const stored = await storedRun(name).catch((error: Error) => error);
    if (selection !== this.#selection) return;
    show(true, "delete-run");
    const found = stored instanceof Error ? undefined : stored;
    show(found !== undefined && isUnfinished(found), "resume");
    show(found !== undefined && !isUnfinished(found), "more-box");
    part("state").textContent = found ? stateOf(found) : "This run cannot be read; it can be deleted.";
    if (found) new Progress(found);
    else show(false, "progress");
    this.#selected(found && found.step > 0 ? name : undefined);
  }

  /** A run that another tab trains: shown until that has ended. */
  async #watchOther(name: string, selection: number): Promise<void> {
    show(false, "delete-run", "resume", "more-box", "progress");
    part("state").textContent = "Training in another tab. Pause it there to go on here.";
    this.#selected(name);
    while (selection === this.#selection && (await isTraining(name))) {
      await new Promise((resolve) => setTimeout(resolve, lookAgain));
    }
    if (selection === this.#selection) await this.#select(name);
  }

  async #begin(): Promise<void> {
    const data = this.#data;
    const { name, steps, mirror, size } = this.#form;
    if (!data || ![name, steps].every((input) => input.reportValidity())) return;
    const settings: Settings = {
      name: freeName(name.value.trim().replaceAll(/[\\/:*?"<>|]+/g, "-") || data.title, this.#names),
      size: Number(size.value) as Settings["size"],
      steps: Number(steps.value),
      mirror: mirror.checked,
    };
    const drawnAt = `${dataDir}/facades-${settings.size}`;
    const config = configOf(settings, data, drawnAt);
    if (!data.root && !(await files.exists(`${drawnAt}/whole`))) {
      part("state").textContent = `Drawing ${builtIn.train} pairs…`;
      await this.#client.writeDemo(drawnAt, { ...builtIn, size: settings.size });
      await files.write(`${drawnAt}/whole`, "");
    }
    await this.#train({ config, losses: [], step: 0, begun: false });
  }

  async #resume(): Promise<void> {
    const stored = await storedRun(this.#list.value);
    const { config, begun } = stored;
    const moved = !(await files.exists(config.dataroot));
    if (moved && !this.#data?.root)
      throw new Error("Choose the pictures of this run first: they did not come with it.");
    const dataroot = moved ? this.#data!.root! : config.dataroot;
    const next = begun
      ? resumeConfig(config, { continueTrain: true, dataroot })
      : { ...config, dataroot, continueTrain: false };
    await this.#train({ ...stored, config: next });
  }

  /** Goes on with a finished run. */
  async #trainMore(): Promise<void> {
    const input = part<HTMLInputElement>("more-steps");
    if (!input.reportValidity()) return;
    const stored = await storedRun(this.#list.value);
    const { config, step } = stored;
    const { pairs } = (await runOf(config.name).progress()) ?? { pairs: 1 };
    await this.#train({ ...stored, config: resumeConfig(config, prolonged(config, step, Number(input.value), pairs)) });
  }

  async #train(run: StoredRun): Promise<void> {
    const { config } = run;
    const stop = new AbortController();
    this.#stop = stop;
    this.#selected(undefined);
    this.#selection++;
    show(false, "start", "resume", "settings", "delete-run", "more-box");
    show(true, "pause");
    part("pause").focus();
    part("state").textContent = "Building the networks…";
    // Asks the browser not to clear the storage when it is short of space.
    void navigator.storage.persist?.();
    const progress = new Progress(run);
    try {
      await this.#client.train(
        config,
        {
          start: ({ device, threads }) => {
            if (!stop.signal.aborted) part("state").textContent = `on ${deviceText(device, threads)}`;
            void attempt(() => this.#show(config.name));
          },
          step: (report) => {
            progress.step(report);
            // With the first checkpoint it can be used while it trains.
            if (report.step % config.saveLatestFreq === 0) this.#selected(config.name);
          },
          message: note,
        },
        stop.signal,
      );
    } catch (error) {
      problem(error);
    } finally {
      this.#stop = undefined;
      document.title = "Train \u00b7 pix2pix";
      const focused = document.activeElement === part("pause") || document.activeElement === document.body;
      await this.#select((await runNames()).includes(config.name) ? config.name : newRun);
      // The button that was pressed is gone: the next one takes the focus.
      if (focused) (part("resume").hidden ? part("train-more") : part("resume")).focus();
    }
  }
}

const isUnfinished = ({ config, step }: StoredRun): boolean => step < (config.maxSteps ?? 0);

function stateOf(run: StoredRun): string {
  if (run.step === 0) return run.begun ? "Paused before the first step." : "Started, nothing is saved yet.";
  return isUnfinished(run) ? `Paused at step ${run.step}.` : `Finished after ${run.step} steps.`;
}
