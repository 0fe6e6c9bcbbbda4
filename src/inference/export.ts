/** A trained generator as one ONNX file that any ONNX Runtime runs. */
import { CheckpointError } from "../errors.ts";
import { sizeOf } from "../graph/graph.ts";
import { generatorGraph } from "../model/pix2pix.ts";
import { encode } from "../onnx/encode.ts";
import type { Files } from "../platform.ts";
import { Run } from "../run/run.ts";

/** The run, the choice of its weights, and the size of the network's input. */
export interface ExportOptions {
  /** The name of the run. */
  name: string;
  /** The folder of the runs. */
  checkpointsDir: string;
  /** Which weights: "latest" (default), "best", or the number of a kept epoch. */
  epoch?: string;
  /** Size of the pictures. Default: the crop size of the run. */
  width?: number;
  height?: number;
}

/**
 * The generator of a run as the bytes of an ONNX model with its weights. Its input is `real_A` [1, inputNc, height,
 * width], its output `fake_B` [1, outputNc, height, width], both RGB in [-1, 1]. Norms take the statistics of the
 * picture, as in training. Dropout is off, because the file contains no random numbers.
 * @throws CheckpointError when the run or its weights do not exist, are damaged, or are of another network
 *
 * @example
 * ```ts
 * import { exportOnnx } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const { files } = await nodePlatform();
 * await files.write("mine.onnx", await exportOnnx({ name: "mine", checkpointsDir: "runs" }, files));
 * ```
 */
export async function exportOnnx(options: ExportOptions, files: Files): Promise<Uint8Array> {
  const run = new Run(files, options);
  const config = await run.config();
  const { tensors, path } = await run.generator(options.epoch ?? "latest");
  const { width = config.cropSize, height = config.cropHeight } = options;
  const shape = { n: 1, height, width };
  const { program, netG } = generatorGraph({ ...config, noDropout: true }, shape);
  const names = new Map(netG.specs.map(({ name }) => [`netG.${name}`, name]));
  const weights = program.inputs
    .filter((input) => names.has(input.name))
    .map((tensor) => {
      const name = names.get(tensor.name)!;
      const stored = tensors[name];
      if (stored?.dtype !== "F32" || stored.data.length !== sizeOf(tensor.shape)) {
        throw new CheckpointError(`${path} does not fit the run's config.json: ${name} is not F32 [${tensor.shape}].`);
      }
      return { tensor, data: stored.data };
    });
  const inputs = program.inputs.filter((input) => !names.has(input.name));
  return encode({ ...program, inputs, constants: [...program.constants, ...weights] });
}
