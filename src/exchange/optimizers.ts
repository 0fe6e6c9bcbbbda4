/** Adam's moments and the progress of a training, from a file that `export --format pth --optimizer` or PyTorch has written. */
import type { NetworkState } from "../engines/state.ts";
import { CheckpointError, quoted } from "../errors.ts";
import { float32Tensor } from "../formats/tensors.ts";
import { TorchTensor } from "../formats/torch/tensor.ts";
import type { WeightsFile } from "../formats/weights-file.ts";
import { sameShape } from "../graph/graph.ts";
import type { Progress } from "../run/run.ts";
import { stepsPerEpoch } from "../run/steps.ts";
import { parametersInOrder } from "./pth.ts";

/** The contents of a file of optimizers. */
export interface Optimizers {
  path: string;
  /** The options of the run. */
  config: Readonly<Record<string, unknown>>;
  /** The text of data.json; "" where there is none. */
  record: string;
  /** How far the training has come, counted by the optimizers. */
  progress: Progress;
  states: Readonly<Record<"G" | "D", ReadonlyMap<unknown, unknown>>>;
}

type Dict = ReadonlyMap<unknown, unknown>;

/**
 * The optimizers of a file; undefined for any other file.
 * @throws CheckpointError where parts are missing
 */
export async function optimizersIn({ path, value }: WeightsFile): Promise<Optimizers | undefined> {
  if (!(value instanceof Map) || !value.has("optimizer_G")) return undefined;
  const about = dictOf(value.get("pix2pix"), path, 'no "pix2pix"');
  const states = { G: stateOf(value, "optimizer_G", path), D: stateOf(value, "optimizer_D", path) };
  const [updates, updatesD] = [await updatesOf(states.G, path), await updatesOf(states.D, path)];
  if (updates === undefined || (updatesD !== undefined && updatesD !== updates)) {
    throw broken(path, `optimizer_G has made ${updates} updates and optimizer_D ${updatesD}`);
  }
  const config = configOf(about.get("config"), path);
  const number = (key: string) => {
    const found = about.get(key);
    if (typeof found === "number" && Number.isSafeInteger(found) && found >= 0) return found;
    throw broken(path, `its ${key} is ${quoted(found)}`);
  };
  const [pairs, momentsFrom] = [number("pairs"), number("momentsFrom")];
  const step = updates + momentsFrom;
  const data = about.get("data");
  return {
    path,
    config,
    record: String(about.get("record") ?? ""),
    progress: {
      step,
      pairs,
      momentsFrom,
      epoch: Math.ceil(step / stepsPerEpoch(pairs, batching(config))),
      ...(typeof data === "string" && data !== "" && { data }),
    },
    states,
  };
}

/** Copies the moments into a network. @throws CheckpointError naming the first that differs, with both shapes */
export async function fillMoments(net: NetworkState, { path, states }: Optimizers): Promise<void> {
  const network = net.network === "netG" ? "G" : "D";
  const specs = parametersInOrder(net);
  const state = states[network];
  if (state.size !== specs.length) {
    throw broken(
      path,
      `optimizer_${network} has moments of ${state.size} parameters, ${net.network} has ${specs.length}`,
    );
  }
  for (const [i, spec] of specs.entries()) {
    const entry = dictOf(state.get(i), path, `optimizer_${network} has no parameter ${i}`);
    for (const [name, view] of [
      ["exp_avg", net.view("m", spec)],
      ["exp_avg_sq", net.view("v", spec)],
    ] as const) {
      const tensor = entry.get(name);
      const where = `optimizer_${network}, parameter ${i}, ${name}`;
      if (!(tensor instanceof TorchTensor) || !sameShape(tensor.shape, spec.shape)) {
        const got = tensor instanceof TorchTensor ? `[${tensor.shape}]` : "no tensor";
        throw broken(path, `${where} is ${got}, and ${spec.name} is [${spec.shape}]`);
      }
      view.set((await float32Tensor(tensor, where, path)).data);
    }
  }
}

function stateOf(value: Dict, name: string, path: string): Dict {
  const optimizer = dictOf(value.get(name), path, `no ${name}`);
  return dictOf(optimizer.get("state"), path, `${name} has no state`);
}

/** Updates that an optimizer has made; undefined for one without parameters. */
async function updatesOf(state: Dict, path: string): Promise<number | undefined> {
  const first = state.get(0);
  if (!(first instanceof Map)) return undefined;
  const step: unknown = first.get("step");
  const updates = step instanceof TorchTensor ? (await float32Tensor(step, "step", path)).data[0] : step;
  if (typeof updates === "number" && Number.isSafeInteger(updates) && updates >= 0) return updates;
  throw broken(path, `its step is ${quoted(updates)}`);
}

function configOf(text: unknown, path: string): Readonly<Record<string, unknown>> {
  try {
    const config: unknown = JSON.parse(String(text));
    if (typeof config === "object" && config !== null && !Array.isArray(config)) return { ...config };
  } catch {
    // The error below reports it.
  }
  throw broken(path, "its options are no JSON object");
}

/** The options that say how many steps an epoch has. */
const batching = ({ batchSize, accumulate, dropLast }: Readonly<Record<string, unknown>>) => ({
  batchSize: Number(batchSize ?? 1),
  accumulate: Number(accumulate ?? 1),
  dropLast: dropLast === true,
});

function dictOf(value: unknown, path: string, otherwise: string): Dict {
  if (value instanceof Map) return value;
  throw broken(path, otherwise);
}

const broken = (path: string, what: string) =>
  new CheckpointError(
    `${path}: ${what}. Expected what pix2pix export --format pth --optimizer writes: {"optimizer_G", "optimizer_D"}, state dicts ` +
      'of torch.optim.Adam, and "pix2pix" unchanged.',
  );
