/** --format onnx: a trained generator as one ONNX file that any ONNX Runtime runs. */
import { exportOnnx } from "../inference/export.ts";
import { exportFormat } from "./format.ts";

export const onnx = exportFormat({
  help: "one ONNX file with the weights, for ONNX Runtime in any language",
  options: {},
  async write({ name, run }, _options, { platform, write }) {
    const { epoch, run: place } = run!;
    const checkpointsDir = place.dir.slice(0, -name.length - 1);
    await write(`${stem(name)}.onnx`, await exportOnnx({ name, checkpointsDir, epoch }, platform.files));
  },
  usage: () => "",
});

const stem = (name: string) => name.replaceAll("/", "-");
