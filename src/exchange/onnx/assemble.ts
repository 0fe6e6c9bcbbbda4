/** A trained generator as an ONNX model from picture to picture. */
import { sideForms } from "../../data/sides.ts";
import type { Size } from "../../data/sizes.ts";
import type { Precision } from "../../formats/compact.ts";
import { generators } from "../../networks/generators.ts";
import type { Dim, Model, ValueInfo } from "../../onnx/model.ts";
import type { ExportModel } from "../model.ts";
import { type Behaviour, leastSide, networkModel } from "./generator.ts";
import { inHalf } from "./half.ts";
import { withInt8Weights } from "./int8.ts";
import { channelsOfPicture, withPictures } from "./pictures.ts";

/** The form of an ONNX file. */
export interface OnnxForm extends Behaviour {
  /** Pixels of the pictures; undefined: any. */
  size: Size | undefined;
  /** Whether the number of pictures is open; otherwise it is 1. */
  anyBatch: boolean;
  bytes: boolean;
  /** Of weights and activations; "int8": of the weights of convolutions only. */
  precision: Precision;
  opset: number;
}

/** The names of the input and the output. */
export const inputName = "real_A";
export const outputName = "fake_B";

const inPrecision: Readonly<Record<Precision, (network: Model) => Model>> = {
  float32: (network) => network,
  float16: inHalf,
  int8: withInt8Weights,
};

/** The model, without metadata. @throws CheckpointError for weights of another network */
export function pictureModel(model: ExportModel, form: OnnxForm): Model {
  const { size, bytes } = form;
  const { config } = model;
  const { input, target } = sideForms(config);
  const network = networkModel(model, form, size);
  const multiple = size ? undefined : generators[config.netG].multiple;
  const precise = inPrecision[form.precision](network);
  const whole = withPictures(precise, { input, target, bytes, multiple });
  const value = (name: string, channels: number): ValueInfo => ({
    name,
    type: bytes ? "uint8" : "float32",
    shape: shapeOf(form, channels),
    doc: describe(form, channels, size ? undefined : leastSide(model, form)),
  });
  return {
    ...whole,
    opset: form.opset,
    inputs: [value(inputName, channelsOfPicture(input, bytes))],
    outputs: [value(outputName, channelsOfPicture(target, bytes))],
  };
}

function shapeOf({ size, anyBatch, bytes }: OnnxForm, channels: number): Dim[] {
  const batch = anyBatch ? "batch" : 1;
  const { height, width }: { height: Dim; width: Dim } = size ?? { height: "height", width: "width" };
  return bytes ? [batch, height, width, channels] : [batch, channels, height, width];
}

const kinds = ["", "grey", "grey, alpha", "RGB", "RGBA"];

/** "RGB" or "7 bands". */
export const channelsText = (channels: number): string => kinds[channels] ?? `${channels} bands`;

function describe({ size, bytes }: OnnxForm, channels: number, least: number | undefined): string {
  const values = bytes
    ? "bytes 0 to 255, [N, height, width, channels]"
    : "values in [-1, 1] (byte / 127.5 - 1), [N, channels, height, width]";
  const sides = size ? `${size.width}x${size.height} px (width x height)` : `any size of at least ${least} px a side`;
  return `Pictures, ${channelsText(channels)}: ${values}, ${sides}.`;
}
