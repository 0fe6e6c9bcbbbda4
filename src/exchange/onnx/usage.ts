/** How an ONNX file is used, for the model card. */
import { type SideForm, sideForms, sideNames } from "../../data/sides.ts";
import type { ExportModel } from "../model.ts";
import { channelsText, type OnnxForm } from "./assemble.ts";
import { leastSide } from "./generator.ts";
import { channelsOfPicture } from "./pictures.ts";

/** Markdown: input and output, then Python and JavaScript. */
export function onnxUsage(file: string, model: ExportModel, form: OnnxForm): string {
  const { input, target } = sideForms(model.config);
  const [from, to] = [channelsOfPicture(input, form.bytes), channelsOfPicture(target, form.bytes)];
  const { labels, edges } = input;
  const colours = labels === undefined && from === 3 && to === 3;
  const readable = labels === undefined ? from <= 4 : !edges;
  const picture = { ...input, channels: from };
  const python = form.bytes ? pythonBytes(file, form, picture) : pythonValues(file, form, picture, to);
  return [
    valuesUsage(model, form),
    ...(readable && to <= 4 ? [codeOf("Python", "python", python)] : []),
    ...(colours && form.bytes ? [codeOf("JavaScript (Node)", "js", nodeBytes(file, form))] : []),
    ...(colours && !form.bytes ? [codeOf("JavaScript (browser)", "js", browserValues(file, form))] : []),
  ].join("\n\n");
}

/** Markdown: what the input and the output are. */
export function valuesUsage(model: ExportModel, form: OnnxForm): string {
  const { input, target } = sideForms(model.config);
  const [from, to] = [channelsOfPicture(input, form.bytes), channelsOfPicture(target, form.bytes)];
  const [inSide, outSide] = sideNames(model.config);
  const values =
    input.labels === undefined
      ? `${channelsText(from)}, ${valuesText(form, from)}`
      : labelsText(form, input.labels, input.edges);
  return [
    "## How to use it",
    "",
    `* Input \`real_A\`, side ${inSide} of the data set: ${values}.`,
    `* Output \`fake_B\`, side ${outSide}: ${channelsText(to)}, ${valuesText(form, to)}.`,
    `* Size: ${sizeText(model, form)}`,
  ].join("\n");
}

const codeOf = (title: string, language: string, lines: readonly string[]) =>
  [`### ${title}`, "", `\`\`\`${language}`, ...lines, "```"].join("\n");

const valuesText = ({ bytes, anyBatch }: OnnxForm, channels: number): string => {
  const batch = anyBatch ? "N" : "1";
  return bytes
    ? `bytes from 0 to 255, [${batch}, height, width, ${channels}]`
    : `values from -1 to 1 (byte / 127.5 - 1), [${batch}, ${channels}, height, width]`;
};

const labelsText = ({ bytes, anyBatch }: OnnxForm, labels: number, edges = false): string => {
  const batch = anyBatch ? "N" : "1";
  return bytes
    ? `class numbers from 0 to ${labels - 1} (255: none), bytes, [${batch}, height, width, 1]`
    : `a channel for each of ${labels} classes, 1 where the pixel is of the class, else 0${edges ? ", and one that is 1 where a neighbour (left, right, above, below) is of another object" : ""}, [${batch}, ${labels + Number(edges)}, height, width]`;
};

function sizeText(model: ExportModel, form: OnnxForm): string {
  const { size } = form;
  const how = model.config.inputLabels === undefined ? "resize pictures" : "resize label maps with nearest neighbour";
  if (size) return `${size.width}x${size.height} px (width x height); ${how} to it first.`;
  return `any, at least ${leastSide(model, form)} px a side. Norms see the whole picture, so its size changes the output.`;
}

/** Pillow's modes by the number of channels. */
const modes = ["", "L", "LA", "RGB", "RGBA"];

/** A label map keeps its numbers: `convert` would make colours or grey of a palette's indices, and BICUBIC other numbers. */
function pillow({ size }: OnnxForm, { channels, labels }: Pick<SideForm, "channels" | "labels">): string {
  const [filter, convert] = labels === undefined ? ["BICUBIC", `.convert("${modes[channels]}")`] : ["NEAREST", ""];
  const resize = size ? `.resize((${size.width}, ${size.height}), Image.${filter})` : "";
  return `image = Image.open("input.png")${convert}${resize}`;
}

/** ONNX Runtime expands 8-bit weights at each call, unless it is told not to look for quantized kernels: then once, at load. */
const pythonStart = (file: string, { precision }: OnnxForm) => [
  "import numpy as np",
  "import onnxruntime as ort",
  "from PIL import Image",
  "",
  ...(precision === "int8"
    ? [
        "options = ort.SessionOptions()",
        'options.add_session_config_entry("session.disable_quant_qdq", "1")  # expands the weights once, at load',
        `session = ort.InferenceSession("${file}", options)`,
      ]
    : [`session = ort.InferenceSession("${file}")`]),
];

const javaScriptSession = (file: string, { precision }: OnnxForm) =>
  precision === "int8"
    ? [
        'const options = { extra: { session: { disable_quant_qdq: "1" } } }; // expands the weights once, at load',
        `const session = await InferenceSession.create("${file}", options);`,
      ]
    : [`const session = await InferenceSession.create("${file}");`];

function pythonBytes(file: string, form: OnnxForm, picture: SideForm): string[] {
  const grey = picture.channels === 1 ? "[..., None]" : "";
  return [
    ...pythonStart(file, form),
    pillow(form, picture),
    `(fake_B,) = session.run(None, {"real_A": np.asarray(image)${grey}[None]})`,
    'Image.fromarray(fake_B[0].squeeze()).save("output.png")',
  ];
}

function pythonValues(file: string, form: OnnxForm, picture: SideForm, to: number): string[] {
  const planes = picture.channels === 1 ? "[None, None]" : ".transpose(2, 0, 1)[None]";
  const values =
    picture.labels === undefined
      ? `np.asarray(image, np.float32)${planes} / np.float32(127.5) - 1`
      : `(np.asarray(image) == np.arange(${picture.labels})[:, None, None])[None].astype(np.float32)`;
  const interleaved = to === 1 ? "[0, 0]" : "[0].transpose(1, 2, 0)";
  return [
    ...pythonStart(file, form),
    pillow(form, picture),
    `real_A = ${values}`,
    '(fake_B,) = session.run(None, {"real_A": real_A})',
    `levels = ((fake_B${interleaved} + 1) * 127.5).round().clip(0, 255)`,
    'Image.fromarray(levels.astype(np.uint8)).save("output.png")',
  ];
}

function nodeBytes(file: string, form: OnnxForm): string[] {
  const { size } = form;
  const resize = size ? `.resize(${size.width}, ${size.height}, { fit: "fill" })` : "";
  return [
    'import { InferenceSession, Tensor } from "onnxruntime-node";',
    'import sharp from "sharp";',
    "",
    ...javaScriptSession(file, form),
    `const picture = sharp("input.png").removeAlpha().toColourspace("srgb")${resize};`,
    "const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });",
    'const real_A = new Tensor("uint8", data, [1, info.height, info.width, 3]);',
    "const { fake_B } = await session.run({ real_A });",
    "const [, height, width, channels] = fake_B.dims;",
    'await sharp(fake_B.data, { raw: { height, width, channels } }).toFile("output.png");',
  ];
}

/** `Tensor.fromImage` gets ImageData, because of an element it would make RGBA, and it would crop instead of resizing. */
function browserValues(file: string, form: OnnxForm): string[] {
  const { size } = form;
  const sides = size ? `${size.width}, ${size.height}` : "image.naturalWidth, image.naturalHeight";
  return [
    'import { InferenceSession, Tensor } from "onnxruntime-web";',
    "",
    ...javaScriptSession(file, form),
    'const image = document.querySelector("img");',
    'const canvas = document.querySelector("canvas");',
    `[canvas.width, canvas.height] = [${sides}];`,
    'const context = canvas.getContext("2d");',
    "context.drawImage(image, 0, 0, canvas.width, canvas.height);",
    "const pixels = context.getImageData(0, 0, canvas.width, canvas.height);",
    "const real_A = await Tensor.fromImage(pixels, { norm: { mean: 127.5, bias: -127.5 } });",
    "const { fake_B } = await session.run({ real_A });",
    'context.putImageData(fake_B.toImageData({ format: "RGB", norm: { mean: 127.5, bias: -1 } }), 0, 0);',
  ];
}
