/** Small networks with their first weights, and the configuration that they have. */
import { parseConfig } from "../../src/config/schema.ts";
import { NetworkState } from "../../src/engines/state.ts";
import { trainingStep } from "../../src/model/pix2pix.ts";
import { inits } from "../../src/nn/init.ts";

export const config = parseConfig({ dataroot: "none", netG: "unet_32", ngf: 2, ndf: 2, cropSize: 32, loadSize: 32 });
export function networks() {
  const { netG, netD } = trainingStep(config, { n: 1, height: 32, width: 32 });
  const states = { netG: new NetworkState(netG), netD: new NetworkState(netD) };
  for (const net of Object.values(states)) net.initialise(inits.normal, 0.02, 1);
  return states;
}
