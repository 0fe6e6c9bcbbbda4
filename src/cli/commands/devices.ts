/** pix2pix devices */

import * as z from "zod";
import { option, parseOptions } from "../../config/options.ts";
import { parseConfig } from "../../config/schema.ts";
import { conform, type DeviceConformance, type Extent, isRight, linesOf } from "../../conformance/report.ts";
import { chooseDevice } from "../../engines/device.ts";
import { memoryOnDevice, stepOnDevice } from "../../engines/layout.ts";
import { checkLimits } from "../../engines/memory.ts";
import { UserError } from "../../errors.ts";
import { trainingStep } from "../../model/pix2pix.ts";
import type { FoundDevice, Platform } from "../../platform.ts";
import { byteCount } from "../../text.ts";
import type { Command, Output } from "../command.ts";
import { loadPlatform } from "../platform.ts";
import { Counter } from "../progress.ts";

const schema = z.object({
  device: option(z.enum(["all", "cpu", "webgpu", "cuda", "wasm"]).default("all"), {
    group: "devices",
    help: "the device to examine",
  }),
  check: option(z.boolean().default(false), {
    group: "devices",
    help: "run a sample of a network's ops and two training steps on each device and compare them with the CPU's",
  }),
  conformance: option(z.boolean().default(false), {
    group: "devices",
    help: "run every op with every shape of all small networks, and training steps of each network",
  }),
  fullSize: option(z.boolean().default(false), {
    group: "devices",
    help: "run the ops and training steps of the default networks at 256 px and 64 channels; meant for a GPU",
  }),
  out: option(z.string().min(1).optional(), {
    group: "devices",
    value: "FILE",
    absent: "not written",
    help: "JSON file to write: each op with device, shape and error, or why it was skipped",
  }),
});

export const devices: Command = {
  name: "devices",
  summary: "show the devices that training can run on, and check them",
  schema,
  examples: [
    "npx pix2pix devices",
    "npx pix2pix devices --check",
    "npx pix2pix devices --conformance --out report.json",
  ],
  async run(given, output) {
    const { device, check, conformance, fullSize, out } = parseOptions(schema, given);
    const platform = await loadPlatform();
    const found = await platform.devices(device === "all" ? undefined : [device]);
    for (const each of found) describe(each, platform, output);
    if (device === "all") output.print(`--device auto takes ${(await chooseDevice(platform, "auto")).label}.`);

    const extents: Extent[] = [...(check ? ["short" as const] : []), ...(conformance ? ["all" as const] : [])];
    if (fullSize) extents.push("full-size");
    const reports: DeviceConformance[] = [];
    for (const extent of extents) {
      for (const each of found) {
        let counter: Counter | undefined;
        const report = await conform(platform, each, extent, (_, total) => {
          counter ??= new Counter(process.stdout, total, `of the ${extent} check on ${each.name}`);
          counter.done();
        });
        counter?.clear();
        for (const line of linesOf(report)) output.print(line);
        reports.push(report);
      }
    }
    if (out !== undefined) {
      await platform.files.write(out, `${JSON.stringify({ devices: found, reports }, null, 1)}\n`);
      output.print(`Written to ${out}.`);
    }
    if (reports.every(isRight)) return 0;
    throw new UserError("a device computes other values than the CPU: see above, and train with --device cpu.");
  },
};

function describe(device: FoundDevice, { cores }: Platform, output: Output): void {
  const { name, present, adapter, missing } = device;
  const lines: string[] = [];
  if (!present) lines.push(`not here: ${missing}`);
  else if (!adapter) lines.push(name === "cpu" ? `here: ${cores} ${cores === 1 ? "thread" : "threads"}` : "here");
  else {
    const { rate, maxBufferSize } = adapter;
    const buffers = maxBufferSize === undefined ? "of 4 GB and more" : `up to ${byteCount(maxBufferSize)}`;
    const speed = rate === undefined ? "" : `, matrix products at ${rate.toPrecision(2)} GFLOP/s`;
    lines.push(`here: ${adapter.name}; buffers ${buffers}${speed}`, memoryLine(device));
  }
  for (const [i, line] of lines.entries()) output.print(`${(i === 0 ? name : "").padEnd(7)} ${line}`);
}

/** The memory that the default training step needs on the adapter, or the limit that it exceeds. */
function memoryLine(device: FoundDevice): string {
  const config = parseConfig({ dataroot: "none" });
  const { cropSize } = config;
  const step = trainingStep(config, { n: 1, height: cropSize, width: cropSize });
  const plain = step.substeps.map(({ batch }) => batch);
  const networks = [step.netG, step.netD];
  const what = `${config.netG}, ngf ${config.ngf}, ${cropSize} px, batch 1`;
  try {
    for (const program of stepOnDevice(plain, networks)) checkLimits(program, device);
  } catch (error) {
    if (error instanceof UserError) return `does not hold ${what}: ${error.message}`;
    throw error;
  }
  return `training ${what} needs ${byteCount(memoryOnDevice(plain, networks, device).total)} of its memory or more`;
}
