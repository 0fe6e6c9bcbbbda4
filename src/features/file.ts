/** Reads the weights of a feature network, and LPIPS's linear layers, from files. */
import { CheckpointError } from "../errors.ts";
import { sha256 } from "../formats/sha256.ts";
import { slicesOf } from "../formats/slices.ts";
import { float32Tensor, type SourceTensor } from "../formats/tensors.ts";
import { weightsIn } from "../formats/weights-file.ts";
import { Graph, type Shape, sameShape } from "../graph/graph.ts";
import { Parameters } from "../nn/parameters.ts";
import type { Files } from "../platform.ts";
import type { FeatureNetwork } from "./network.ts";
import { featureNetworks, publishedFiles } from "./networks.ts";

/** Values by tensor name, as float32. */
export type Values = ReadonlyMap<string, Float32Array>;

/** A network with its weights. */
export interface FeatureFile {
  network: FeatureNetwork;
  values: Values;
  /** The beginning of the SHA-256 of the weights, the same for every format of the file. */
  weights: string;
  /** The published name of the file; undefined for weights that nobody published. */
  published: string | undefined;
  /** The network with its weights, in words. */
  label: string;
}

/** LPIPS's linear layers. */
export interface LinearFile {
  /** [C] for each layer. */
  values: readonly Float32Array[];
  weights: string;
  /** The layers of LPIPS v0.1 that these are, such as "vgg". */
  published: string | undefined;
}

/** The digests of the linear layers in lpips 0.1.4, weights/v0.1. */
const publishedLinear: Readonly<Record<string, string>> = {
  "8ffecded715116a334444fa04ef5eda3c7bf6cd649234895f2cdf1eb66dc361c": "alex",
  a58db234170f317a0159564de8c5ca01c9710927083ecd6fe39ed834dbbe7302: "vgg",
  b5895217a2f7cedb2fdf239a5bc0f9e1ab7efb0f905529e615b0f69b3b33d1c5: "squeeze",
};

/**
 * The network in a file. It is recognised by the names and shapes of its tensors.
 * @throws CheckpointError for a file of another network: names it where its hash is known
 */
export async function readFeatures(files: Pick<Files, "read">, path: string): Promise<FeatureFile> {
  const { tensors, digest } = await readTensors(files, path);
  const known = publishedFiles[digest.slice(0, 8)];
  if (known && !known.network) throw new CheckpointError(`${path} is ${known.name}; ${expected()}`);
  const network = recognised(tensors, path);
  const values = await floats(
    tensors,
    tensorsOf(network).map(({ name }) => name),
    path,
  );
  const weights = await digestOf(values);
  const published = known?.network === network ? known.name : undefined;
  const label = published ? network.label : `${network.label} (weights ${weights.slice(0, 8)})`;
  return { network, values, weights, published, label };
}

/**
 * LPIPS's linear layers for a network, `lin0.model.1.weight` and so on.
 * @throws CheckpointError for another file, and for the layers of another network
 */
export async function readLinear(
  files: Pick<Files, "read">,
  path: string,
  { label, channels }: Pick<FeatureNetwork, "label" | "channels">,
): Promise<LinearFile> {
  if (channels.length === 0) {
    throw new CheckpointError(
      `--lpips: LPIPS has no linear layers for ${label}; take VGG16, AlexNet or SqueezeNet 1.1`,
    );
  }
  const { tensors } = await readTensors(files, path);
  const name = (i: number) => `lin${i}.model.1.weight`;
  const found: number[] = [];
  for (let i = 0; tensors.has(name(i)); i++) found.push(tensors.get(name(i))!.shape[1] ?? 0);
  if (found.length === 0) {
    throw new CheckpointError(
      `${path} holds no linear layers of LPIPS: it has no tensor ${name(0)}; expected a file such as weights/v0.1/vgg.pth of lpips`,
    );
  }
  if (!sameShape(found, channels)) {
    const other = Object.values(featureNetworks).find((each) => sameShape(each.channels, found));
    throw new CheckpointError(
      `${path} holds LPIPS's layers for ${other?.label ?? "another network"} (${found.join(", ")} channels), but the network of ` +
        `--features is ${label} (${channels.join(", ")})`,
    );
  }
  const values = await floats(
    tensors,
    channels.map((_, i) => name(i)),
    path,
  );
  const weights = await digestOf(values);
  return { values: [...values.values()], weights, published: publishedLinear[weights] };
}

/** The tensors of a .safetensors or .pth by name. @throws CheckpointError for a file that cannot be read */
async function readTensors(files: Pick<Files, "read">, path: string) {
  const bytes = await files.read(path);
  const { tensors } = await weightsIn(slicesOf(bytes), path);
  return { tensors, digest: await sha256(bytes) };
}

type Stored = ReadonlyMap<string, SourceTensor>;

const known = new Map<FeatureNetwork, { name: string; shape: Shape }[]>();

/** The tensors that a network's graph needs. */
function tensorsOf(network: FeatureNetwork): { name: string; shape: Shape }[] {
  let specs = known.get(network);
  if (!specs) {
    const graph = new Graph();
    const p = new Parameters(graph, "features");
    network.build(p, graph.input("x", [1, 3, network.side, network.side]));
    specs = p.specs;
    known.set(network, specs);
  }
  return specs;
}

function recognised(tensors: Stored, path: string): FeatureNetwork {
  const all = Object.values(featureNetworks).map((network) => ({ network, ...compared(tensors, network) }));
  const right = all.find(({ problem }) => problem === undefined);
  if (right) return right.network;
  if (tensors.has("lin0.model.1.weight")) {
    throw new CheckpointError(
      `${path} holds LPIPS's linear layers: give them with --lpips, and their network with --features`,
    );
  }
  const near = all.reduce((a, b) => (b.share > a.share ? b : a));
  const names = [...tensors.keys()];
  const what =
    near.share > 0.5
      ? `${path} is like ${near.network.label}, but ${near.problem}`
      : `${path} holds no feature network: its ${names.length} tensors are ${names.slice(0, 3).join(", ")}${names.length > 3 ? ", ..." : ""}`;
  throw new CheckpointError(`${what}; ${expected()}`);
}

/** The share of a network's tensors that a file has, and the first difference. */
function compared(tensors: Stored, network: FeatureNetwork): { share: number; problem: string | undefined } {
  const specs = tensorsOf(network);
  const marks = Object.entries(network.marks ?? {}).map(([name, shape]) => ({ name, shape }));
  const wrong = [...specs, ...marks].flatMap(({ name, shape }) => {
    const found = tensors.get(name);
    if (!found) return [`it has no ${name}`];
    return sameShape(found.shape, shape)
      ? []
      : [`${name} is [${found.shape.join(", ")}], expected [${shape.join(", ")}]`];
  });
  const own = new Set([...specs, ...marks].map(({ name }) => name));
  const further = [...tensors.keys()].filter((name) => !own.has(name) && !network.others.test(name));
  return { share: 1 - wrong.length / own.size, problem: wrong[0] ?? (further[0] && `it also has ${further[0]}`) };
}

const expected = () =>
  `expected the weights of ${Object.values(featureNetworks)
    .map(({ label, source }) => `${label} (${source})`)
    .join(", ")}`;

/** @throws CheckpointError for another dtype, and for values that are not finite */
async function floats(tensors: Stored, names: readonly string[], path: string): Promise<Values> {
  const values = new Map<string, Float32Array>();
  for (const name of names) {
    const { data } = await float32Tensor(tensors.get(name)!, name, path);
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new CheckpointError(`${path} is damaged: value ${bad} of ${name} is ${data[bad]}; copy the file again`);
    }
    values.set(name, data);
  }
  return values;
}

/** The digest of names and values, in the order of the names. */
async function digestOf(values: Values): Promise<string> {
  const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = sorted.map(async ([name, data]) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return `${name} ${await sha256(bytes)}\n`;
  });
  return sha256(new TextEncoder().encode((await Promise.all(parts)).join("")));
}
