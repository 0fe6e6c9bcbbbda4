/** pix2pix data grayscale */
import * as z from "zod";
import { reduceChannels } from "../../../data/transforms.ts";
import type { Command } from "../../command.ts";
import { convert, convertOptions } from "../../convert.ts";
import { ownOptions } from "../../runs.ts";

const schema = z.object(convertOptions);

export const grayscale: Command = {
  name: "data grayscale",
  summary: "inputs for colorization: pictures in grey, by Pillow's weights (ITU-R 601)",
  schema,
  examples: ["npx pix2pix data grayscale --input photos --out grey"],
  run(given, output) {
    return convert(ownOptions(schema, given), output, { verb: "turned grey" }, (picture) => reduceChannels(picture, 1));
  },
};
