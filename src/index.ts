/**
 * pix2pix: paired image-to-image translation (Isola et al. 2017). Everything here runs wherever ONNX Runtime does; a
 * platform (`nodePlatform` of "pix2pix/node", `webPlatform` of "pix2pix/web") brings files, pictures and the runtime.
 *
 * @module
 */

// Train and translate.
export { type Config, type ConfigInput, parseConfig, profiles, resumeConfig } from "./config/schema.ts";
export {
  type EpochReport,
  type RunDescription,
  type StepReport,
  type TrainEvents,
  type TrainResult,
  train,
} from "./training/train.ts";
export { descriptionLines } from "./training/description.ts";
export { Trainer, type TrainerOptions } from "./training/trainer.ts";
export { type LossLine, listRuns, type Progress, Run, type RunPlace, type Score } from "./run/run.ts";
export { type OpenOptions, openTranslator } from "./inference/open.ts";
export { type Draw, type TestTime, Translator, type TranslatorParts } from "./inference/translator.ts";
export type { Fit } from "./inference/fit.ts";
export {
  type ClassEvaluation,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  openTestSet,
  type ScoredPair,
  type TestSet,
  type TestSetOptions,
} from "./inference/evaluate.ts";
export { type ExportOptions, exportOnnx } from "./exchange/onnx/export.ts";
export type {
  BoundKernel,
  DeepPicture,
  DeviceName,
  Files,
  FoundDevice,
  GpuKernel,
  Images,
  Ort,
  Picture,
  Platform,
  Samples,
} from "./platform.ts";

// Data.
export { type FindOptions, type FoundPairs, findPairs, type Pair } from "./data/pairs.ts";
export { type Batch, Loader, type LoaderOptions } from "./data/loader.ts";
export { resize } from "./data/resize.ts";
export { inputPicture, inputTensor, outputPicture, outputPicture16, type SideOptions } from "./data/sides.ts";
export { nearestColours, type Palette, type PaletteColour, paint, palettes, parsePalette } from "./data/palette.ts";

// Metrics.
export { l1, type Metrics, type PairMetrics, psnr, sharpness, spread, ssim } from "./metrics/pictures.ts";
export { type ClassScores, Confusion, LabHistograms, type LabScores } from "./metrics/scores.ts";
export { type FeatureRows, featureRows } from "./metrics/features.ts";
export { frechetDistance, type Moments, moments } from "./metrics/fid.ts";
export { type Kid, type KidOptions, kernelDistance } from "./metrics/kid.ts";
export { FeatureExtractor, type FeatureIdentity, type FeatureOptions } from "./features/extractor.ts";
export { encodeStatistics, type FeatureStatistics, readStatistics } from "./features/statistics.ts";
export type { FeatureScores, FeatureScoring } from "./features/scorer.ts";

// Formats.
export {
  decode as decodeSafetensors,
  encode as encodeSafetensors,
  type SafetensorsFile,
  type StoredTensor,
} from "./formats/safetensors.ts";
export { type Slices, slicesOf, slicesOfBlob } from "./formats/slices.ts";
export type { SourceTensor } from "./formats/tensors.ts";
export { openWeights, type WeightsFile, weightsIn } from "./formats/weights-file.ts";

// Weights of other systems.
export { type ImportedRun, type ImportOptions, importRun } from "./exchange/import.ts";
export { openWeightsFile, type OpenWeightsOptions } from "./exchange/open.ts";
export { encodeOnnx } from "./lowering/cpu.ts";

// Networks and the model.
export type { Generator, GeneratorOptions } from "./networks/generator.ts";
export { generators } from "./networks/generators.ts";
export {
  type Discriminator,
  type DiscriminatorOptions,
  discriminators,
  type LayerGeometry,
  receptiveField,
} from "./networks/discriminators.ts";
export { inits } from "./nn/init.ts";
export { generatorGraph, type ModelOptions, type StepGraph, trainingStep } from "./model/pix2pix.ts";
export type { BatchShape, Losses } from "./model/losses.ts";
export type { Parameters } from "./nn/parameters.ts";

// The engine: graphs, gradients and devices.
export {
  type Dtype,
  Graph,
  type OpDeclaration,
  type Operand,
  type Program,
  type Shape,
  Tensor,
} from "./graph/graph.ts";
export { gradient } from "./graph/gradient.ts";
export * as ops from "./graph/ops/index.ts";
export { chooseDevice } from "./engines/device.ts";
export { conform, type DeviceConformance } from "./conformance/report.ts";

// A server.
export { createServer, type PixServer, type ServerOptions } from "./server/app.ts";

// Errors that a user can act on, and ShapeError, a fault of the code that calls the library.
export {
  CheckpointError,
  ConfigError,
  DatasetError,
  DeviceError,
  DeviceLostError,
  PictureSizeError,
  ShapeError,
  UserError,
  WriteError,
} from "./errors.ts";
