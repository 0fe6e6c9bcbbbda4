/** The feature networks. To add one, add an entry here, and a case to test/fixtures/make/features.py. */
import { inception2015, inceptionTorchvision } from "./inception.ts";
import type { FeatureNetwork } from "./network.ts";
import { alexnet, squeezenet, vgg16 } from "./torchvision.ts";

export const featureNetworks = {
  inception2015,
  inceptionTorchvision,
  vgg16,
  alexnet,
  squeezenet,
} as const satisfies Readonly<Record<string, FeatureNetwork>>;

/**
 * Published files, by the beginning of their SHA-256, which is also in their names. Users often give those without a
 * network by mistake.
 */
export const publishedFiles: Readonly<Record<string, { name: string; network?: FeatureNetwork }>> = {
  "6726825d": { name: "pt_inception-2015-12-05-6726825d.pth", network: inception2015 },
  "0cc3c7bd": { name: "inception_v3_google-0cc3c7bd.pth", network: inceptionTorchvision },
  "1a9a5a14": { name: "inception_v3_google-1a9a5a14.pth", network: inceptionTorchvision },
  "397923af": { name: "vgg16-397923af.pth", network: vgg16 },
  "7be5be79": { name: "alexnet-owt-7be5be79.pth", network: alexnet },
  "4df8aa71": { name: "alexnet-owt-4df8aa71.pth", network: alexnet },
  b8a52dc0: { name: "squeezenet1_1-b8a52dc0.pth", network: squeezenet },
  f364aa15: { name: "squeezenet1_1-f364aa15.pth", network: squeezenet },
  b66bff10: { name: "torchvision's squeezenet1_0-b66bff10.pth" },
  dcbb9e9d: { name: "torchvision's vgg19-dcbb9e9d.pth" },
  "6c64b3f7": { name: "torchvision's vgg16_bn-6c64b3f7.pth" },
  f37072fd: { name: "torchvision's resnet18-f37072fd.pth" },
  "0676ba61": { name: "torchvision's resnet50-0676ba61.pth" },
  "11ad3fa6": { name: "torchvision's resnet50-11ad3fa6.pth" },
};
