/** A trained generator as one ONNX file that any ONNX Runtime runs. */
import { CheckpointError } from "../errors.ts";
import { sizeOf } from "../graph/graph.ts";
import { generatorGraph } from "../model/pix2pix.ts";
import { encode } from "../onnx/encode.ts";
import type { Files } from "../platform.ts";
import { Run } from "../run/run.ts";

export interface ExportOptions {
  name: string;
  checkpointsDir: string;
  /** "latest" or the number of a kept epoch. */
  epoch?: string;
  /** Of the pictures; by default those that the run was trained on. */
  width?: number;
  height?: number;
}

/**
 * The generator of a run with its weights inside. Input `real_A` [1, inputNc, height, width] and output `fake_B`
 * [1, outputNc, height, width], RGB in [-1, 1]. Norms take the statistics of the picture, as in training; dropout is off, for a file has no
 * random numbers of its own.
 * @throws CheckpointError for a run or weights that are not there or of another network
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
