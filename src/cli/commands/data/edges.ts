/** pix2pix data edges */
import * as z from "zod";
import { option } from "../../../config/options.ts";
import { eightBit } from "../../../data/transforms.ts";
import { ConfigError } from "../../../errors.ts";
import { files } from "../../../node/files.ts";
import { EdgeModel } from "../../../tools/edge-model.ts";
import { canny, drawn, linesOf } from "../../../tools/edges.ts";
import { withoutSmall } from "../../../tools/lines.ts";
import type { Command } from "../../command.ts";
import { convert, convertOptions } from "../../convert.ts";
import { ownOptions } from "../../runs.ts";

const detector = { group: "canny" } as const;
const network = { group: "network" } as const;

const schema = z.object({
  ...convertOptions,
  sigma: option(z.number().min(0).max(20).default(2), {
    ...detector,
    unit: "px",
    help: "smoothing before edges are found; more gives fewer and rounder lines",
  }),
  high: option(z.number().min(0).default(0.25), {
    ...detector,
    help: "slope at which a line begins; a step from black to white has 4",
  }),
  low: option(z.number().min(0).default(0.1), { ...detector, help: "slope down to which a line continues" }),
  hed: option(z.string().min(1).optional(), {
    ...network,
    value: "FILE",
    help: "find edges with this ONNX model, such as HED, instead of Canny's method",
  }),
  hedInput: option(z.enum(["caffe", "unit"]).default("caffe"), {
    ...network,
    help: "input of the model: caffe is B, G, R minus HED's means, unit is R, G, B from 0 to 1",
  }),
  border: option(z.int().min(0).max(1024).default(128), {
    ...network,
    unit: "px",
    help: "mirrored border around the input, cut off the output",
  }),
  threshold: option(z.number().gt(0).max(255).default(25), {
    ...network,
    help: "smallest strength of a line, from 0 to 255",
  }),
  small: option(z.int().min(1).default(5), { group: "lines", unit: "px", help: "smallest length of a line" }),
});

export const edges: Command = {
  name: "data edges",
  summary: "line drawings of pictures, black on white as edges2shoes has them",
  schema,
  examples: [
    "npx pix2pix data edges --input photos --out edges",
    "npx pix2pix data edges --input photos --out edges --hed hed.onnx",
  ],
  async run(given, output) {
    const { hed, ...options } = ownOptions(schema, given);
    if (options.low > options.high) {
      throw new ConfigError(`--low: got ${options.low}, expected at most --high ${options.high}`);
    }
    const verb = "drawn";
    if (hed === undefined) {
      const small = options.small;
      return convert(options, output, { verb }, (picture) => {
        const { width, height } = picture;
        return drawn(withoutSmall(canny(eightBit(picture), options), width, height, small), width, height);
      });
    }
    const { ort } = await import("../../../node/ort.ts");
    const model = await EdgeModel.open(await files.read(hed), hed, ort);
    try {
      return await convert(options, output, { verb, atOnce: 1 }, async (picture) => {
        const strengths = await model.strengths(eightBit(picture), { input: options.hedInput, border: options.border });
        const lines = linesOf(strengths, { threshold: options.threshold / 255, small: options.small });
        return drawn(lines, picture.width, picture.height);
      });
    } finally {
      await model.close();
    }
  },
};
