/**
 * pix2pix: paired image-to-image translation (Isola et al. 2017). Everything here runs wherever ONNX Runtime does; a
 * platform (see ./node/index.ts) brings files, pictures and the runtime.
 */

export { type Config, type ConfigInput, parseConfig, profiles, resumeConfig } from "./config/schema.ts";
// Devices.
export { conform, type DeviceConformance } from "./conformance/report.ts";
export { Loader } from "./data/loader.ts";
// Data, formats and metrics.
export { type FoundPairs, findPairs, type Pair } from "./data/pairs.ts";
export { nearestColours, type Palette, paint, palettes, parsePalette } from "./data/palette.ts";
export { resize } from "./data/resize.ts";
export { inputPicture, inputTensor, outputPicture, outputPicture16 } from "./data/sides.ts";
export { chooseDevice } from "./engines/device.ts";
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
export { decode as decodeSafetensors, encode as encodeSafetensors } from "./formats/safetensors.ts";
export { gradient } from "./graph/gradient.ts";
export { Graph, type Program, Tensor } from "./graph/graph.ts";
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
export type { Fit } from "./inference/fit.ts";
export { type OpenOptions, openTranslator } from "./inference/open.ts";
export { type Draw, type TestTime, Translator } from "./inference/translator.ts";
export { encodePlain as encodeOnnx } from "./lowering/cpu.ts";
export { l1, psnr, sharpness, spread, ssim } from "./metrics/pictures.ts";
export { type ClassScores, Confusion, LabHistograms } from "./metrics/scores.ts";
// The model and the engine below it.
export { generatorGraph, type ModelOptions, trainingStep } from "./model/pix2pix.ts";
export { type Discriminator, discriminators, receptiveField } from "./networks/discriminators.ts";
export type { Generator, GeneratorOptions } from "./networks/generator.ts";
export { generators } from "./networks/generators.ts";
export type { DeepPicture, Files, Images, Ort, Picture, Platform } from "./platform.ts";
export { listRuns, Run } from "./run/run.ts";
// Train and translate.
export { type StepReport, type TrainEvents, type TrainResult, train } from "./training/train.ts";
export { Trainer } from "./training/trainer.ts";
