/** --format pict: 8-bit weights for Hesse's browser demo and the demos that are based on it. */
import type { Config } from "../config/schema.ts";
import { UserError } from "../errors.ts";
import { encodePict } from "../formats/pict.ts";
import type { StoredTensor } from "../formats/safetensors.ts";
import { toFloat32 } from "../formats/tensors.ts";
import { exportFormat } from "./format.ts";
import { type ExportModel, fileStem } from "./model.ts";
import { unetNames } from "./unet-names.ts";

/** The demos have a U-Net of 8 levels for 256 x 256 pictures. */
const levels = 8;

export const pict = exportFormat({
  help: "one .pict of 8-bit weights for the browser demos of Hesse, ml5 and yining1023 (256 px, --profile hesse)",
  options: {},
  problems: ({ config }) => problems(config),
  async write(model, _options, { write, note }) {
    const { bytes, largest, mean } = encodePict(variables(model));
    note(
      `weights are rounded to 256 values: by ${mean.toPrecision(2)} on average, by at most ${largest.toPrecision(2)}`,
    );
    const first = model.tensors["model.model.0.bias"];
    if (first && toFloat32(first)?.some((value) => value !== 0)) {
      note("ml5's demo leaves out the bias of the first layer, so that its output differs a little; Hesse's has it");
    }
    await write(`${fileStem(model)}.pict`, bytes);
  },
  usage: (model) =>
    [
      "## Use in a browser demo",
      "In ml5 0.x:",
      `\`\`\`js\nconst pix2pix = ml5.pix2pix("${fileStem(model)}.pict", () => pix2pix.transfer(canvas, (error, picture) => show(picture)));\n\`\`\``,
      "In Hesse's server (affinelayer/pix2pix-tensorflow, `server/static`): copy the file to `static/models`. Pictures are 256 x 256, RGB.",
    ].join("\n\n"),
});

/** The options that differ from the demos' network, which is fixed in their code. */
function problems(config: Config): string[] {
  const { netG, norm, bottleneckNorm, skip, slope, upsample, padding, inputNc, outputNc } = config;
  const wrong = [
    ...(netG === "unet_256" ? [] : [`--netG ${netG} (they have unet_256)`]),
    ...(norm === "none" ? ["--norm none (they have batch norms)"] : []),
    ...(bottleneckNorm ? [] : ["no --bottleneck-norm (they have it)"]),
    ...(skip === "relu" ? [] : [`--skip ${skip} (they have relu)`]),
    ...(slope === 0.2 ? [] : [`--slope ${slope} (they have 0.2)`]),
    ...(upsample === "transpose" ? [] : [`--upsample ${upsample} (they have transpose)`]),
    ...(padding === "zero" ? [] : [`--padding ${padding} (they have zero)`]),
    ...(config.separableConv ? ["--separable-conv (they have plain convolutions)"] : []),
    ...(config.blurPool === "generator" || config.blurPool === "both"
      ? [`--blur-pool ${config.blurPool} (they have none)`]
      : []),
    ...(inputNc === 3 && outputNc === 3 ? [] : [`${inputNc} and ${outputNc} channels (they have 3 and 3)`]),
  ];
  if (wrong.length === 0) return [];
  return [
    `--format pict: the demos that read .pict compute another network: this run has ${wrong.join(", ")}. ` +
      "Train with --profile hesse, or export another format, such as onnx.",
  ];
}

/** The weights under Hesse's names, with TensorFlow's axes, RGB at both ends and (decoder, encoder) in a decoder's input. */
function variables({ config, tensors, path }: ExportModel): Record<string, { shape: number[]; data: Float32Array }> {
  const found: Record<string, { shape: number[]; data: Float32Array }> = {};
  const values = (name: string): { shape: readonly number[]; data: Float32Array } | undefined => {
    const tensor: StoredTensor | undefined = tensors[name];
    const data = tensor && toFloat32(tensor);
    return tensor && data ? { shape: tensor.shape, data } : undefined;
  };
  const names = unetNames(levels, { bottleneckNorm: true });
  const bgr = config.channelOrder === "BGR";
  const add = (at: string, part: string, [conv, norm]: [string, string], level: number) => {
    const weight = values(`${conv}.weight`);
    if (!weight) throw new UserError(`${path} has no ${conv}.weight`);
    const decoder = part === "conv2d_transpose";
    const [d = 0, c = 0] = weight.shape;
    const half = d / 2;
    const swapped = decoder && level < levels - 1;
    // The indices of an outer and an inner channel in our kernel.
    const outer = (i: number) => (swapped ? (i < half ? i + half : i - half) : i);
    const inner = (i: number) => (bgr && level === 0 ? c - 1 - i : i);
    found[`${at}/${part}/kernel`] = kernel(weight, outer, inner);
    const out = decoder ? c : d;
    const bias = values(`${conv}.bias`)?.data ?? new Float32Array(out);
    found[`${at}/${part}/bias`] = { shape: [out], data: decoder && bgr && level === 0 ? bias.slice().reverse() : bias };
    if (level === 0) return;
    found[`${at}/batch_normalization/gamma`] = vector(values(`${norm}.weight`)?.data, out, 1);
    found[`${at}/batch_normalization/beta`] = vector(values(`${norm}.bias`)?.data, out, 0);
  };
  for (let level = 0; level < levels; level++) {
    add(`generator/encoder_${level + 1}`, "conv2d", names.down[level]!, level);
    add(`generator/decoder_${level + 1}`, "conv2d_transpose", names.up[level]!, level);
  }
  return found;
}

/** [outer, inner, kh, kw] as [kh, kw, inner, outer]. */
function kernel(
  { shape, data }: { shape: readonly number[]; data: Float32Array },
  outer: (i: number) => number,
  inner: (i: number) => number,
) {
  const [d = 0, c = 0, kh = 0, kw = 0] = shape;
  const out = new Float32Array(data.length);
  let at = 0;
  for (let y = 0; y < kh; y++)
    for (let x = 0; x < kw; x++)
      for (let i = 0; i < c; i++)
        for (let j = 0; j < d; j++) out[at++] = data[((outer(j) * c + inner(i)) * kh + y) * kw + x]!;
  return { shape: [kh, kw, c, d], data: out };
}

const vector = (data: Float32Array | undefined, length: number, otherwise: number) => ({
  shape: [length],
  data: data ?? new Float32Array(length).fill(otherwise),
});
