/**
 * Benchmarks of whole training steps and of the generator's forward pass. Tables are Markdown; `--write` puts them into
 * docs/performance.md, in place of the table of the same machine, with the sentence of `--note` on what else ran.
 *
 * `npm run bench` compares with every PyTorch, ONNX Runtime (Python) and TensorFlow that it finds, in the settings that users choose.
 *   The sides run in turn. `bench/peers/setup` makes an environment with peers; `--python PROGRAM` names others.
 * `npm run bench -- --device wasm`, `--device webgpu --browser`: in Chromium, compared with Node's CPU, with the default network and a small
 *   one, or with the network of `--size 64 --ngf 24` alone. `--software` takes Chromium's software WebGPU adapter, to try the command without a GPU.
 * `npm run bench -- --device webgpu` or `cuda`: on the GPU, beside PyTorch with CUDA.
 * `npm run bench -- step [--size --ngf --batch --steps --threads --device]` prints one line of JSON for this project alone.
 * `npm run bench -- translate [--pictures --ngf --threads --rounds --python]` prints the throughput of whole commands.
 */
import { availableParallelism } from "node:os";
import { allocatorVariables, ranWithAllocator } from "../scripts/allocator.ts";
import { scriptOptions, usageError } from "../scripts/options.ts";
import { deviceChoices } from "../src/engines/device.ts";
import { findPeers } from "./peers.ts";
import { timeSteps } from "./step.ts";

const { positionals, values } = scriptOptions(import.meta.url, {
  allowPositionals: true,
  options: {
    size: { type: "string", default: "256" },
    ngf: { type: "string", default: "64" },
    batch: { type: "string", default: "1" },
    steps: { type: "string", default: "8" },
    threads: { type: "string", default: `${availableParallelism()}` },
    device: { type: "string", default: "cpu" },
    browser: { type: "boolean", default: false },
    software: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    pictures: { type: "string", default: "1000" },
    python: { type: "string", multiple: true, default: [] },
    note: { type: "string", default: "" },
    write: { type: "boolean", default: false },
  },
});
const number = (name: "size" | "ngf" | "batch" | "steps" | "threads" | "rounds" | "pictures"): number => {
  const value = Number(values[name]);
  if (!(Number.isInteger(value) && value > 0)) {
    usageError(`--${name}: got ${values[name]}, expected a whole number from 1`);
  }
  return value;
};
const device = deviceChoices.find((choice) => choice === values.device);
if (!device) usageError(`--device: got ${values.device}, expected ${deviceChoices.join(", ")}`);
if (values.software && values.write)
  usageError(
    "--software with --write: software adapters are not measured for docs/performance.md; leave one of them out",
  );
const [size, ngf, batch, steps, threads, rounds] = (
  ["size", "ngf", "batch", "steps", "threads", "rounds"] as const
).map(number) as [number, number, number, number, number, number];
const common = { size, ngf, batch, steps, threads, rounds, note: values.note, write: values.write };

if (positionals[0] === "step") await step();
else if (positionals[0] === "translate") {
  const { translateTable } = await import("./translate.ts");
  const python = findPeers(values.python).translating;
  if (!python)
    console.error(
      "No comparison: no Python with torch, safetensors and Pillow was found; bench/peers/setup makes one.",
    );
  await translateTable({ ...common, pictures: number("pictures"), python });
} else if (device === "wasm" || values.browser) {
  const { browserTable } = await import("./browser.ts");
  const { software } = values;
  await browserTable({ ...common, device: device === "webgpu" ? "webgpu" : "wasm", software });
} else {
  const { compare } = await import("./compare.ts");
  await compare({ ...common, device, allocator: allocatorVariables, python: values.python });
}

/** Measures this project alone. */
async function step(): Promise<void> {
  if (ranWithAllocator()) return;
  const { nodePlatform } = await import("../src/node/index.ts");
  const meter = {
    cpu: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    peak: () => process.resourceUsage().maxRSS * 1024,
  };
  const platform = await nodePlatform({ threads });
  console.log(JSON.stringify(await timeSteps(platform, { size, ngf, batch, steps, device: device! }, meter)));
}
