/** Commands that are asked to stop at random moments, from their very start on. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { Random } from "../../src/random.ts";
import { runIn } from "../cli/run.ts";
import { bin } from "../paths.ts";

const lines = {
  train:
    "train --dataroot data --name new --crop-size 64 --load-size 64 --netG unet_64 --max-steps 100000 --threads 1 --device cpu",
  "translate in tiles": "translate --name whole --input large.png --out OUT --preprocess none --threads 1 --device cpu",
  translate: "translate --name whole --input data/trainA --out OUT --threads 1 --device cpu",
  test: "test --name whole --phase train --results-dir OUT --threads 1 --device cpu",
  inspect: "inspect --dataroot data --out OUT/sheet.png",
  "data audit": "data audit --dataroot data",
  "data combine": "data combine --fold-A data/trainA --fold-B data/trainB --fold-AB OUT",
  "data resize": "data resize --input data --out OUT --size 24",
} as const;
export type Name = keyof typeof lines;
export const names = Object.keys(lines) as Name[];
export const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Seconds that a program may take to end: it is one or two, and more on a machine that is busy. */
const limit = 6;

/** A data set, a large picture and a trained run. */
export class Stage {
  readonly #folder = mkdtempSync(join(tmpdir(), "pix2pix-stopped-"));
  #count = 0;

  /** @param pairs of the data set @param side of the large picture in pixels */
  static async open(pairs: number, side: number): Promise<Stage> {
    const stage = new Stage();
    await writeDemo({ files, images }, join(stage.#folder, "data"), { train: pairs, test: 1, size: 64, seed: 1 });
    const data = new Uint8Array(side * side);
    writeFileSync(
      join(stage.#folder, "large.png"),
      await images.encodePng({ width: side, height: side, channels: 1, data }),
    );
    const small = "--netG unet_64 --ngf 8 --ndf 4 --crop-size 64 --load-size 64 --threads 1 --device cpu";
    const ended = await runIn(stage.#folder, `train --dataroot data --name whole ${small} --max-steps 1`);
    expect(ended, ended.err).toMatchObject({ code: 0 });
    return stage;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** @param most milliseconds until the signal @returns what the program wrote, unless it was done before */
  async stopped(name: Name, signal: keyof typeof codes, round: number, most: number): Promise<string | undefined> {
    const out = `out-${this.#count++}`;
    const child = spawn(process.execPath, [bin, ...lines[name].replace("OUT", out).split(" ")], { cwd: this.#folder });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
    const delay = 300 + new Random(3, `${name} ${signal}`, round).float() * most;
    let sent = 0;
    const timer = setTimeout(() => {
      sent = performance.now();
      child.kill(signal);
    }, delay);
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    clearTimeout(timer);
    const seconds = (performance.now() - sent) / 1000;
    const left = existsSync(join(this.#folder, out))
      ? readdirSync(join(this.#folder, out), { recursive: true }).filter((path) => String(path).includes(".part"))
      : [];
    rmSync(join(this.#folder, out), { recursive: true, force: true });
    rmSync(join(this.#folder, "runs/new"), { recursive: true, force: true });
    const what = `${name}, ${signal} after ${Math.round(delay)} ms: ${text}`;
    expect(existsSync(join(this.#folder, "runs/.new.lock")), what).toBe(false);
    if (sent === 0 || code === 0) return undefined;
    // Node itself was still starting.
    if (code === null && text === "" && delay < 1000) return undefined;
    expect(text, what).not.toMatch(/^ +at /m);
    // 99 asks an engine to start the job again (docs/scale.md).
    const wanted = signal === "SIGTERM" && code === 99 ? 99 : codes[signal];
    expect({ code, left }, what).toEqual({ code: wanted, left: [] });
    expect(text, what).toMatch(/^Stopped( before| after|\.|:| and saved)/m);
    expect(seconds, what).toBeLessThan(limit);
    return text;
  }
}
