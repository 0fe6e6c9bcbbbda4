/**
 * What the page can do, wherever it runs. The studio and the other pages know only these interfaces; `homes/` implements them:
 * in the browser's storage (`pix2pix web`), on published files (`pix2pix export --format site`), and through the HTTP API
 * (`pix2pix serve`).
 */
import type { DrawingKit } from "../data/drawing.ts";
import type { JudgedSamples } from "../inference/judge.ts";
import type { Picture } from "../platform.ts";

export interface Home {
  readonly kind: "browser" | "site" | "server";
  /** The routes beside the studio that make sense here. */
  readonly abilities: { readonly train: boolean; readonly runs: boolean };
  /** All runs, those that can be drawn with first. */
  runs(): Promise<RunEntry[]>;
  /** @throws UserError for a run that is not there or that has no weights yet */
  open(name: string): Promise<OpenRun>;
  /**
   * The maps of a run's discriminator on one of its samples. Absent where there are published runs only, which have none.
   * @throws UserError where the run has no stored discriminator
   */
  judge?(name: string, sample: string): Promise<JudgedSamples>;
  /**
   * Makes a run of a model's files, so that it can be drawn with. Absent where runs cannot be stored.
   * @returns the name of the run
   * @throws UserError for files of which no run can be made, and for a model that cannot be drawn for. Then no run is left
   */
  openModel?(files: readonly File[], options: OpenModelOptions): Promise<string>;
}

export interface OpenModelOptions {
  /** An input of the model, of any size: until the page is left, the run gives it as its pair. */
  example?: Pick<StudioPair, "name" | "input"> | undefined;
  /** Of the run. Empty: a project keeps its own. */
  name: string;
  /** What the sheet of the model offers. That of a project is in its file. */
  drawing: DrawingKit;
  /** Aborted when the user does not want the model any more: no run is left. */
  signal: AbortSignal;
}

export interface RunEntry {
  name: string;
  /** Differs from the name for the generator that is shipped with the page. */
  title: string;
  /** Whether it came with the page. */
  published: boolean;
  /** Whether it has weights to translate with. */
  usable: boolean;
  /** When its options and its palette were written: another run may take its name. Absent where that is not known. */
  made?: number | undefined;
}

/** Settings of one translation. Where one is absent, the run's own setting holds. */
export interface TranslateSettings {
  /** "latest" (default), "best", or the number of a kept epoch. */
  epoch?: string | undefined;
  dropout?: "on" | "off" | undefined;
  statistics?: "batch" | "running" | "image" | undefined;
  /** Seed of the dropout masks. */
  seed?: number | undefined;
  /** The number of the output, from 0: each has dropout masks of its own. */
  sample?: number | undefined;
  /** The name of the picture, which the masks depend on as in `pix2pix translate`. */
  name?: string | undefined;
}

export interface Translated {
  /** Of the size of the picture that was given. */
  picture: Picture;
  /** From the request to the output. */
  milliseconds: number;
}

/** A pair of the run's data set. */
export interface StudioPair {
  name: string;
  input: Picture;
  /** Absent where only the input was published. */
  target?: Picture | undefined;
  /** The output that was published with it, shown until this machine has computed its own. */
  output?: Picture | undefined;
}

/** A run that can be drawn with. */
export interface OpenRun {
  readonly name: string;
  /** As in the list of runs. */
  readonly made?: number | undefined;
  readonly title: string;
  /** The size of pictures in training: that of an empty sheet. */
  readonly width: number;
  readonly height: number;
  /** Whether the generator has dropout, so that samples differ. */
  readonly stochastic: boolean;
  /** Whether its norms are batch norms, whose statistics the user can choose. */
  readonly batchNorms: boolean;
  /** Labels of kept weights: "latest", "best", numbers of epochs. */
  epochs(): Promise<readonly string[]>;
  /** The palette and the tool that belong to its inputs. */
  readonly drawing: DrawingKit;
  /** Replaces them; the run has to be opened anew. Absent where they are known from the data set, or cannot be stored. */
  setDrawing?(drawing: DrawingKit): Promise<void>;
  /** Of an opened model the options that its files do not show, with the values that were taken: "direction AtoB, ...". */
  readonly assumed?: string | undefined;
  /**
   * Translates a picture of any size at that size. While the run trains, "latest" are the weights of its newest checkpoint.
   * @throws UserError for a picture that the generator cannot take
   */
  translate(picture: Picture, settings?: TranslateSettings): Promise<Translated>;
  /** A pair of the data set at random, or the next of the published examples; undefined where there are none. */
  pair(): Promise<StudioPair | undefined>;
  /** Frees its memory. */
  close(): Promise<void>;
}
