/** --format pth: weights as PyTorch's own files, and with --optimizer all that is needed to continue the training there. */
import * as z from "zod";
import { option } from "../config/options.ts";
import type { Config } from "../config/schema.ts";
import type { NetworkState } from "../engines/state.ts";
import { readText } from "../formats/read-text.ts";
import { decode, type StoredTensor } from "../formats/safetensors.ts";
import { joined } from "../formats/streams.ts";
import { encodeTorch, type Picklable, PythonFloat, PythonTuple } from "../formats/torch/write.ts";
import { isTrainable, type ParameterSpec } from "../nn/parameters.ts";
import { dataFile, weightsFile } from "../run/paths.ts";
import type { Progress } from "../run/run.ts";
import { weightTensors } from "../run/weights.ts";
import { shellOption } from "../text.ts";
import { articleName } from "./article-names.ts";
import { exportFormat } from "./format.ts";
import { statesOf } from "./load.ts";
import type { ExportModel } from "./model.ts";
import { networkValues } from "./network-values.ts";

const rawWeights =
  "with --optimizer latest_net_G.pth has the weights as they were trained, not their running average (--ema)";

/** The file of Adam's moments and the training's progress. */
const optimizersFile = "latest_optimizers.pth";

export const pth = exportFormat({
  help: "PyTorch's .pth of generator and discriminator, as the widely used PyTorch repository loads them",
  options: {
    optimizer: option(z.boolean().default(false), {
      group: "export",
      help: "also Adam's moments and the training's progress, so that training can continue in PyTorch and come back",
    }),
  },
  problems: ({ run }, { optimizer }) =>
    optimizer && run?.epoch !== "latest"
      ? ["--optimizer: moments are kept with the last checkpoint of a run; leave out --weights and --epoch"]
      : [],
  async write(model, { optimizer }, { platform, write, note }) {
    for (const line of peculiarities(model.config)) note(line);
    if (optimizer && model.run) {
      const { run } = model.run;
      if (model.config.ema > 0) note(`${rawWeights}; an import starts the average anew`);
      const states = statesOf(model.config);
      const progress = await run.restore(states);
      await write("latest_net_G.pth", weightsPth(weightTensors(states.netG), "latest_net_G"));
      await write("latest_net_D.pth", weightsPth(weightTensors(states.netD), "latest_net_D"));
      const data = run.path(dataFile);
      const record = (await platform.files.exists(data)) ? await readText(platform.files, data) : "";
      await write(optimizersFile, optimizersPth(model, states, progress, record));
      return;
    }
    await write("latest_net_G.pth", weightsPth(model.tensors, "latest_net_G"));
    const pathD = model.run?.run.path(weightsFile(model.run.epoch, "D"));
    if (pathD === undefined || !(await platform.files.exists(pathD))) return;
    await write(
      "latest_net_D.pth",
      weightsPth(decode(await platform.files.read(pathD), pathD).tensors, "latest_net_D"),
    );
  },
  usage: (model, { optimizer }) => [networkValues(model), usage(model.name, model.config, optimizer)].join("\n\n"),
});

/** The bytes of a state_dict. */
function weightsPth(tensors: Readonly<Record<string, StoredTensor>>, name: string): Uint8Array {
  const ordered = Object.keys(tensors).sort(inOrderOfPyTorch);
  return joined(encodeTorch(new Map(ordered.map((key) => [articleName(key), tensors[key]!])), name));
}

const roles = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];

/**
 * The order of names in a state_dict, and so of parameters(): modules in the order in which they were made, which for
 * numbered ones is that of their numbers; of each module the weight, the bias, then its buffers.
 */
export function inOrderOfPyTorch(a: string, b: string): number {
  const [x, y] = [a.split("."), b.split(".")];
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const [p = "", q = ""] = [x[i], y[i]];
    if (p === q) continue;
    if (/^\d+$/.test(p) && /^\d+$/.test(q)) return Number(p) - Number(q);
    const [of, than] = [roles.indexOf(p), roles.indexOf(q)];
    return of >= 0 && than >= 0 ? of - than : p < q ? -1 : 1;
  }
  return 0;
}

/** The trained parameters of a network in the order of PyTorch's parameters(). */
export const parametersInOrder = ({ specs }: Pick<NetworkState, "specs">): ParameterSpec[] =>
  specs.filter(isTrainable).sort((a, b) => inOrderOfPyTorch(a.name, b.name));

/** @param record the text of data.json */
function optimizersPth(
  { config }: ExportModel,
  { netG, netD }: { netG: NetworkState; netD: NetworkState },
  { step, epoch, pairs, data = "", momentsFrom = 0 }: Progress,
  record: string,
): Uint8Array {
  const updates = step - momentsFrom;
  const about = { config: JSON.stringify(config), step, epoch, pairs, data, momentsFrom, record };
  const { lr, lrD = lr } = config;
  const value: Picklable = {
    optimizer_G: adamState(netG, updates, lr, config),
    optimizer_D: adamState(netD, updates, lrD, config),
    pix2pix: about,
  };
  return joined(encodeTorch(value, "latest_optimizers"));
}

/** The state_dict of torch.optim.Adam. */
function adamState(net: NetworkState, updates: number, lr: number, { beta1, beta2 }: Config): Picklable {
  const specs = parametersInOrder(net);
  const moment = (spec: ParameterSpec, name: "m" | "v"): StoredTensor => ({
    dtype: "F32",
    shape: spec.shape,
    data: net.view(name, spec) as Float32Array<ArrayBuffer>,
  });
  const step = (): StoredTensor => ({ dtype: "F32", shape: [], data: Float32Array.of(updates) });
  const state = specs.map((spec, i): [number, Picklable] => [
    i,
    { step: step(), exp_avg: moment(spec, "m"), exp_avg_sq: moment(spec, "v") },
  ]);
  return {
    state: new Map(state),
    param_groups: [
      {
        lr: new PythonFloat(lr),
        betas: new PythonTuple(new PythonFloat(beta1), new PythonFloat(beta2)),
        eps: new PythonFloat(1e-8),
        weight_decay: 0,
        amsgrad: false,
        maximize: false,
        foreach: null,
        capturable: false,
        differentiable: false,
        fused: null,
        decoupled_weight_decay: false,
        initial_lr: new PythonFloat(lr),
        params: specs.map((_, i) => i),
      },
    ],
  };
}

/** The options whose networks the PyTorch repository does not have. */
function unknownThere(config: Config): string[] {
  const { netG, skip, slope, padding, upsample, bias, bottleneckNorm, normEpsilon, dropoutLevels } = config;
  return [
    ...(/^(unet|resnet)/.test(netG) ? [] : [`--netG ${netG}`]),
    ...(upsample === "transpose" ? [] : [`--upsample ${upsample}`]),
    ...(padding === "zero" ? [] : [`--padding ${padding}`]),
    ...(config.separableConv ? ["--separable-conv"] : []),
    ...(config.blurPool === "none" ? [] : [`--blur-pool ${config.blurPool}`]),
    ...(bias === "auto" ? [] : [`--bias ${bias}`]),
    ...(bottleneckNorm ? ["--bottleneck-norm"] : []),
    ...(skip === "relu" ? [] : [`--skip ${skip}`]),
    ...(slope === 0.2 ? [] : [`--slope ${slope}`]),
    ...(normEpsilon === 1e-5 ? [] : [`--norm-epsilon ${normEpsilon}`]),
    ...(dropoutLevels === "second" || config.noDropout ? [] : [`--dropout-levels ${dropoutLevels}`]),
    ...(config.inputLabels === undefined ? [] : [`--input-labels ${config.inputLabels}`]),
    ...(config.inputInstances ? ["--input-instances"] : []),
  ];
}

const notThere = (options: readonly string[]) => `the PyTorch repository has no network with ${options.join(", ")}`;

/** Notes on options that the PyTorch repository does not have or handles differently. */
function peculiarities(config: Config): string[] {
  const other = unknownThere(config);
  const bgr = config.channelOrder === "BGR";
  return [
    ...(other.length > 0 ? [`${notThere(other)}; pix2pix import reads these files back`] : []),
    ...(config.spectralNorm
      ? ["the PyTorch repository's discriminators have no spectral normalisation: only G loads there"]
      : []),
    ...(bgr ? ["input and output are BGR: flip the channels of the pictures at both ends"] : []),
  ];
}

function usage(name: string, config: Config, optimizer: boolean): string {
  const { netG, norm, ngf, ndf, netD, nLayersD, inputNc, outputNc, noDropout, inputLabels, inputInstances } = config;
  const labels =
    inputLabels === undefined ? "" : ` --input-labels ${inputLabels}${inputInstances ? " --input-instances" : ""}`;
  const flags = [
    `--netG ${netG} --norm ${norm} --ngf ${ngf} --ndf ${ndf} --netD ${netD}`,
    ...(netD === "n_layers" ? [`--n_layers_D ${nLayersD}`] : []),
    ...(inputNc !== 3 || outputNc !== 3 ? [`--input_nc ${inputNc} --output_nc ${outputNc}`] : []),
    ...(noDropout ? ["--no_dropout"] : []),
  ].join(" ");
  const other = unknownThere(config);
  const plain = [
    "Copy the files to `checkpoints/NAME` of pytorch-CycleGAN-and-pix2pix and run:",
    `\`\`\`sh\npython test.py --model pix2pix --dataroot DATA --name NAME --direction ${config.direction} ${flags}\n\`\`\``,
  ];
  const special = [
    `The files are state_dicts (\`torch.load\`), but ${notThere(other)}. This program reads them back:`,
    `\`\`\`sh\nnpx pix2pix import latest_net_G.pth ${shellOption("--name", `${name}-back`)} --direction ${config.direction}${labels}\n\`\`\``,
  ];
  const lines = ["## Use in PyTorch", ...(other.length > 0 ? special : plain)];
  if (optimizer) {
    lines.push(
      "`latest_optimizers.pth` has Adam's moments, in the order of `net.parameters()`:",
      '```python\nstate = torch.load("latest_optimizers.pth", weights_only=True)\nmodel.optimizer_G.load_state_dict(state["optimizer_G"])\n' +
        'model.optimizer_D.load_state_dict(state["optimizer_D"])\n```',
      'To come back, save the optimizers in the same form (keep `state["pix2pix"]` as it is), then:',
      `\`\`\`sh\nnpx pix2pix import latest_net_G.pth latest_net_D.pth latest_optimizers.pth ${shellOption("--name", `${name}-back`)}\n\`\`\``,
    );
  }
  return lines.join("\n\n");
}
