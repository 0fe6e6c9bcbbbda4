/** --format onnx: a trained generator as one ONNX file that any ONNX Runtime runs. */
import { exportFormat } from "../format.ts";
import { fileStem } from "../model.ts";
import { writeOnnx } from "./files.ts";
import { formOf, onnxOptions, onnxProblems } from "./options.ts";
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
