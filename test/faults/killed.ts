/** Trains a small run that is killed or stopped again and again, and compares it with one that was never stopped. */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { Random } from "../../src/random.ts";
import { bin } from "../paths.ts";

const epochs = 6;
const pairs = 5;
const options = [
  ..."--dataroot data --netG unet_32 --ngf 4 --ndf 4 --crop-size 32 --load-size 36 --threads 1 --device cpu".split(" "),
  ...`--n-epochs ${epochs} --n-epochs-decay 0 --save-epoch-freq 1 --save-latest-freq 3 --val-freq 2 --val-phase test`.split(
    " ",
  ),
];

interface Ended {
  code: number | null;
  output: string;
}

/** Trains, and sends the signal after so many milliseconds unless training has ended. One that has stopped it is let go on. */
function train(
  folder: string,
  name: string,
  resume: boolean,
  after?: number,
  signal: NodeJS.Signals = "SIGKILL",
): Promise<Ended> {
  const args = [bin, "train", "--name", name, ...(resume ? ["--continue-train"] : options)];
  const child = spawn(process.execPath, args, { cwd: folder });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  const timer = after === undefined ? undefined : setTimeout(() => child.kill(signal), after);
  // SIGTTOU stops a process whose group belongs to a shell, and is lost where it belongs to none.
  const goOn = after === undefined ? undefined : setTimeout(() => child.kill("SIGCONT"), after + 500);
  return new Promise((resolve) =>
    child.on("close", (code) => {
      clearTimeout(timer);
      clearTimeout(goOn);
      resolve({ code, output });
    }),
  );
}

/** The files of a run that do not depend on the clock, as text. */
function outcome(run: string): Record<string, string> {
  const found = readdirSync(run, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const all = found.map(({ parentPath, name }) => join(parentPath, name).slice(run.length + 1)).sort();
  return Object.fromEntries(
    all
      .filter((name) => name !== "index.html")
      .map((name) => {
        const text = readFileSync(
          join(run, name),
          name.endsWith(".safetensors") || name.endsWith(".png") ? "base64" : "utf8",
        );
        return [
          name,
          text.replaceAll(/,"seconds":[\d.e-]+/g, "").replaceAll(/"(continueTrain|name|training)": .*\n/g, ""),
        ];
      }),
  );
}

/** Exit codes of a training that was asked to stop: 128 and the number of the signal; 99 for SIGTERM once it trains. */
const stopped = [129, 130, 143, 99];

/**
 * Sends signals to a run at `kills` random moments: while it starts, trains, scores, saves and ends its epochs. After each
 * that ends it, it goes on; when it is done, another one begins.
 * @param signals one after the other
 */
export async function survivesKills(kills: number, signals: readonly NodeJS.Signals[] = ["SIGKILL"]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "pix2pix-killed-"));
  try {
    await writeDemo({ files, images }, join(folder, "data"), { train: pairs, test: 2, size: 32, seed: 1 });
    const whole = await train(folder, "whole", false);
    expect(whole, whole.output).toMatchObject({ code: 0 });
    const expected = outcome(join(folder, "runs/whole"));
    const began = performance.now();
    await train(folder, "timed", false);
    const duration = performance.now() - began;
    for (let done = 0, round = 0; done < kills; round++) {
      const name = `killed-${round}`;
      const run = join(folder, "runs", name);
      for (let ended = false; !ended; ) {
        // A run that has options goes on, with a checkpoint or without.
        const resume = existsSync(join(run, "config.json"));
        // A run that is about done is no longer killed, or it would never end.
        const random = new Random(1, "kill", done).float();
        const after = done < kills ? duration * (0.2 + 0.6 * random) : undefined;
        const { code, output } = await train(folder, name, resume, after, signals[done % signals.length]);
        if (code === null || stopped.includes(code)) done++;
        else {
          // Signals that do not end a run count, too.
          if (after !== undefined && signals.length > 1) done++;
          expect({ code, output }).toMatchObject({ code: 0 });
          ended = true;
        }
      }
      expect(outcome(run)).toEqual(expected);
      rmSync(run, { recursive: true });
    }
  } catch (error) {
    if (process.env.PIX2PIX_KEEP) cpSync(folder, process.env.PIX2PIX_KEEP, { recursive: true });
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
