/** The options of ONNX files. */
import * as z from "zod";
import { option } from "../../config/options.ts";
import type { Size } from "../../data/sizes.ts";
import { crops } from "../../data/sizes.ts";
import { statisticsSources } from "../../nn/norms.ts";
import type { ExportModel } from "../model.ts";
import type { OnnxForm } from "./assemble.ts";

/** The versions of ONNX's operator set that files can have; all nodes are the same in all of them. */
export const opsets = { least: 13, usual: 18, most: 23 } as const;

export const onnxOptions = {
  size: option(
    z
      .string()
      .regex(/^\d{1,5}(x\d{1,5})?$/, "pixels, or width x height such as 512x384")
      .optional(),
    {
      group: "ONNX",
      value: "N|WxH",
      absent: "the run's crop; any size where the run does not crop",
      help: "size of the pictures in pixels, such as 512 or 512x384; other sizes than multiples of the generator's are padded inside the file, and the output is cut back",
    },
  ),
  dynamic: option(z.boolean().default(false), {
    group: "ONNX",
    help: "take any number of pictures of any size",
  }),
  uint8: option(z.boolean().default(false), {
    group: "ONNX",
    help: "bytes in and out, 0 to 255, [N, height, width, channels], instead of values in [-1, 1], [N, channels, height, width]",
  }),
  fp16: option(z.boolean().default(false), {
    group: "ONNX",
    help: "weights and activations in half precision, for GPUs; norms, input and output stay in float32",
  }),
  int8: option(z.boolean().default(false), {
    group: "ONNX",
    help: "weights of convolutions in 8 bits, a quarter of the file; everything is computed in float32",
  }),
  opset: option(z.int().min(opsets.least).max(opsets.most).default(opsets.usual), {
    group: "ONNX",
    help: "version of ONNX's operator set; older programs need a lower one",
  }),
  statistics: option(z.enum(statisticsSources).optional(), {
    group: "ONNX",
    absent: "the run's, batch",
    help: "statistics of batch norms: running are those from training; batch and image are both of each picture by itself",
  }),
  dropout: option(z.enum(["on", "off"]).default("off"), {
    group: "ONNX",
    help: "dropout in the file: with on, two outputs for one picture differ",
  }),
};

export type OnnxOptions = z.output<z.ZodObject<typeof onnxOptions>>;

/** Why the model cannot be exported with these options. */
export function onnxProblems(
  { config }: ExportModel,
  { size, dynamic, dropout, uint8, fp16, int8 }: OnnxOptions,
): string[] {
  const problems: string[] = [];
  if (size && dynamic) problems.push(`--size ${size} and --dynamic: the size is fixed or any; give one of them`);
  if (fp16 && int8) problems.push("--fp16 and --int8: the weights have one precision; give one of them");
  const sides = sizeOf(size);
  if (sides && (sides.width < 1 || sides.height < 1)) problems.push(`--size: got ${size}, expected at least 1 pixel`);
  if (uint8 && config.inputInstances) {
    problems.push("--uint8: bytes cannot number the objects of an instance map (--input-instances); leave it out");
  }
  if (dropout === "on" && config.noDropout) {
    problems.push(`--dropout on: the run "${config.name}" was trained without dropout, so its network has none`);
  }
  return problems;
}

/** The size of the pictures; undefined where any size is taken. */
function sizeOfModel({ config }: ExportModel, { size, dynamic }: Pick<OnnxOptions, "size" | "dynamic">) {
  if (dynamic) return undefined;
  return sizeOf(size) ?? (crops(config) ? { width: config.cropSize, height: config.cropHeight } : undefined);
}

function sizeOf(text: string | undefined): Size | undefined {
  if (text === undefined) return undefined;
  const [width, height = width] = text.split("x").map(Number);
  return { width: width!, height: height! };
}

/** The form of the file. */
export function formOf(model: ExportModel, options: OnnxOptions): OnnxForm {
  return {
    size: sizeOfModel(model, options),
    anyBatch: options.dynamic,
    bytes: options.uint8,
    precision: options.fp16 ? "float16" : options.int8 ? "int8" : "float32",
    opset: options.opset,
    statistics: options.statistics ?? model.config.statistics,
    dropout: options.dropout,
  };
}
