/**
 * The tensors in which a device keeps a network. Every kernel has a launch cost, so all vectors (scales and biases) are one
 * tensor, and so are all running statistics; a weight is a tensor of its own, because a kernel reads whole tensors.
 */
import { type Program, type Shape, sizeOf } from "../graph/graph.ts";
import { type FlatTensor, withFlatMemory } from "../lowering/gpu/flat-memory.ts";
import { stepForGpu } from "../lowering/gpu.ts";
import { adamGraph, momentGroups } from "../nn/adam.ts";
import { isTrainable, type ParameterSpec, type Role } from "../nn/parameters.ts";
import type { Device, Platform } from "../platform.ts";
import { memoryOf } from "./engine.ts";
import { type MemoryNeed, memoryNeed, type Network } from "./memory.ts";

/** A tensor of a network on a device: one parameter, or several one after the other. */
export interface DeviceTensor {
  name: string;
  shape: Shape;
  /** Its parts, in the order of their values. */
  specs: readonly ParameterSpec[];
}

/** Parts that are computed alike lie side by side, so that one kernel computes them. */
const order: readonly Role[] = ["scale", "bias", "weight", "mean", "variance", "direction"];

/** The trained tensors of a network, and those of its statistics. */
export function tensorsOf({ specs }: Pick<Network, "specs">): {
  trained: DeviceTensor[];
  statistics: DeviceTensor[];
} {
  const trained = specs.filter(isTrainable);
  const weights = trained.filter(({ shape }) => shape.length !== 1);
  const vectors = trained.filter(({ shape }) => shape.length === 1);
  return {
    trained: [...weights.map((spec) => ({ ...spec, specs: [spec] })), ...together("vectors", vectors)],
    statistics: together(
      "statistics",
      specs.filter((spec) => !isTrainable(spec)),
    ),
  };
}

/** One tensor of several parts; a part that is alone keeps its own name, by which the programs know it. */
function together(name: string, specs: readonly ParameterSpec[]): DeviceTensor[] {
  if (specs.length < 2) return specs.map((spec) => ({ ...spec, specs: [spec] }));
  const sorted = [...specs].sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
  return [{ name, shape: [sorted.reduce((total, { shape }) => total + sizeOf(shape), 0)], specs: sorted }];
}

/** The tensors of several parts, by the names of the graphs. */
const flatTensorsOf = (of: Network): FlatTensor[] =>
  Object.values(tensorsOf(of))
    .flat()
    .filter(({ specs }) => specs.length > 1)
    .map(({ name, specs }) => ({
      name: `${of.network}.${name}`,
      parts: specs.map((spec) => ({ name: `${of.network}.${spec.name}`, shape: spec.shape })),
    }));

/** The programs of a step in a GPU's forms, on the tensors in which it keeps the networks. */
export function stepOnDevice(programs: readonly Program[], networks: readonly Network[]): Program[] {
  const flat = networks.flatMap(flatTensorsOf);
  const names = networks.flatMap(({ network, specs }) => specs.map(({ name }) => `${network}.${name}`));
  const own = new Set(names.flatMap((name) => [name, `${name}.grad`]));
  return stepForGpu(programs, (name) => own.has(memoryOf(name))).map((program) => withFlatMemory(program, flat));
}

/**
 * Values of a tensor of moments at most (`momentGroups`): 256 MiB, or what a buffer of the device holds. A larger tensor
 * means fewer kernels and more working memory.
 */
export function mostMoments({ adapter }: Pick<Device, "adapter">): number {
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter ?? {};
  return Math.floor(Math.min(2 ** 28, maxBufferSize ?? 2 ** 28, maxStorageBufferBindingSize ?? 2 ** 28) / 4);
}

/** The step of Adam on a network as a program for a device. */
export const adamOnDevice = (of: Network, betas: { beta1: number; beta2: number }, device: Device): Program =>
  adamGraph(of.network, momentGroups(tensorsOf(of).trained, mostMoments(device)), betas);

/** The least memory of a step's programs on a device; without `gpuKernel`, Adam is one of them. */
export function memoryOnDevice(
  programs: readonly Program[],
  networks: readonly Network[],
  device: Device,
  { captures = false, gpuKernel }: Pick<Platform, "captures" | "gpuKernel"> = {},
): MemoryNeed {
  const updates = gpuKernel ? [] : networks.map((of) => adamOnDevice(of, { beta1: 0.5, beta2: 0.999 }, device));
  return memoryNeed(stepOnDevice(programs, networks), networks, updates, captures);
}
