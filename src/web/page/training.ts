/** Section 2: begin a run, watch it, pause it, and go on with it, also after the page was closed. */
import { type Config, resumeConfig } from "../../index.ts";
import type { Client } from "../client.ts";
import { files } from "../files.ts";
import { attempt, note, onClick, part, problem, show } from "./dom.ts";
import { builtIn, type DataSet } from "./pictures.ts";
import { Progress } from "./progress.ts";
import { clearPictures, deleteRun, runNames, storedRun } from "./runs.ts";
import { configOf, dataDir, freeName, type Settings } from "./settings.ts";

/** The choice in the list of runs that stands for a new one. */
const newRun = "";
/** Where the page remembers the run that was looked at last. */
const lastRun = "pix2pix run";

export class Training {
  #client: Client;
  #data: DataSet | undefined;
  #stop: AbortController | undefined;
  #selected: (name: string | undefined) => void;
  #names: string[] = [];

  /** @param selected is told the run whose weights can be used, whenever that changes */
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
      await clearPictures(this.#data?.root);
      await this.#select(newRun);
    });
    this.#list.addEventListener("change", () => attempt(() => this.#select(this.#list.value)));
    void attempt(async () => {
      const name = localStorage.getItem(lastRun) ?? newRun;
      await this.#select((await runNames()).includes(name) ? name : newRun);
    });
  }

  /** The pairs of the next run. */
  use(data: DataSet): void {
    this.#data = data;
    this.#form.name.value = freeName(data.title, this.#names);
    // What is drawn has its light and its letters on one side.
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

  /** Shows a run, or the settings of a new one. */
  async #select(name: string): Promise<void> {
    this.#names = await runNames();
    const options = [newRun, ...this.#names].map((value) => new Option(value || "a new one", value));
    this.#list.replaceChildren(...options);
    this.#list.value = name;
    localStorage.setItem(lastRun, name);
    const stored = name === newRun ? undefined : await storedRun(name);
    const running = this.#stop !== undefined;
    const unfinished = stored !== undefined && stored.step < (stored.config.maxSteps ?? 0);
    this.#list.disabled = running;
    show(this.#names.length > 0, "runs-box");
    show(stored !== undefined && !running, "delete-run");
    show(stored === undefined, "settings", "start");
    show(running, "pause");
    show(unfinished && !running, "resume");
    part<HTMLButtonElement>("start").disabled = this.#data === undefined;
    part("state").textContent = running
      ? ""
      : stored
        ? unfinished
          ? `Paused at step ${stored.step}.`
          : `Finished after ${stored.step} steps.`
        : this.#data
          ? ""
          : "Choose pictures first.";
    if (stored && !running) new Progress(stored);
    if (!stored) show(false, "progress");
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
    await this.#train(config);
  }

  async #resume(): Promise<void> {
    const { config } = await storedRun(this.#list.value);
    await this.#train(resumeConfig(config, { continueTrain: true }));
  }

  async #train(config: Config): Promise<void> {
    const stop = new AbortController();
    this.#stop = stop;
    show(false, "start", "resume", "settings", "delete-run");
    show(true, "pause");
    part("state").textContent = "Building the networks…";
    // Storage that the browser may not clear by itself when it is short of space.
    void navigator.storage.persist?.();
    let progress: Progress | undefined;
    const reports: Parameters<Progress["step"]>[0][] = [];
    try {
      await this.#client.train(
        config,
        {
          start: ({ lines }) => {
            part("state").textContent =
              lines.find((line) => line.startsWith("device"))?.replace(/^device +/, "on ") ?? "";
            void this.#select(config.name).then(async () => {
              progress = new Progress(await storedRun(config.name));
              for (const report of reports.splice(0)) if (report.step > progress.lastStep) progress.step(report);
            });
          },
          step: (report) => (progress ? progress.step(report) : void reports.push(report)),
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
