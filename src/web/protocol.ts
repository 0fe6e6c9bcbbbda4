/**
 * Messages between a page and its worker. The page calls methods of the worker (`Methods`); while one runs, the worker
 * may report events of training. Errors keep their class, which tells a user what to do.
 */
import type { Config } from "../config/schema.ts";
import type { DemoOptions } from "../demo/write.ts";
import * as errors from "../errors.ts";
import type { ExportOptions } from "../exchange/onnx/export.ts";
import type { ProjectOptions } from "../exchange/project.ts";
import type { Evaluation, TestSetOptions } from "../inference/evaluate.ts";
import type { JudgedSamples } from "../inference/judge.ts";
import type { OpenOptions } from "../inference/open.ts";
import type { Translator } from "../inference/translator.ts";
import type { Picture } from "../platform.ts";
import type { RunPlace } from "../run/run.ts";
import type { StepTime } from "../training/measure.ts";
import type { TrainEvents, TrainResult } from "../training/train.ts";
import type { Capabilities } from "./capabilities.ts";
import type { HeldOut, HoldOutOptions } from "./hold-out.ts";
import type { Imported, importPictures, Picked } from "./import.ts";
import type { ImportedWeights, ImportWeightsOptions } from "./import-weights.ts";

export interface WorkerOptions {
  /** See RuntimeOptions.base. */
  runtimeBase?: string | undefined;
  /** See RuntimeOptions.compressed. */
  compressed?: boolean | undefined;
  /** The address of runs that are published with the page; they are opened as those of the folder `publishedDir`. */
  published?: string | undefined;
}

/** Options of `RemoteTranslator.evaluate`. */
export interface RemoteEvaluateOptions extends TestSetOptions {
  /** Outputs for each pair, with different dropout masks. Default 1. */
  samples?: number | undefined;
}

/** The methods that a page can call in its worker. `id` is the number of an opened translator. */
export interface Methods {
  start(options: WorkerOptions): Capabilities;
  importPictures(...args: Parameters<typeof importPictures>): Imported;
  judgeSamples(place: RunPlace, sample: string): JudgedSamples;
  holdOut(root: string, options: HoldOutOptions): HeldOut;
  writeDemo(root: string, options: DemoOptions): void;
  train(config: Config): TrainResult;
  measureStep(config: Config): StepTime;
  open(options: OpenOptions): { id: number; config: Config };
  translate(id: number, ...args: Parameters<Translator["translate"]>): Picture;
  evaluate(id: number, options: RemoteEvaluateOptions): Evaluation;
  close(id: number): void;
  exportOnnx(options: ExportOptions): Uint8Array<ArrayBuffer>;
  exportProject(place: RunPlace, options: ProjectOptions): Uint8Array<ArrayBuffer>;
  importProject(file: Blob, path: string, checkpointsDir: string, name: string | undefined): string;
  importWeights(picked: readonly Picked[], options: ImportWeightsOptions): ImportedWeights;
}
export type Method = keyof Methods;

/** The value that each event of training carries. */
export type EventValues = { [E in keyof TrainEvents]-?: Parameters<NonNullable<TrainEvents[E]>>[0] };

/** Passed to each method before its arguments. */
export interface Context {
  emit<E extends keyof EventValues>(event: E, value: EventValues[E]): void;
  /** Aborted when the page aborts the call. */
  signal: AbortSignal;
}

/** The worker's end: one function for each method. */
export type Handlers = {
  [M in Method]: (context: Context, ...args: Parameters<Methods[M]>) => Promise<ReturnType<Methods[M]>>;
};

/** A call of method `M`; `id` numbers the calls of a page. */
export type Call<M extends Method = Method> = { [K in M]: { id: number; method: K; args: Parameters<Methods[K]> } }[M];
export type Question = Call | { id: number; abort: true };

export type EventReply<E extends keyof EventValues = keyof EventValues> = {
  [K in E]: { id: number; event: K; value: EventValues[K] };
}[E];
export type Reply = EventReply | { id: number; result: ReturnType<Methods[Method]> } | { id: number; error: SentError };

/** An error as data: structured clones of errors lose their class. */
export interface SentError {
  name: string;
  message: string;
  stack: string | undefined;
}

export function sendable(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), stack: undefined };
  return { name: error.name, message: error.message, stack: error.stack };
}

type ErrorClass = new (message: string) => Error;
const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === "function" && value.prototype instanceof Error;
const classes: Readonly<Record<string, unknown>> = errors;

export function received({ name, message, stack }: SentError): Error {
  const found = Object.hasOwn(classes, name) ? classes[name] : undefined;
  const known = isErrorClass(found) ? found : Error;
  return Object.assign(new known(message), stack && known === Error ? { name, stack } : {});
}
