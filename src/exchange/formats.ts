/** The choices of `pix2pix export --format`. A new format needs one entry here: options, help, docs and checks follow. */
import type { ExportFormat } from "./format.ts";
import { onnx } from "./onnx/format.ts";
import { triton } from "./onnx/triton.ts";
import { pict } from "./pict.ts";
import { project } from "./project.ts";
import { pth } from "./pth.ts";
import { safetensors } from "./safetensors.ts";
import { site } from "./site.ts";

export const exportFormats = {
  onnx,
  triton,
  pth,
  safetensors,
  pict,
  site,
  project,
} satisfies Readonly<Record<string, ExportFormat>>;

export type ExportFormatName = keyof typeof exportFormats;
