/**
 * The benchmark in a browser. This script runs in the page, where the driver (../browser.ts) calls `gpu` and `bench`, and in the worker that
 * computes: the main thread of a page must not block, as ONNX Runtime's threads require.
 */
import type { FoundDevice } from "../../src/platform.ts";
import { capabilities, webPlatform } from "../../src/web/index.ts";
import { type StepOptions, type StepTimes, timeSteps } from "../step.ts";

/** The measurement that the driver requests. */
export interface Asked extends StepOptions {
  device: "wasm" | "webgpu";
  threads: number;
}

/** `runtime_s`: seconds until ONNX Runtime's scripts are loaded. Its binary is loaded in the first step. */
export type Answered = { times: StepTimes & { runtime_s: number } } | { error: string };

declare global {
  var bench: (asked: Asked) => Promise<Answered>;
  var gpu: () => Promise<FoundDevice>;
}

const inPage = typeof document !== "undefined";

if (inPage) {
  globalThis.gpu = async () => (await capabilities()).devices[1];
  globalThis.bench = (asked) =>
    new Promise((resolve) => {
      const worker = new Worker(import.meta.url, { type: "module" });
      worker.onmessage = ({ data }: MessageEvent<Answered>) => {
        worker.terminate();
        resolve(data);
      };
      worker.onerror = ({ message }) => resolve({ error: message });
      worker.postMessage(asked);
    });
} else {
  addEventListener("message", async ({ data }: MessageEvent<Asked>) => {
    postMessage(await measured(data).catch((error: Error): Answered => ({ error: error.stack ?? error.message })));
  });
}

async function measured({ device, threads, ...options }: Asked): Promise<Answered> {
  const began = performance.now();
  const platform = await webPlatform({ device, threads, runtimeBase: new URL("ort/", location.href).href });
  const runtime_s = Number(((performance.now() - began) / 1000).toFixed(4));
  return { times: { ...(await timeSteps(platform, { ...options, device })), runtime_s } };
}
