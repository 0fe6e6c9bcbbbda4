/** AlexNet, VGG16 and SqueezeNet 1.1 as torchvision has them, without their classifiers, with LPIPS's layers. */
import type { Tensor } from "../graph/graph.ts";
import { concat, reshape } from "../graph/ops/movement.ts";
import { maxPool } from "../graph/ops/pooling.ts";
import { mean } from "../graph/ops/reduce.ts";
import type { Parameters } from "../nn/parameters.ts";
import { convRelu, type FeatureNetwork, type Features } from "./network.ts";

const classifier = /^classifier\./;

/** The mean over positions of the last map. */
function pooledOf(layers: readonly Tensor[]): Features {
  const last = layers.at(-1)!;
  return { layers, pooled: reshape(mean(last, [2, 3]), [last.shape[0]!, last.shape[1]!]) };
}

/** AlexNet (Krizhevsky 2014, arXiv 1404.5997). */
export const alexnet: FeatureNetwork = {
  label: "AlexNet",
  size: 256,
  side: 224,
  scaling: "imagenet",
  source: "torchvision.models.alexnet",
  channels: [64, 192, 384, 256, 256],
  others: classifier,
  build(p, x) {
    const pool = (t: Tensor) => maxPool(t, { kernel: 3, stride: 2 });
    const conv1 = convRelu(p, "features.0", x, { out: 64, kernel: 11, stride: 4, pad: 2 });
    const conv2 = convRelu(p, "features.3", pool(conv1), { out: 192, kernel: 5, pad: 2 });
    const conv3 = convRelu(p, "features.6", pool(conv2), { out: 384, kernel: 3, pad: 1 });
    const conv4 = convRelu(p, "features.8", conv3, { out: 256, kernel: 3, pad: 1 });
    const conv5 = convRelu(p, "features.10", conv4, { out: 256, kernel: 3, pad: 1 });
    return pooledOf([conv1, conv2, conv3, conv4, conv5]);
  },
};

/** VGG16 (Simonyan and Zisserman 2014, arXiv 1409.1556). */
export const vgg16: FeatureNetwork = {
  label: "VGG16",
  size: 512,
  side: 224,
  scaling: "imagenet",
  source: "torchvision.models.vgg16",
  channels: [64, 128, 256, 512, 512],
  others: classifier,
  build(p, x) {
    const layers: Tensor[] = [];
    let [at, index] = [x, 0];
    for (const [stage, out] of vgg16.channels.entries()) {
      for (let i = 0; i < (stage < 2 ? 2 : 3); i++, index += 2) {
        at = convRelu(p, `features.${index}`, at, { out, kernel: 3, pad: 1 });
      }
      layers.push(at);
      if (stage < 4) at = maxPool(at, { kernel: 2, stride: 2 });
      index++;
    }
    return pooledOf(layers);
  },
};

/** SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360). */
export const squeezenet: FeatureNetwork = {
  label: "SqueezeNet 1.1",
  size: 512,
  side: 224,
  scaling: "imagenet",
  source: "torchvision.models.squeezenet1_1",
  channels: [64, 128, 256, 384, 384, 512, 512],
  others: classifier,
  build(p, x) {
    const pool = (t: Tensor) => maxPool(t, { kernel: 3, stride: 2, ceil: true });
    const first = convRelu(p, "features.0", x, { out: 64, kernel: 3, stride: 2 });
    const fire4 = fire(p, 4, fire(p, 3, pool(first), 16, 64), 16, 64);
    const fire7 = fire(p, 7, fire(p, 6, pool(fire4), 32, 128), 32, 128);
    const fire9 = fire(p, 9, pool(fire7), 48, 192);
    const fire10 = fire(p, 10, fire9, 48, 192);
    const fire11 = fire(p, 11, fire10, 64, 256);
    return pooledOf([first, fire4, fire7, fire9, fire10, fire11, fire(p, 12, fire11, 64, 256)]);
  },
};

/** Few channels, then 1x1 and 3x3 kernels side by side. */
function fire(p: Parameters, index: number, x: Tensor, few: number, out: number): Tensor {
  const name = `features.${index}`;
  const squeezed = convRelu(p, `${name}.squeeze`, x, { out: few, kernel: 1 });
  const small = convRelu(p, `${name}.expand1x1`, squeezed, { out, kernel: 1 });
  const large = convRelu(p, `${name}.expand3x3`, squeezed, { out, kernel: 3, pad: 1 });
  return concat([small, large], 1);
}
