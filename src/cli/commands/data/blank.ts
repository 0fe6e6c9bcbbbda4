/** pix2pix data blank */
import * as z from "zod";
import { option } from "../../../config/options.ts";
import { blanked } from "../../../tools/frame.ts";
import type { Command } from "../../command.ts";
import { convert, convertOptions } from "../../convert.ts";
import { ownOptions } from "../../runs.ts";

const schema = z.object({
  ...convertOptions,
  share: option(z.number().gt(0).lte(1).default(0.3), {
    group: "hole",
    help: "width and height of the hole as a share of the picture's; 0.3 in Hesse's tool, 0.5 in the paper's code",
  }),
});

export const blank: Command = {
  name: "data blank",
  summary: "inputs for inpainting: pictures with a white hole in the middle",
  schema,
  examples: [
    "npx pix2pix data blank --input photos --out holes",
    "npx pix2pix data blank --input photos --out holes --share 0.5",
  ],
  run(given, output) {
    const options = ownOptions(schema, given);
    return convert(options, output, { verb: "blanked" }, (picture) => blanked(picture, options.share));
  },
};
