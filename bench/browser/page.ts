/**
 * The benchmark in a browser. The same script is the page, where the benchmark's driver (../browser.ts) calls `gpu` and `bench`, and the worker that
 * computes: a page itself may not wait for threads.
 */
import type { FoundDevice } from "../../src/platform.ts";
import { capabilities, webPlatform } from "../../src/web/index.ts";
import { type StepOptions, type StepTimes, timeSteps } from "../step.ts";

/** What the page is asked, and what the worker answers. */
export interface Asked extends StepOptions {
  device: "wasm" | "webgpu";
  threads: number;
}

/** `runtime_s`: seconds until ONNX Runtime's scripts are there; its binary comes with the first step. */
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
