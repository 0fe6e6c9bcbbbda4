/** Starts workers of the page, with the addresses that the build has defined. */
import type { Capabilities } from "../../web/capabilities.ts";
import { Client } from "../../web/client.ts";

const here = (path: string) => new URL(path, document.baseURI).href;

/** The address of the runs that are published with the page. */
export const publishedBase = (): string => here("models/");

export function makeClient(): Client {
  const worker = new Worker(here(__WORKER__), { type: "module" });
  return new Client({ worker, runtimeBase: here(__RUNTIME__), compressed: true, published: publishedBase() });
}

/** A clause: "the CPU, 2 threads". */
export function computesOn({ devices: [, { present, adapter }], threads }: Capabilities): string {
  if (present && !adapter?.software) return `the GPU (${adapter?.name})`;
  return `the CPU, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}
