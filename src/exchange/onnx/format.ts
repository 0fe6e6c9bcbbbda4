/** --format onnx: a trained generator as one ONNX file that any ONNX Runtime runs. */
import { exportFormat } from "../format.ts";
import { type ExportModel, fileStem } from "../model.ts";
import type { OnnxForm } from "./assemble.ts";
import { writeOnnx } from "./files.ts";
import { type OnnxOptions, onnxOptions, onnxProblems, sizeOfModel } from "./options.ts";
import { onnxUsage } from "./usage.ts";

export const onnx = exportFormat({
  help: "one ONNX file with the weights, for ONNX Runtime in any language",
  options: onnxOptions,
  problems: onnxProblems,
  write: async (model, options, context) => {
    await writeOnnx(`${fileStem(model)}.onnx`, model, formOf(model, options), context);
  },
  usage: (model, options) => onnxUsage(`${fileStem(model)}.onnx`, model, formOf(model, options)),
});

function formOf(model: ExportModel, options: OnnxOptions): OnnxForm {
  return {
    size: sizeOfModel(model, options),
    anyBatch: options.dynamic,
    bytes: options.uint8,
    half: options.fp16,
    opset: options.opset,
    statistics: options.statistics ?? model.config.statistics,
    dropout: options.dropout,
  };
}
