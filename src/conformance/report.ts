/**
 * The conformance of a device as a report: the ops and steps that were run and the result of each, or why none were run.
 */
import { keepsState } from "../engines/device.ts";
import type { FoundDevice, Platform } from "../platform.ts";
import { type Case, sampleOf } from "./cases.ts";
import { type CaseResult, compareCases, tolerance } from "./run.ts";
import { compareSteps, type StepsResult } from "./steps.ts";
import { casesOf, first, fullSize, type Variant, variants } from "./variants.ts";

/**
 * `short`: one case for each kernel in one small network (`sampleOf`), and its steps; `all`: every case and step of all
 * variants, which are small; `full-size`: the cases and steps of the default networks at 256 pixels and 64 channels.
 */
export type Extent = "short" | "all" | "full-size";

export interface OpResult {
  op: string;
  /** The node with its shapes and attributes. */
  form: string;
  /** The variant and scope where the node occurs first. */
  scope: string;
  status: CaseResult["status"];
  error?: number;
  message?: string;
}

/** The ops and steps that were run on a device, and their differences from the base device. */
export interface DeviceConformance {
  device: string;
  /** The device whose results are taken as right. */
  base: string;
  extent: Extent;
  tolerance: number;
  /** The reason if nothing was run. */
  skipped?: string;
  ops: OpResult[];
  steps: StepsResult[];
  seconds: number;
}

/**
 * Compares ops and training steps on a device with those on the platform's base device (the CPU). A device that is
 * absent, and the base device, are skipped: `skipped` says why. Ops that fail or give wrong values are entries of the
 * report, not errors.
 * @param extent how much is compared; `full-size` takes too long without a GPU
 * @param progress called before each op and each run of steps
 *
 * @example
 * ```ts
 * import { conform } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const platform = await nodePlatform();
 * const [webgpu] = await platform.devices(["webgpu"]);
 * if (webgpu) {
 *   const { skipped, ops } = await conform(platform, webgpu, "short");
 *   console.log(skipped ?? `${ops.filter(({ status }) => status === "right").length} of ${ops.length} ops are right`);
 * }
 * ```
 */
export async function conform(
  platform: Platform,
  device: FoundDevice,
  extent: Extent,
  progress: (done: number, total: number) => void = () => {},
): Promise<DeviceConformance> {
  const began = performance.now();
  const report: DeviceConformance = {
    device: device.label,
    base: platform.base,
    extent,
    tolerance,
    ops: [],
    steps: [],
    seconds: 0,
  };
  if (!device.present) return { ...report, skipped: device.missing ?? "the device is not present" };
  if (device.name === platform.base) return { ...report, skipped: "the other devices are compared with this one" };
  const { cases, steps } = workOf(extent, keepsState(device) ? "gpu" : "cpu");
  const total = cases.length + steps.length;
  for await (const result of compareCases(platform, device, cases)) {
    progress(report.ops.length, total);
    report.ops.push(described(result));
  }
  for (const variant of steps) {
    progress(report.ops.length + report.steps.length, total);
    report.steps.push(await compareSteps(platform, device, variant));
  }
  report.seconds = Number(((performance.now() - began) / 1000).toFixed(1));
  return report;
}

function workOf(extent: Extent, kind: "cpu" | "gpu"): { cases: Case[]; steps: Variant[] } {
  const steps = { short: () => [first()], all: variants, "full-size": () => [fullSize()] }[extent]();
  const cases = casesOf(steps, kind).values();
  return { cases: extent === "short" ? sampleOf(cases) : [...cases], steps };
}

function described({ case: { key, op, scope }, status, error, message }: CaseResult): OpResult {
  const rest = { ...(error === undefined ? {} : { error }), ...(message === undefined ? {} : { message }) };
  return { op: op.type, form: key, scope, status, ...rest };
}

/** Results that are wrong or slow. */
const problemsOf = ({ ops, steps }: DeviceConformance): (OpResult | StepsResult)[] =>
  [...ops, ...steps].filter(({ status }) => status !== "right");

/** The report in lines: a summary, then each problem. */
export function linesOf(report: DeviceConformance): string[] {
  const { device, base, skipped, ops, steps, seconds } = report;
  if (skipped !== undefined) return [`${device}: skipped: ${skipped}`];
  const right = (list: readonly { status: string }[]) => list.filter(({ status }) => status === "right").length;
  const worst = Math.max(0, ...ops.map(({ error = 0 }) => (Number.isFinite(error) ? error : 0)));
  const summary =
    `${device}: ${right(ops)} of ${ops.length} ops and ${right(steps)} of ${steps.length} training runs as on ${base}, ` +
    `largest error of an op ${worst.toExponential(1)} (${seconds} s)`;
  const problems = problemsOf(report).map((each) =>
    "form" in each
      ? `  ${each.status}: ${each.form}${each.error === undefined ? "" : `, error ${each.error.toExponential(1)}`} ` +
        `(${each.scope})${each.message ? `: ${each.message}` : ""}`
      : `  ${each.status}: training ${each.variant}: ${each.message ?? `losses ${each.losses}, gradients ${each.gradients}`}`,
  );
  return [summary, ...problems];
}

/** Whether all results are right. Ops that fall back to the CPU are slow, not wrong. */
export const isRight = (report: DeviceConformance): boolean =>
  problemsOf(report).every(({ status }) => status === "on the CPU");
