/** The large feature networks with drawn weights against clean-fid, pytorch-fid, torch-fidelity, torchvision and lpips. */
import { it } from "vitest";
import { featureNetworks } from "../../src/features/networks.ts";
import { sameDistances, sameFeatures } from "./extractors.ts";

const { inception2015, inceptionTorchvision, vgg16 } = featureNetworks;

it.each([
  ["clean-fid", inception2015, "clean-fid"],
  ["pytorch-fid", inception2015, "pytorch-fid"],
  ["torch-fidelity", inception2015, "torch-fidelity"],
  ["torchvision", inceptionTorchvision, "clean-fid"],
] as const)(
  "Inception has the features of %s",
  async (tool, network, resize) => {
    await sameFeatures(network, tool, resize);
  },
  120_000,
);

it("LPIPS on VGG16 is that of lpips", () => sameDistances("vgg16", vgg16), 120_000);
