/** --format safetensors: the weights in one safe file, with PyTorch's names. */
import { encode } from "../formats/safetensors.ts";
import { joined } from "../formats/streams.ts";
import { shellOption, translateCommand } from "../text.ts";
import { exportFormat } from "./format.ts";

export const safetensors = exportFormat({
  help: "one .safetensors file with the generator's weights under PyTorch's names",
  options: {},
  async write({ name, config, tensors }, _options, { write, licence }) {
    const { netG, ngf, norm, inputNc, outputNc, direction, channelOrder } = config;
    const about = { netG, ngf, norm, inputNc, outputNc, direction, channelOrder, ...(licence && { licence }) };
    const metadata = Object.fromEntries(Object.entries(about).map(([key, value]) => [key, String(value)]));
    await write(fileOf(name), joined(encode(tensors, { format: "pt", ...metadata })));
  },
  usage: ({ name, config }) =>
    [
      "## Use in Python",
      `\`\`\`python\nfrom safetensors.torch import load_file\nnet.load_state_dict(load_file("${fileOf(name)}"), strict=True)\n\`\`\``,
      `Here: \`${translateCommand(shellOption("--weights", fileOf(name)), config)}\`.`,
    ].join("\n\n"),
});

const fileOf = (name: string) => `${name.replaceAll("/", "-")}.safetensors`;
