/** Generators in a worker of this page, opened when they are first used. */
import type { DrawingKit } from "../../data/drawing.ts";
import type { StudioFacts } from "../../inference/publish.ts";
import type { Picture } from "../../platform.ts";
import type { RunPlace } from "../../run/run.ts";
import type { Client, RemoteTranslator } from "../../web/client.ts";
import type { OpenRun, StudioPair, Translated, TranslateSettings } from "../home.ts";
import { makeClient } from "./client.ts";

/** What a home knows of a run beside its generator. */
interface RunSource extends StudioFacts {
  title: string;
  made?: number | undefined;
  drawing: DrawingKit;
  epochs(): Promise<readonly string[]>;
  pair(): Promise<StudioPair | undefined>;
  /** Changes when the latest weights do. Absent where they never do. */
  version?(): Promise<number>;
}

/** The worker that translates. It is not the one that trains, so that a stroke need not wait for a step. */
export class Generators {
  #client: Client | undefined;

  get client(): Client {
    this.#client ??= makeClient();
    return this.#client;
  }
}

/** Opens a run of the browser's storage, or one that is published with the page. Its weights begin to load. */
export function openGenerator({ client }: Generators, place: RunPlace, source: RunSource): OpenRun {
  const opened = new Opened(client, place, source);
  opened.prepare();
  return {
    ...source,
    name: place.name,
    translate: (picture, settings) => opened.translate(picture, settings),
    close: () => opened.close(),
  };
}

/** Keeps one translator, that of the settings that were used last, to save memory. */
class Opened {
  readonly #client: Client;
  readonly #place: RunPlace;
  readonly #source: RunSource;
  #key = "";
  #translator: Promise<RemoteTranslator> | undefined;

  constructor(client: Client, place: RunPlace, source: RunSource) {
    this.#client = client;
    this.#place = place;
    this.#source = source;
  }

  /** Begins to load the weights. A failure is reported by the first `translate`, which tries again. */
  prepare(): void {
    this.#open({}).catch(() => {});
  }

  async translate(picture: Picture, settings: TranslateSettings = {}): Promise<Translated> {
    const began = performance.now();
    const { name, sample } = settings;
    const translator = await this.#open(settings);
    const draw = { ...(name !== undefined && { name }), ...(sample !== undefined && { sample }) };
    const output = await translator.translate(picture, draw, { preprocess: "none" });
    return { picture: output, milliseconds: performance.now() - began };
  }

  async close(): Promise<void> {
    const open = this.#translator;
    this.#translator = undefined;
    await (await open)?.close();
  }

  async #open({ epoch, dropout, statistics, seed }: TranslateSettings): Promise<RemoteTranslator> {
    const version = await this.#source.version?.();
    const key = JSON.stringify([epoch, dropout, statistics, seed, version]);
    if (!this.#translator || key !== this.#key) {
      const before = this.#translator;
      this.#key = key;
      this.#translator = this.#client.openTranslator({
        ...this.#place,
        ...(epoch !== undefined && { epoch }),
        dropout,
        statistics,
        seed,
      });
      this.#translator.catch(() => {
        this.#translator = undefined;
      });
      await before?.then((old) => old.close()).catch(() => {});
    }
    return this.#translator;
  }
}
