/** pix2pix data statistics */
import * as z from "zod";
import { option } from "../../../config/options.ts";
import { configSchema } from "../../../config/schema.ts";
import { findPairs } from "../../../data/pairs.ts";
import { PairReader } from "../../../data/reader.ts";
import { fromTensor, toTensor } from "../../../data/transforms.ts";
import { ConfigError, messageOf, UserError } from "../../../errors.ts";
import { FeatureExtractor } from "../../../features/extractor.ts";
import { encodeStatistics } from "../../../features/statistics.ts";
import { featureRows } from "../../../metrics/features.ts";
import type { DeepPicture, Picture, Platform } from "../../../platform.ts";
import { counted, visible } from "../../../text.ts";
import type { Command, Output } from "../../command.ts";
import { jobs, refuseFolder } from "../../pictures.ts";
import { loadPlatform } from "../../platform.ts";
import { Counter } from "../../progress.ts";
import { ownOptions } from "../../runs.ts";

const { datasetMode, skipUnpaired, features, featureResize, threads } = configSchema.shape;

const schema = z.object({
  features: option(features.unwrap(), {
    group: "features",
    value: "FILE",
    help: "weights of Inception, VGG16, AlexNet or SqueezeNet 1.1; the network is recognised",
  }),
  featureResize,
  input: option(z.string().min(1).optional(), {
    group: "pictures",
    value: "FOLDER",
    absent: "one side of the pairs of --dataroot",
    help: "a folder of pictures at any depth",
  }),
  dataroot: option(z.string().min(1).optional(), {
    group: "pictures",
    value: "FOLDER",
    absent: "the pictures of --input",
    help: "folder of pairs, of which one side is taken",
  }),
  side: option(z.enum(["A", "B"]).default("B"), {
    group: "pictures",
    help: "side of the pairs: that of the targets, as for --direction AtoB",
  }),
  phase: option(z.string().min(1).default("test"), {
    group: "pictures",
    value: "NAME",
    help: "subfolder of the dataroot: test, val, train, ...",
  }),
  datasetMode,
  skipUnpaired,
  size: option(z.int().min(1).max(16384).optional(), {
    group: "pictures",
    unit: "px",
    absent: "as they are",
    help: "width and height to which pairs are resized first, as a run does with its targets: its --crop-size",
  }),
  threads,
  out: option(z.string().min(1), { group: "pictures", value: "FILE", help: "the .safetensors file to write" }),
});

type Options = z.output<typeof schema>;

/** A picture that is read on demand. */
interface Source {
  name: string;
  read(): Promise<Picture>;
}

export const statistics: Command = {
  name: "data statistics",
  summary: "compute the features of a reference set once, for KID and FID of test --reference",
  schema,
  examples: [
    "npx pix2pix data statistics --features vgg16.pth --dataroot facades --side A --size 256 --out facades.safetensors",
    "npx pix2pix data statistics --features vgg16.pth --input photos --out photos.safetensors",
  ],
  async run(given, output) {
    const options = ownOptions(schema, given);
    await refuseFolder(options.out);
    const platform = await loadPlatform({ threads: options.threads });
    const sources = await sourcesOf(options, platform, output);
    const { features: file, featureResize: resize, threads } = options;
    const extractor = await FeatureExtractor.open({ features: file, resize, threads }, platform);
    const counter = new Counter(process.stdout, sources.all.length, "pictures");
    const rows: Float32Array[] = [];
    try {
      for (const { name, read } of sources.all) {
        rows.push(await extractor.features(await read(), name));
        counter.done();
      }
    } finally {
      counter.clear();
      await extractor.close();
    }
    const content = encodeStatistics({ ...extractor.identity, rows: featureRows(rows), source: sources.what });
    await platform.files.write(options.out, content);
    const { label, network } = extractor.file;
    output.print(
      `${counted(rows.length, "picture")} of ${visible(sources.what)}: ${network.size} features each of ${label}`,
    );
    output.print(`Statistics: ${options.out}`);
    output.print(
      `  npx pix2pix test --name RUN --features ${file} --feature-resize ${resize} --reference ${options.out}`,
    );
    return 0;
  },
};

/** The pictures, and a description of them for the file. @throws ConfigError unless one of --input and --dataroot is given */
async function sourcesOf(
  options: Options,
  platform: Platform,
  output: Output,
): Promise<{ what: string; all: Source[] }> {
  const { input, dataroot } = options;
  if ((input === undefined) === (dataroot === undefined)) {
    throw new ConfigError("give --input FOLDER for plain pictures, or --dataroot FOLDER for one side of pairs");
  }
  if (dataroot !== undefined) return sideOfPairs(dataroot, options, platform, output);
  if (options.size !== undefined)
    throw new ConfigError("--size is for pairs (--dataroot); pictures of --input stay as they are");
  const found = await jobs(input!, `${options.out}.pictures`, (text) => output.note(`note: ${text}`));
  const read = (path: string) => async () => {
    try {
      return await platform.images.decode(await platform.files.read(path));
    } catch (error) {
      throw new UserError(`${visible(path)}: ${messageOf(error)}`);
    }
  };
  return { what: input!, all: found.map((job) => ({ name: job.input, read: read(job.input) })) };
}

async function sideOfPairs(root: string, options: Options, platform: Platform, output: Output) {
  const { phase, side, size, datasetMode, skipUnpaired } = options;
  const { pairs, notes } = await findPairs(platform.files, root, { phase, datasetMode, skipUnpaired });
  for (const note of notes) output.note(`note: ${note}`);
  const length = size ?? 1;
  const reader = new PairReader(
    {
      preprocess: size === undefined ? "none" : "resize_and_crop",
      resizeFilter: "bicubic",
      datasetMode,
      loadSize: length,
      loadHeight: length,
      cropSize: length,
      cropHeight: length,
      direction: side === "B" ? "AtoB" : "BtoA",
      inputNc: 3,
      outputNc: 3,
      channelOrder: "RGB",
    },
    platform,
  );
  const all = pairs.map((pair): Source => {
    const read = async () => eightBits((await reader.read(pair)).target!);
    return { name: pair.name, read };
  });
  return { what: `${root}, ${phase}, side ${side}${size === undefined ? "" : `, ${size}x${size}`}`, all };
}

function eightBits(picture: DeepPicture): Picture {
  const { data, width, height, ...rest } = picture;
  if (data instanceof Uint8Array) return { ...rest, width, height, data };
  return fromTensor(toTensor(picture, 3), 3, height, width);
}
