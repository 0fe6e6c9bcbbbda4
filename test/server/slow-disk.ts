/** A server that computes nothing until a test wants it to. */
import type { Images } from "../../src/platform.ts";
import type { Limits } from "../../src/server/limits.ts";
import { listen, platform } from "./site.ts";

export interface Slow {
  base: string;
  /** How often weights were asked for. */
  begun(): number;
  /** Jobs that wait. */
  waiting(): Promise<number>;
  ask(path: string): Promise<Response>;
  open(): void;
}

/** A server of the run "whole" whose disk gives no weights until `open` is called. */
export async function withSlowDisk(
  runs: string,
  limits: Partial<Limits>,
  use: (slow: Slow) => Promise<void>,
  images: Images = platform.images,
): Promise<void> {
  let begun = 0;
  let open = () => {};
  const disk = new Promise<void>((resolve) => {
    open = resolve;
  });
  const read = async (path: string) => {
    if (/_net_[GD]/.test(path)) {
      begun++;
      await disk;
    }
    return platform.files.read(path);
  };
  const slow = { ...platform, images, files: { ...platform.files, read } };
  const { base, close } = await listen(runs, { platform: slow, limits });
  const ask = (path: string) => fetch(`${base}/api/runs/whole/${path}`, { signal: AbortSignal.timeout(60_000) });
  const waiting = async () => ((await (await fetch(`${base}/healthz`)).json()) as { waiting: number }).waiting;
  try {
    await use({ base, begun: () => begun, waiting, ask, open });
  } finally {
    open();
    await close();
  }
}
