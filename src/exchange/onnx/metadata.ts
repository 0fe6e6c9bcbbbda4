/** What an ONNX file says about itself: metadata_props and doc strings. */
import type { Config } from "../../config/schema.ts";
import type { Model } from "../../onnx/model.ts";
import { version } from "../../version.ts";
import type { ExportModel } from "../model.ts";
import { channelsText, type OnnxForm } from "./assemble.ts";

/** Between the outputs of two files for one picture, in steps of an 8-bit picture. */
export interface Difference {
  mean: number;
  largest: number;
}

export const differenceText = ({ mean, largest }: Difference): string =>
  `${mean.toFixed(3)} of 255 on average, at most ${largest.toFixed(3)}, from float32 on a test picture`;

/** Facts about a file that its model and its form do not show. */
export interface FileFacts {
  licence?: string | undefined;
  /** From the output in float32. */
  difference?: Difference | undefined;
  date: Date;
}

/** The model with its metadata and its description. */
export function described(model: Model, from: ExportModel, form: OnnxForm, facts: FileFacts): Model {
  return { ...model, metadata: metadataOf(model, from, form, facts), doc: docOf(from, form), producerVersion: version };
}

/** "unet_256, ngf 64, norm batch, 3 -> 3 channels" */
const networkText = ({ netG, ngf, norm, inputNc, outputNc }: Config): string =>
  `${netG}, ngf ${ngf}, norm ${norm}, ${inputNc} -> ${outputNc} channels`;

/** Keys that begin with "Image." are of ONNX's list of metadata; the others are this project's. */
function metadataOf(model: Model, { name, config, run }: ExportModel, form: OnnxForm, facts: FileFacts) {
  const channels = (of: Model["inputs"]) => Number(of[0]!.shape[form.bytes ? 3 : 1]);
  const [from, to] = [channels(model.inputs), channels(model.outputs)];
  const range = form.bytes ? "0 to 255" : "-1 to 1";
  const standard = { 1: "Gray8", 3: "Rgb8", 4: "Rgba8" }[from];
  return {
    ...(standard &&
      from === to && {
        "Image.BitmapPixelFormat": standard,
        "Image.ColorSpaceGamma": "SRGB",
        "Image.NominalPixelRange": form.bytes ? "NominalRange_0_255" : "Normalized_1_1",
      }),
    range,
    layout: form.bytes ? "NHWC" : "NCHW",
    input_channels: channelsText(from),
    output_channels: channelsText(to),
    // The network's own order; the file reorders inside.
    network_channel_order: config.channelOrder,
    network: networkText(config),
    profile: config.profile,
    run: name,
    ...(run && { epoch: run.epoch }),
    statistics: form.statistics,
    dropout: form.dropout,
    precision: form.precision,
    ...(facts.difference && { precision_difference: differenceText(facts.difference) }),
    date: facts.date.toISOString(),
    version,
    ...(facts.licence && { licence: facts.licence }),
  };
}

function docOf({ name, config }: ExportModel, { statistics, dropout }: OnnxForm): string {
  const norms = statistics === "running" ? "the running statistics of training" : "the statistics of each picture";
  return (
    `The pix2pix generator of the run "${name}" (${networkText(config)}), from picture to picture. ` +
    `Norms take ${norms}; dropout is ${dropout}.`
  );
}
