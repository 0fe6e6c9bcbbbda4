/** A damaged run is refused in words and left as it is; what a kill leaves half written is removed. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CheckpointError, UserError } from "../../src/errors.ts";
import { decode, encode } from "../../src/formats/safetensors.ts";
import { files } from "../../src/node/files.ts";
import { Run } from "../../src/run/run.ts";
import { cases } from "../paths.ts";
import { workFolder } from "../work-folder.ts";
import { config, networks } from "./networks.ts";

const work = workFolder("damage");

/** A run with a checkpoint at step 7. */
async function saved(name: string): Promise<Run> {
  const run = new Run(files, { checkpointsDir: work, name });
  await run.saveConfig(config);
  await run.saveLatest(networks(), { step: 7, epoch: 3, pairs: 5 });
  return run;
}

/** Changes the metadata of one of a run's files. */
async function rewrite(path: string, metadata: Record<string, string>): Promise<void> {
  const { tensors } = decode(await files.read(path));
  await files.write(path, encode(tensors, metadata));
}

const contents = (run: Run) => readdirSync(run.dir).map((name) => [name, readFileSync(run.path(name), "base64")]);

describe("a checkpoint whose state is damaged", () => {
  it.each([
    { step: "abc", epoch: "3", pairs: "5" },
    { step: "NaN", epoch: "3", pairs: "5" },
    { step: "-5", epoch: "3", pairs: "5" },
    { step: "1.5", epoch: "3", pairs: "5" },
    { epoch: "3", pairs: "5" },
    { step: "7", epoch: "3" },
    { step: "1e3", epoch: "3", pairs: "5" },
  ] as Record<string, string>[])("%j is refused, and nothing is changed", async (metadata) => {
    const run = await saved("metadata");
    await files.append(run.path("loss_log.jsonl"), '{"epoch":1,"step":1,"G_GAN":1,"G_L1":1,"D_real":1,"D_fake":1}\n');
    await rewrite(run.path("latest_state.safetensors"), metadata as Record<string, string>);
    const before = contents(run);
    await expect(run.restore(networks())).rejects.toThrow(
      /latest_state\.safetensors is damaged: its (step|pairs) is .*expected a whole/,
    );
    await expect(run.progress()).rejects.toThrow(CheckpointError);
    expect(contents(run)).toEqual(before);
  });

  it("files of two checkpoints are refused", async () => {
    const run = await saved("mixed");
    await rewrite(run.path("latest_net_D.safetensors"), { step: "6", epoch: "3", pairs: "5" });
    await expect(run.restore(networks())).rejects.toThrow(
      /latest_net_D\.safetensors is of step 6 and latest_state\.safetensors of step 7, so they are not one checkpoint\. Copy all latest_\* files/,
    );
  });
});

describe("weights that are not finite", () => {
  it("are refused when a generator is opened", async () => {
    const run = await saved("nan");
    const path = run.path("latest_net_G.safetensors");
    const { tensors, metadata } = decode(await files.read(path));
    const [name, tensor] = Object.entries(tensors).find(([, { dtype }]) => dtype === "F32")!;
    (tensor.data as Float32Array)[0] = Number.NaN;
    await files.write(path, encode(tensors, metadata));
    await expect(run.generator("latest")).rejects.toThrow(`${name} holds values that are not finite`);
  });
});

describe("logs", () => {
  const damaged = existsSync(cases) ? readdirSync(cases).filter((name) => name.startsWith("loss_log-")) : [];
  it.skipIf(damaged.length === 0)(
    "lines that are not whole are left out (skipped where ../shared/cases is absent)",
    async () => {
      for (const file of damaged) {
        const run = await saved(file);
        cpSync(join(cases, file), run.path("loss_log.jsonl"));
        for (const line of await run.losses.read()) {
          for (const name of ["epoch", "step", "G_GAN", "G_L1", "D_real", "D_fake"] as const) {
            expect(line[name], `${file}: ${name}`).toBeTypeOf("number");
          }
        }
      }
    },
  );

  it.each(["null", '{"step":null,"epoch":1,"G_GAN":1,"G_L1":1,"D_real":1,"D_fake":1}', "[]", "12", '"text"', "{"])(
    "the line %s is no line",
    async (line) => {
      const run = await saved("line");
      writeFileSync(run.path("loss_log.jsonl"), `${line}\n`);
      expect(await run.losses.read()).toEqual([]);
    },
  );
});

describe("what a kill leaves behind", () => {
  it("is swept, and nothing else", async () => {
    const run = await saved("swept");
    await run.writeSample(1, Uint8Array.of(1));
    const before = readdirSync(run.dir, { recursive: true }).sort();
    for (const name of ["5_net_G.safetensors.part", "index.html.part", "samples/epoch_002.png.part"]) {
      await files.write(run.path(name), "half");
    }
    await run.sweep();
    expect(readdirSync(run.dir, { recursive: true }).sort()).toEqual(before);
  });
});

describe("one run has one writer", () => {
  it("a second one is refused", async () => {
    const run = await saved("locked");
    const release = await run.lock();
    const second = new Run(files, { checkpointsDir: work, name: "locked" });
    await expect(second.lock()).rejects.toThrow(UserError);
    await expect(second.lock()).rejects.toThrow(/The run .*locked is being trained by process \d+/);
    await release();
    await (await second.lock())();
  });
});
