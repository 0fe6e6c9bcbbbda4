/** --format safetensors: the weights in one safe file, with PyTorch's names. */
import { encode } from "../formats/safetensors.ts";
import { joined } from "../formats/streams.ts";
import { shellOption, translateCommand } from "../text.ts";
import { exportFormat } from "./format.ts";
import { type ExportModel, fileStem } from "./model.ts";
import { networkValues } from "./network-values.ts";

export const safetensors = exportFormat({
  help: "one .safetensors file with the generator's weights under PyTorch's names",
  options: {},
  async write(model, _options, { write, licence }) {
    const { config, tensors } = model;
    const { netG, ngf, norm, inputNc, outputNc, direction, channelOrder } = config;
    const about = { netG, ngf, norm, inputNc, outputNc, direction, channelOrder, ...(licence && { licence }) };
    const metadata = Object.fromEntries(Object.entries(about).map(([key, value]) => [key, String(value)]));
    await write(fileOf(model), joined(encode(tensors, { format: "pt", ...metadata })));
  },
  usage: (model) =>
    [
      networkValues(model),
      "## Use in Python",
      `\`\`\`python\nfrom safetensors.torch import load_file\nnet.load_state_dict(load_file("${fileOf(model)}"), strict=True)\n\`\`\``,
      `Here: \`${translateCommand(shellOption("--weights", fileOf(model)), model.config)}\`.`,
    ].join("\n\n"),
});

const fileOf = (model: ExportModel) => `${fileStem(model)}.safetensors`;
