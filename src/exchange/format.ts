/** The type of an export format; the list of formats is in formats.ts. */
import type * as z from "zod";
import type { Platform } from "../platform.ts";
import type { ExportModel } from "./model.ts";

/** A file of an export. */
export interface WrittenFile {
  /** Below the folder of the export. */
  path: string;
  bytes: number;
}

/** Where a format writes to, and what it may use. */
export interface ExportContext {
  platform: Platform;
  /** Writes a file below the folder of the export. */
  write(path: string, content: Uint8Array | string): Promise<void>;
  /** Tells the user something about the export, in a line. */
  note(line: string): void;
  /** Adds a line about the exported model to the model card. */
  fact(line: string): void;
  /** The licence of the weights, as the user names it. */
  licence?: string | undefined;
  /** Reads the built web app; absent where there is none, as in a browser. */
  app?: (() => Promise<ReadonlyMap<string, Uint8Array>>) | undefined;
}

/** Options of a format by their key, each made with `option`. */
export type FormatOptions = Readonly<Record<string, z.ZodType>>;
type Values<O extends FormatOptions> = z.output<z.ZodObject<O>>;

/** One choice of `pix2pix export --format`. */
export interface ExportFormat<O extends FormatOptions = FormatOptions> {
  /** One line for the help of --format. */
  help: string;
  /**
   * The options that it reads; `export` has those of all formats and refuses those of another one. An option that
   * several formats read is one and the same object.
   */
  options: O;
  /** Why the model cannot be exported with these options: a line for each problem, with a remedy. */
  problems?(model: ExportModel, options: Values<O>): string[];
  /** Writes the files of the export through the context. */
  write(model: ExportModel, options: Values<O>, context: ExportContext): Promise<void>;
  /** How the files are used, as Markdown for the model card. */
  usage(model: ExportModel, options: Values<O>): string;
}

/** Declares a format; its options give the types of its functions. */
export const exportFormat = <const O extends FormatOptions>(format: ExportFormat<O>): ExportFormat<O> => format;
