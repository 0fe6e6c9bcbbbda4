/** Runs cases on a device and on the base device and compares the results. */
import { baseDevice, sessionOptions } from "../engines/device.ts";
import { messageOf } from "../errors.ts";
import { Graph, type Program, sizeOf } from "../graph/graph.ts";
import { neg } from "../graph/ops/elementwise.ts";
import { encode } from "../onnx/encode.ts";
import type { Device, InferenceSession, Platform, Tensors } from "../platform.ts";
import { type Case, graphOf, valuesFor } from "./cases.ts";

/** The result of a case. `error` is the largest difference divided by the largest expected value. */
export interface CaseResult {
  case: Case;
  status: "right" | "wrong" | "fails" | "on the CPU";
  error?: number;
  /** The runtime's message if it fails. */
  message?: string;
}

/** Sums of a few thousand float32 products in another order differ by about this share of the largest result. */
export const tolerance = 2e-5;

/** The CPU's reductions add values one by one, which adds as much error for every 2000 values. */
export function toleranceOf({ op, inputs, output }: Case): number {
  const summed = op.type.startsWith("Reduce") ? sizeOf(inputs[0]!.shape) / sizeOf(output.shape) : 0;
  return tolerance * (1 + summed / 2000);
}

/**
 * Compares each case on `device` with the platform's base device. `on the CPU` means that the device has no kernel for
 * the case, so ONNX Runtime computes it on the host, which costs two copies.
 */
export async function* compareCases(
  platform: Platform,
  device: Device,
  cases: Iterable<Case>,
): AsyncGenerator<CaseResult> {
  // One session stays open: with the last one ONNX Runtime releases the adapter, and would compile every kernel again.
  const held = await heldSession(platform, device);
  try {
    for (const each of cases) yield await compareCase(platform, device, each);
  } finally {
    await held.release();
  }
}

function heldSession({ ort }: Platform, device: Device): Promise<InferenceSession> {
  const graph = new Graph();
  graph.output("y", neg(graph.input("x", [1])));
  return ort.InferenceSession.create(encode(graph.program()), sessionOptions(device, 1));
}

async function compareCase(platform: Platform, device: Device, each: Case): Promise<CaseResult> {
  const program = graphOf(each).program();
  const values = valuesFor(each);
  const expected = await evaluate(platform, baseDevice(platform), program, values);
  try {
    const got = await evaluate(platform, device, program, values, { strict: true });
    const error = distance(got, expected);
    return { case: each, status: error <= toleranceOf(each) ? "right" : "wrong", error };
  } catch (thrown) {
    const message = messageOf(thrown);
    return /disabled by the user|fallback/i.test(message)
      ? { case: each, status: "on the CPU" }
      : { case: each, status: "fails", message };
  }
}

/** The values of a program's single output. @param options `strict`: fail if a node falls back to the CPU */
export async function evaluate(
  { ort }: Platform,
  device: Device,
  program: Program,
  values: ReadonlyMap<string, Float32Array>,
  { strict = false } = {},
): Promise<Float32Array> {
  const options = sessionOptions(device, 1);
  const extra = strict ? { session: { disable_cpu_ep_fallback: "1" } } : {};
  const session = await ort.InferenceSession.create(encode(program), { ...options, extra });
  try {
    const feeds: Tensors = {};
    for (const { name, shape, dtype } of program.inputs) {
      const data = values.get(name)!;
      feeds[name] =
        dtype === "bool"
          ? new ort.Tensor("bool", Uint8Array.from(data), shape)
          : new ort.Tensor("float32", data, shape);
    }
    const { y } = await session.run(feeds);
    return Float32Array.from(y!.data as Float32Array);
  } finally {
    await session.release();
  }
}

/**
 * The largest difference divided by the largest expected value; infinite for NaN and for arrays of different lengths.
 */
export function distance(got: Float32Array, expected: Float32Array): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [most, size] = [0, 0];
  for (let i = 0; i < got.length; i++) {
    if (got[i] === expected[i]) continue;
    const difference = Math.abs(got[i]! - expected[i]!);
    if (!(difference <= Number.MAX_VALUE)) return Number.POSITIVE_INFINITY;
    most = Math.max(most, difference);
    size = Math.max(size, Math.abs(expected[i]!));
  }
  return most / (size || 1);
}
