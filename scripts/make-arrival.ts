/**
 * Trains the generator that the studio opens first. Its data are drawn facades and scenes (src/demo/), which follow from
 * the seed:
 *
 *   node --import tsx scripts/make-arrival.ts [--steps 4000] [--dir runs]
 *
 * It takes an hour or two on two cores. It can be stopped; the same command continues it. At its end it writes the weights
 * into src/app/models.
 */
import { fileURLToPath } from "node:url";
import { parseConfig } from "../src/config/schema.ts";
import { drawFacade, drawParts } from "../src/demo/facades.ts";
import { palette } from "../src/demo/parts.ts";
import { layOutScene } from "../src/demo/scenes.ts";
import { publishRun } from "../src/inference/publish.ts";
import { nodePlatform } from "../src/node/index.ts";
import { Random } from "../src/random.ts";
import { Run } from "../src/run/run.ts";
import { train } from "../src/training/train.ts";
import { scriptOptions } from "./options.ts";

const { values } = scriptOptions(import.meta.url, {
  options: {
    dir: { type: "string", default: "runs" },
    steps: { type: "string", default: "4000" },
    pairs: { type: "string", default: "1000" },
    threads: { type: "string", default: "2" },
    /** Writes the weights as they are, without training. */
    pack: { type: "boolean", default: false },
  },
});
const seed = 2026;
const size = 256;
const [steps, pairs] = [Number(values.steps), Number(values.pairs)];
const platform = await nodePlatform();
const { files, images } = platform;

const dataroot = `${values.dir}/arrival-data`;
for (let i = 0; i < pairs; i++) {
  const name = `scene_${String(i).padStart(4, "0")}.png`;
  if (await files.exists(`${dataroot}/trainB/${name}`)) continue;
  const random = new Random(seed, "scene", i);
  const { label, photo } = drawParts(layOutScene(random), random, size);
  await files.write(`${dataroot}/trainA/${name}`, await images.encodePng(label));
  await files.write(`${dataroot}/trainB/${name}`, await images.encodePng(photo));
}

const epochs = Math.ceil(steps / pairs);
const config = parseConfig({
  name: "arrival",
  checkpointsDir: values.dir,
  dataroot,
  preprocess: "none",
  cropSize: size,
  noFlip: true,
  noDropout: true,
  netG: "unet_64",
  ngf: 16,
  netD: "n_layers",
  nLayersD: 2,
  ndf: 16,
  upsample: "transpose",
  lr: 4e-4,
  seed,
  maxSteps: steps,
  nEpochs: Math.floor(epochs / 2),
  nEpochsDecay: Math.ceil(epochs / 2),
  saveLatestFreq: 200,
  saveEpochFreq: 1_000_000,
  threads: Number(values.threads),
});
const run = new Run(files, config);
if (!values.pack) {
  const continueTrain = ((await run.progress())?.step ?? 0) > 0;
  let next = 0;
  await train({ ...config, continueTrain }, platform, {
    step: ({ step, losses, secondsLeft }) => {
      if (step < next) return;
      next = step + 100;
      console.log(`step ${step}, L1 ${losses.G_L1?.toFixed(2)}, ${Math.round(secondsLeft)} s left`);
    },
  });
}

/** The facade that the sheet shows first. Its seed was not trained on. */
const house = drawFacade(new Random(0, "facade", 4), size);
const example = { name: "facade_4", input: house.label };
/** The palette begins with the parts that a user draws first. */
const order = ["window", "door", "shop", "awning", "balcony", "shutter", "sill", "deco", "pillar", "cornice"] as const;
const others = ["plaster", "brick", "stone", "roof", "tree", "street", "sky"] as const;
const kinds = [...order, ...others].map((name) => ({ name, rgb: palette[name] }));
const { entry, files: written } = await publishRun(
  { name: run.name, config: await run.config(), tensors: (await run.generator("latest")).tensors },
  {
    precision: "int8",
    title: "Facades, drawn by rules",
    drawing: { tool: "regions", colours: kinds, background: palette.sky },
    examples: [example],
    drawn: "facades",
  },
  platform,
);
const models = fileURLToPath(new URL("../src/app/models", import.meta.url));
for (const [path, bytes] of written) await files.write(`${models}/${run.name}/${path}`, bytes);
await files.write(`${models}/index.json`, `${JSON.stringify({ runs: [entry] }, null, 1)}\n`);
const total = [...written.values()].reduce((sum, { length }) => sum + length, 0);
console.log(`${models}/${run.name}: ${Math.round(total / 1000)} kB, step ${(await run.progress())?.step}`);
