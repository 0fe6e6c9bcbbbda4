/**
 * pix2pix: paired image-to-image translation (Isola et al. 2017). Everything here runs wherever ONNX Runtime does; a
 * platform (`nodePlatform` of "pix2pix/node", `webPlatform` of "pix2pix/web") brings files, pictures and the runtime.
 *
 * @module
 */

// Train and translate.
export { type Config, type ConfigInput, parseConfig, profiles, resumeConfig } from "./config/schema.ts";
export { type RunDescription, type StepReport, type TrainEvents, type TrainResult, train } from "./training/train.ts";
export { descriptionLines } from "./training/description.ts";
export { Trainer } from "./training/trainer.ts";
export { type LossLine, listRuns, type Progress, Run, type RunPlace, type Score } from "./run/run.ts";
export { type OpenOptions, openTranslator } from "./inference/open.ts";
export { type Draw, type TestTime, Translator } from "./inference/translator.ts";
export type { Fit } from "./inference/fit.ts";
export {
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  openTestSet,
  type PairMetrics,
  type ScoredPair,
  type TestSet,
  type TestSetOptions,
} from "./inference/evaluate.ts";
export { type ExportOptions, exportOnnx } from "./inference/export.ts";
export type { DeepPicture, Files, Images, Ort, Picture, Platform } from "./platform.ts";

// Data.
export { type FoundPairs, findPairs, type Pair } from "./data/pairs.ts";
export { Loader } from "./data/loader.ts";
export { resize } from "./data/resize.ts";
export { inputPicture, inputTensor, outputPicture, outputPicture16 } from "./data/sides.ts";
export { nearestColours, type Palette, paint, palettes, parsePalette } from "./data/palette.ts";

// Metrics.
export { l1, psnr, sharpness, spread, ssim } from "./metrics/pictures.ts";
export { type ClassScores, Confusion, LabHistograms } from "./metrics/scores.ts";

// Formats.
export { decode as decodeSafetensors, encode as encodeSafetensors } from "./formats/safetensors.ts";
export { encodeOnnx } from "./lowering/cpu.ts";

// Networks and the model.
export type { Generator, GeneratorOptions } from "./networks/generator.ts";
export { generators } from "./networks/generators.ts";
export { type Discriminator, discriminators, receptiveField } from "./networks/discriminators.ts";
export { inits } from "./nn/init.ts";
export { generatorGraph, type ModelOptions, trainingStep } from "./model/pix2pix.ts";

// The engine: graphs, gradients and devices.
export { Graph, type Program, Tensor } from "./graph/graph.ts";
export { gradient } from "./graph/gradient.ts";
export * as ops from "./graph/ops/index.ts";
export { chooseDevice } from "./engines/device.ts";
export { conform, type DeviceConformance } from "./conformance/report.ts";

// Errors that a user can act on.
export {
  CheckpointError,
  ConfigError,
  DatasetError,
  DeviceError,
  DeviceLostError,
  ShapeError,
  UserError,
} from "./errors.ts";
