/** A run on disk with untrained weights of a size that makes outputs differ from picture to picture. */
import { type ConfigInput, parseConfig } from "../../src/config/schema.ts";
import type { Config } from "../../src/config/types.ts";
import { NetworkState } from "../../src/engines/state.ts";
import { trainingStep } from "../../src/model/pix2pix.ts";
import { inits } from "../../src/nn/init.ts";
import { files } from "../../src/node/files.ts";
import { Random } from "../../src/random.ts";
import { Run } from "../../src/run/run.ts";

/** Running statistics are random too, so that they differ from those of a picture. */
export async function storedRun(
  checkpointsDir: string,
  name: string,
  options: Partial<ConfigInput> = {},
): Promise<Config> {
  const small = { netG: "unet_32", ngf: 4, ndf: 2, netD: "pixel", loadSize: 32, cropSize: 32 } as const;
  const config = parseConfig({ dataroot: "data", ...small, threads: 1, ...options, name, checkpointsDir });
  const { netG, netD } = trainingStep(config, { n: 1, height: config.cropHeight, width: config.cropSize });
  const states = { netG: new NetworkState(netG), netD: new NetworkState(netD) };
  for (const net of Object.values(states)) net.initialise(inits.normal, 0.2, 1);
  for (const spec of netG.statistics) {
    const values = states.netG.get(spec);
    new Random(1, spec.name, 0).fillNormal(values, spec.role === "mean" ? 0 : 1, 0.2);
    if (spec.role === "variance") for (let i = 0; i < values.length; i++) values[i] = Math.abs(values[i]!) + 0.1;
  }
  const run = new Run(files, config);
  await run.saveConfig(config);
  await run.saveLatest(states, { step: 1, epoch: 1, pairs: 1 });
  return config;
}
