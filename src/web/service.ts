/** The methods that the page calls in its worker. */
import type { Config } from "../config/schema.ts";
import { type DemoOptions, writeDemo } from "../demo/write.ts";
import { DeviceLostError, UserError } from "../errors.ts";
import { type ExportOptions, exportOnnx } from "../exchange/onnx/export.ts";
import { type ProjectOptions, readProject, writeProject } from "../exchange/project.ts";
import { type Evaluation, evaluate, openTestSet } from "../inference/evaluate.ts";
import { type JudgedSamples, judgeSamples } from "../inference/judge.ts";
import { type OpenOptions, openTranslator } from "../inference/open.ts";
import type { Translator } from "../inference/translator.ts";
import type { Picture, Platform } from "../platform.ts";
import { Run, type RunPlace } from "../run/run.ts";
import { measureStep, type StepTime } from "../training/measure.ts";
import { type TrainEvents, type TrainResult, train } from "../training/train.ts";
import { type Capabilities, capabilities, chooseDevice, withoutWebGpu } from "./capabilities.ts";
import { files } from "./files.ts";
import { type HeldOut, type HoldOutOptions, holdOut } from "./hold-out.ts";
import { images } from "./images.ts";
import { type Imported, importPictures, type Picked } from "./import.ts";
import { type ImportedWeights, type ImportWeightsOptions, importWeights } from "./import-weights.ts";
import { webPlatform } from "./platform.ts";
import type { Context, Handlers, RemoteEvaluateOptions, WorkerOptions } from "./protocol.ts";
import { publishedDir, publishedFiles } from "./published.ts";

export class Service implements Handlers {
  #options: WorkerOptions = {};
  #found: Capabilities | undefined;
  readonly #opened = new Map<number, Translator>();
  #count = 0;

  async start(_: Context, options: WorkerOptions): Promise<Capabilities> {
    this.#options = options;
    this.#found = await capabilities();
    return this.#found;
  }

  importPictures({ emit }: Context, ...[root, picked]: Parameters<typeof importPictures>): Promise<Imported> {
    return importPictures(root, picked, (text) => emit("message", text));
  }

  async judgeSamples(_: Context, place: RunPlace, sample: string): Promise<JudgedSamples> {
    const run = new Run(files, place);
    const { platform } = await this.#platform(
      { ...(await run.config()), checkpointsDir: place.checkpointsDir },
      () => {},
    );
    const strip = await images.decode(await files.read(run.path(sample)));
    return judgeSamples(place, strip, platform);
  }

  holdOut(_: Context, root: string, options: HoldOutOptions): Promise<HeldOut> {
    return holdOut(root, options);
  }

  writeDemo(_: Context, root: string, options: DemoOptions): Promise<void> {
    return writeDemo({ files, images }, root, options);
  }

  async train({ emit, signal }: Context, config: Config): Promise<TrainResult> {
    const { platform, device } = await this.#platform(config, (note) => emit("message", note));
    const events: TrainEvents = {
      start: (description) => emit("start", description),
      step: (report) => emit("step", report),
      epoch: (report) => emit("epoch", report),
      message: (text) => emit("message", text),
    };
    try {
      return await train({ ...config, device }, platform, events, signal);
    } catch (error) {
      if (error instanceof DeviceLostError) this.#found = withoutWebGpu(this.#found!);
      throw error;
    }
  }

  async measureStep({ signal }: Context, config: Config): Promise<StepTime> {
    const { platform, device } = await this.#platform(config, () => {});
    return measureStep({ ...config, device }, platform, signal);
  }

  async open({ emit }: Context, options: OpenOptions): Promise<{ id: number; config: Config }> {
    const { platform, device } = await this.#platform(options, (note) => emit("message", note));
    const translator = await openTranslator({ ...options, device }, platform);
    this.#opened.set(++this.#count, translator);
    return { id: this.#count, config: translator.config };
  }

  async translate(_: Context, id: number, ...args: Parameters<Translator["translate"]>): Promise<Picture> {
    return this.#translator(id).translate(...args);
  }

  async evaluate(_: Context, id: number, { samples, ...options }: RemoteEvaluateOptions): Promise<Evaluation> {
    const translator = this.#translator(id);
    const { loader } = await openTestSet(translator.config, options, { files, images });
    return evaluate(translator, loader, { samples });
  }

  async close(_: Context, id: number): Promise<void> {
    await this.#opened.get(id)?.close();
    this.#opened.delete(id);
  }

  exportOnnx(_: Context, options: ExportOptions): Promise<Uint8Array<ArrayBuffer>> {
    return exportOnnx(options, files);
  }

  exportProject(_: Context, place: RunPlace, options: ProjectOptions): Promise<Uint8Array<ArrayBuffer>> {
    return writeProject(new Run(files, place), options, files);
  }

  async importProject(
    _: Context,
    file: Blob,
    path: string,
    checkpointsDir: string,
    name: string | undefined,
  ): Promise<string> {
    const { run } = await readProject(file, path, { checkpointsDir, ...(name !== undefined && { name }) }, files);
    return run.name;
  }

  importWeights(_: Context, picked: readonly Picked[], options: ImportWeightsOptions): Promise<ImportedWeights> {
    return importWeights(picked, options);
  }

  #translator(id: number): Translator {
    const translator = this.#opened.get(id);
    if (!translator) throw new UserError("This translator has been closed: open the run again.");
    return translator;
  }

  async #platform(
    { device: asked = "auto", threads, checkpointsDir }: Pick<OpenOptions, "device" | "threads" | "checkpointsDir">,
    say: (note: string) => void,
  ): Promise<{ platform: Platform; device: Config["device"] }> {
    this.#found ??= await capabilities();
    const { name, note } = chooseDevice(asked, this.#found);
    if (note) say(note);
    const { runtimeBase, compressed, published } = this.#options;
    const own = await webPlatform({ device: name, threads, runtimeBase, compressed, found: this.#found });
    const isPublished = published !== undefined && checkpointsDir === publishedDir;
    const platform = isPublished ? { ...own, files: publishedFiles(published) } : own;
    // A run that asks for auto keeps auto, so that it can be opened elsewhere; cpu and cuda are devices of Node.
    return { platform, device: asked === "auto" || note ? "auto" : name };
  }
}
