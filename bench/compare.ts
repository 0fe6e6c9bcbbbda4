/** The table of `npm run bench`: this project beside its peers on a CPU or a GPU. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeviceChoice } from "../src/engines/device.ts";
import { NetworkState } from "../src/engines/state.ts";
import { networkModel } from "../src/exchange/onnx/generator.ts";
import { generatorGraph } from "../src/model/pix2pix.ts";
import { inits } from "../src/nn/init.ts";
import { encodeModel } from "../src/onnx/encode.ts";
import { weightTensors } from "../src/run/weights.ts";
import { gemmPeak } from "./gemm.ts";
import { processor } from "./machine.ts";
import { findPeers, forwardOnly, pytorchOnCpu, pytorchOnGpu, type SideOptions } from "./peers.ts";
import {
  alternate,
  type Comparison,
  flagsOf,
  type Measure,
  medianOf,
  ownCommand,
  ratio,
  type Side,
  titleOf,
} from "./sides.ts";
import { best, comparisonTable, writeSection } from "./table.ts";
import { benchConfig, workOf } from "./work.ts";

export interface CompareOptions extends Measure {
  rounds: number;
  device: DeviceChoice;
  /** See commandVariables in main.ts. */
  allocator: Readonly<Record<string, string>>;
  /** Further Python interpreters, from `--python`. */
  python: readonly string[];
  /** A sentence on the conditions of the measurement. */
  note: string;
  /** Whether the table goes into docs/performance.md. */
  write: boolean;
}

/** Measures all sides and prints the table. */
export async function compare(options: CompareOptions): Promise<void> {
  const { threads, device } = options;
  const work = mkdtempSync(join(tmpdir(), "pix2pix-bench-"));
  try {
    const sides = [ownSide(options), ...(await peerSides(options, work))];
    const result = alternate(sides, options.rounds);
    const peak = await gemmPeak(device, threads);
    const text = report(options, result, peak);
    console.log(text);
    if (options.write) writeSection(device === "cpu" ? "cpu" : "gpu", processor().name, text);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const ownSide = (options: CompareOptions): Side => ({
  name: "pix2pix-ts",
  command: ownCommand(options.device, options),
  float32: true,
});

async function peerSides(options: CompareOptions, work: string): Promise<Side[]> {
  const { size, ngf, batch, device, allocator, python, threads } = options;
  const peers = findPeers(python);
  const side: SideOptions = { flags: flagsOf(options), threads, allocator };
  if (!peers.torch.length) console.error("No PyTorch found; bench/peers/setup makes an environment with one.");
  if (device !== "cpu") return pytorchOnGpu(peers, side);
  const torch = pytorchOnCpu(peers, processor(), side);
  // A model exported with `statistics: "batch"` takes one picture at a time.
  if (batch !== 1) return torch;
  const model = join(work, "generator.onnx");
  if (peers.onnxruntime) writeFileSync(model, generatorFile(size, ngf));
  return [...torch, ...forwardOnly(peers, model, side)];
}

/** The generator with its initial weights as an ONNX file, as `pix2pix export` writes it. */
function generatorFile(size: number, ngf: number): Uint8Array {
  const config = benchConfig(size, ngf);
  const sides = { height: size, width: size };
  const state = new NetworkState(generatorGraph(config, { n: 1, ...sides }).netG);
  state.initialise(inits.normal, config.initGain, 0);
  const model = { name: "bench", config, tensors: weightTensors(state), path: "bench" };
  return encodeModel(networkModel(model, { dropout: "off", statistics: "batch" }, sides));
}

/** Heading, conditions, the table, and the ratios to the best float32 peer. */
function report(options: CompareOptions, comparison: Comparison, peak: number): string {
  const { size, ngf, batch, threads, rounds, steps, device, note } = options;
  const { name, vectors, cores } = processor();
  const { loads, failed, sides } = comparison;
  const [ours] = sides as [Comparison["sides"][0]];
  const work = workOf({ size, ngf, batch });
  const rate = (100 * work.step) / medianOf(ours, "step_s")! / peak;
  const most = (values: readonly number[]) => Math.max(...values).toFixed(0);
  const lines = [
    `### ${name}, ${vectors}, ${threads} of ${cores} cores`,
    "",
    `unet_${size}, ngf ${ngf}, batch ${batch}, ${size} px (${work.step.toFixed(1)} GFLOP a step, ${work.forward.toFixed(1)} forward), ${device}, ` +
      `${threads} threads each; Node ${process.versions.node}, onnxruntime-node ${ours.runs[0]!.runtime}.`,
    `Medians of ${rounds} rounds of ${steps} steps; in a round each row is a process of its own, one after the other, and ratios are of the ` +
      `same round. Load of the machine, these processes included: ${Math.min(...loads).toFixed(0)} to ${most(loads)}. ${note}`.trim(),
    `A matrix product of 2048 x 2048 reaches ${peak.toFixed(0)} GFLOP/s; our step does ${rate.toFixed(0)} % of that, counted as direct convolutions.`,
    "",
    comparisonTable(comparison),
    "",
    "Bold: the best float32 peer.",
    ...(["step", "forward"] as const).flatMap((kind) => ratios(comparison, kind)),
    ...failed.map((text) => `Not measured: ${text}`),
  ];
  return lines.join("\n");
}

/** The ratio to the fastest float32 PyTorch and, where another float32 peer is faster, the ratio to that one. */
function ratios(comparison: Comparison, kind: "step" | "forward"): string[] {
  const [ours] = comparison.sides as [Comparison["sides"][0]];
  const torch = {
    ...comparison,
    sides: comparison.sides.filter((side) => side === ours || /^PyTorch/.test(side.name)),
  };
  const peers = new Set([best(torch, kind), best(comparison, kind)].flatMap((side) => side ?? []));
  const title = kind === "step" ? "Step" : "Forward";
  return [...peers].map((peer) => `${title}: ${ratio(ours, peer, `${kind}_s`)!.toFixed(2)} of ${titleOf(peer)}.  `);
}
