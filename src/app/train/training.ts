/** Section 2: start a run, watch it, pause it, and go on with it, also after the page was closed. */
import { resumeConfig } from "../../index.ts";
import { deviceText } from "../../training/description.ts";
import type { Client } from "../../web/client.ts";
import { files } from "../../web/files.ts";
import { attempt, note, onClick, part, problem, show } from "./dom.ts";
import { builtIn } from "./pictures.ts";
import { Progress } from "./progress.ts";
import { deleteRun, removeUnusedData, runNames, type StoredRun, storedRun } from "./runs.ts";
import { configOf, freeName, type Settings } from "./settings.ts";
import { type DataSet, dataDir } from "./storage.ts";

/** The value in the list of runs for a new run. */
const newRun = "";
/** The key in localStorage of the run that was shown last. */
const lastRun = "pix2pix run";

export class Training {
  #client: Client;
  #data: DataSet | undefined;
  #stop: AbortController | undefined;
  #selected: (name: string | undefined) => void;
  #names: string[] = [];

  /** @param selected called with the run whose weights can be used, or undefined, whenever that changes */
  constructor(client: Client, selected: (name: string | undefined) => void) {
    this.#client = client;
    this.#selected = selected;
    onClick("start", () => this.#begin());
    part("resume").addEventListener("click", () => attempt(() => this.#resume()));
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

  /** Takes the pairs for the next run. */
  use(data: DataSet): void {
    this.#data = data;
    this.#form.name.value = freeName(data.title, this.#names);
    // The light in the drawn facades comes from one side, so they must not be mirrored.
    this.#form.mirror.checked = Boolean(data.root);
    if (!this.#stop) void attempt(() => this.#select(newRun));
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

  /** Shows a run that is not being trained, or the settings of a new one. */
  async #select(name: string): Promise<void> {
    await this.#show(name);
    const stored = name === newRun ? undefined : await storedRun(name);
    show(stored !== undefined, "delete-run");
    show(stored === undefined, "settings", "start");
    show(stored !== undefined && isUnfinished(stored), "resume");
    show(false, "pause");
    part<HTMLButtonElement>("start").disabled = this.#data === undefined;
    part("state").textContent = stored ? stateOf(stored) : this.#data ? "" : "Choose pictures first.";
    if (stored) new Progress(stored);
    else show(false, "progress");
    this.#selected(stored && stored.step > 0 ? name : undefined);
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
    await this.#train({ config, losses: [], step: 0 });
  }

  async #resume(): Promise<void> {
    const stored = await storedRun(this.#list.value);
    const { config, step } = stored;
    const next = step > 0 ? resumeConfig(config, { continueTrain: true }) : { ...config, continueTrain: false };
    await this.#train({ ...stored, config: next });
  }

  async #train(run: StoredRun): Promise<void> {
    const { config } = run;
    const stop = new AbortController();
    this.#stop = stop;
    this.#selected(undefined);
    show(false, "start", "resume", "settings", "delete-run");
    show(true, "pause");
    part("state").textContent = "Building the networks…";
    // Asks the browser not to clear the storage when it is short of space.
    void navigator.storage.persist?.();
    const progress = new Progress(run);
    try {
      await this.#client.train(
        config,
        {
          start: ({ device, threads }) => {
            part("state").textContent = `on ${deviceText(device, threads)}`;
            void attempt(() => this.#show(config.name));
          },
          step: (report) => progress.step(report),
          message: note,
        },
        stop.signal,
      );
    } catch (error) {
      problem(error);
    } finally {
      this.#stop = undefined;
      await this.#select((await runNames()).includes(config.name) ? config.name : newRun);
    }
  }
}

const isUnfinished = ({ config, step }: StoredRun): boolean => step < (config.maxSteps ?? 0);

function stateOf(run: StoredRun): string {
  if (run.step === 0) return "Started, nothing is saved yet.";
  return isUnfinished(run) ? `Paused at step ${run.step}.` : `Finished after ${run.step} steps.`;
}
