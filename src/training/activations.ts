/** The values of every layer of both networks on one pair, for histograms (--tensorboard-histograms). */
import type { Config } from "../config/schema.ts";
import type { Batch } from "../data/loader.ts";
import { cpuKernels } from "../engines/cpu-kernels.ts";
import { baseDevice, sessionOptions } from "../engines/device.ts";
import type { NetworkState } from "../engines/state.ts";
import type { Output, Program, Tensor } from "../graph/graph.ts";
import { forCpu } from "../lowering/cpu.ts";
import { type Judgement, Model } from "../model/losses.ts";
import { encode } from "../onnx/encode.ts";
import type { Platform } from "../platform.ts";

/** Values by the name of their layer. */
export type Activations = ReadonlyMap<string, Float32Array>;

/**
 * A forward pass of G, without dropout, and of D on its picture and on the target, with the statistics of training. It runs on the
 * platform's base device, whatever device trains.
 * @param pair one pair
 * @param state both networks, with their weights on the host
 * @returns "netG/down1", ..., and for D, where there is one, "netD(fake)/layer1" to "netD(fake)/map", and "netD(real)/..."
 */
export async function activationsOf(
  config: Config,
  platform: Platform,
  pair: Pick<Batch, "A" | "B" | "height" | "width">,
  { netG, netD }: { netG: NetworkState; netD: NetworkState },
): Promise<Activations> {
  const program = layersOf(config, pair);
  const device = baseDevice(platform);
  const lowered = forCpu(program, await cpuKernels(platform, device));
  const { ort } = platform;
  const session = await ort.InferenceSession.create(
    encode(lowered),
    sessionOptions(device, config.threads ?? platform.cores),
  );
  const values = new Map<string, Float32Array>([
    ["real_A", pair.A],
    ["real_B", pair.B],
    ...[netG, netD].flatMap((net) => net.specs.map((spec) => [`${net.network}.${spec.name}`, net.get(spec)] as const)),
  ]);
  const feeds = lowered.inputs.map(
    ({ name, shape }) => [name, new ort.Tensor("float32", values.get(name)!, shape)] as const,
  );
  try {
    const outputs = await session.run(Object.fromEntries(feeds));
    return new Map(session.outputNames.map((name) => [name, outputs[name]!.data as Float32Array]));
  } finally {
    await session.release();
  }
}

/**
 * A program whose outputs are the maps of all layers: of G the last map in each scope of the graph, after the norm and, where it is
 * in the scope, the activation; of D those of its judgements of G's picture and of the target.
 */
function layersOf(config: Config, { height, width }: Pick<Batch, "height" | "width">): Program {
  // Without augmentations, whose draws would differ: histograms of two epochs are to be compared.
  const options = {
    ...config,
    noDropout: true,
    dropoutLayers: !config.noDropout,
    diffAugment: undefined,
  };
  const model = new Model(options, { n: 1, height, width });
  const fake = model.generate();
  const last = new Map<string, Tensor>();
  for (const { scope, output } of model.graph.nodes) if (scope !== "") last.set(scope, output);
  const ofG = [...last].map(([name, tensor]): Output => ({ name, tensor }));
  if (config.lambdaGan === 0) return model.graph.program(ofG);
  const ofD = [
    ...namedLayers("netD(fake)", model.judge(fake, "fake")),
    ...namedLayers("netD(real)", model.judge(model.realB, "real")),
  ];
  return model.graph.program([...ofG, ...ofD]);
}

function namedLayers(name: string, judgement: Judgement): Output[] {
  return judgement.flatMap((layers, scale) =>
    layers.map((tensor, i) => {
      const layer = i === layers.length - 1 ? "map" : `layer${i + 1}`;
      return { name: `${name}/${judgement.length > 1 ? `scale${scale}/` : ""}${layer}`, tensor };
    }),
  );
}
