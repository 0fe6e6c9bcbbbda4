/** A run as one zip: out, in at another place, and on with the training as if it had never moved. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { exportCommand } from "../../src/cli/commands/export.ts";
import { importCommand } from "../../src/cli/commands/import.ts";
import { files } from "../../src/node/files.ts";
import { Run } from "../../src/run/run.ts";
import { fixture } from "../paths.ts";
import { expectSame, ownRuns, patience } from "../training/runs.ts";
import { workFolder } from "../work-folder.ts";
import { storedRun } from "./stored-run.ts";

const { checkpointsDir, dataroot, dirOf, resume, start } = ownRuns();

const work = workFolder("project");
const lines: string[] = [];
const output = { print: (line: string) => void lines.push(line), note: (line: string) => void lines.push(line) };
const elsewhere = join(work, "elsewhere");
const zip = join(work, "out/part.zip");
const exported = (options: object = {}) =>
  exportCommand.run({ name: "part", checkpointsDir, format: "project", out: join(work, "out"), ...options }, output);

describe("a project", () => {
  it("goes on with training where it was, byte for byte", { timeout: patience }, async () => {
    await start("part", { maxSteps: 7, ema: 0.9 }, { stopAfter: 4 });
    expect(await exported({ withState: true })).toBe(0);
    expect(await importCommand.run({ from: zip, checkpointsDir: elsewhere }, output)).toBe(0);
    expect(lines.join("\n")).toMatch(
      /Run: .*elsewhere\/part, unet_64, AtoB, at step 4\n.*train --name part.*--continue-train --dataroot/,
    );
    await resume("part", { dataroot }, { at: elsewhere });
    await start("unmoved", { maxSteps: 7, ema: 0.9 });
    // Weights of epochs are kept where they were: the project has the last ones.
    rmSync(join(dirOf("unmoved"), "1_net_G.safetensors"));
    rmSync(join(dirOf("unmoved"), "1_net_D.safetensors"));
    rmSync(join(dirOf("unmoved"), "1_net_G_ema.safetensors"));
    expectSame(join(elsewhere, "part"), dirOf("unmoved"));
  });

  it("is not made of two checkpoints, as while the run is saved", async () => {
    const later = "latest_net_D.safetensors";
    cpSync(dirOf("part"), dirOf("saving"), { recursive: true });
    cpSync(join(dirOf("whole"), later), join(dirOf("saving"), later));
    await expect(exported({ name: "saving", withState: true })).rejects.toThrow(
      /of .*saving are of the steps 4 and 7: the run is being saved.* Export it again/,
    );
    // Without the state nothing goes on from it.
    expect(await exported({ name: "saving" })).toBe(0);
  });

  it("is a zip that other programs read, without the state unless it is asked for", async () => {
    expect(await exported()).toBe(0);
    const list = execFileSync("/usr/bin/python3", [
      ...[
        "-c",
        "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), *sorted(z.namelist()))",
        zip,
      ],
    ]).toString();
    expect(list).toMatch(/^None config\.json data\.json .*latest_net_D\.safetensors latest_net_G\.safetensors/);
    expect(list).not.toContain("state");
  });

  it("takes another name, and is refused where the run exists", async () => {
    expect(await importCommand.run({ from: zip, checkpointsDir: elsewhere, name: "second" }, output)).toBe(0);
    expect(JSON.parse(readFileSync(join(elsewhere, "second/config.json"), "utf8")).name).toBe("second");
    // It was exported without the state.
    expect(lines.at(-2)).toMatch(/no training state; to continue its training, export it --with-state/);
    const again = importCommand.run({ from: zip, checkpointsDir: elsewhere, name: "second" }, output);
    await expect(again).rejects.toThrow(/The run .*second exists already/);
  });

  it("takes a palette for the studio, as weights do", async () => {
    const weights = fileURLToPath(fixture("torch/unet32_net_G.pth"));
    for (const [from, name] of [
      [zip, "third"],
      [weights, "fourth"],
    ] as const) {
      expect(await importCommand.run({ from, checkpointsDir: elsewhere, name, drawing: "facades" }, output)).toBe(0);
      const kit = await new Run(files, { checkpointsDir: elsewhere, name }).drawing();
      // The windows of test labels of the facades data set are of this colour.
      expect(kit?.colours).toContainEqual({ name: "window", rgb: [0, 128, 255] });
    }
  });

  it("is refused where another process trains a run of its name, which may have no file yet", async () => {
    const read = () => importCommand.run({ from: zip, checkpointsDir: elsewhere, name: "beginning" }, output);
    const run = new Run(files, { checkpointsDir: elsewhere, name: "beginning" });
    await run.locked(() => expect(read()).rejects.toThrow(/The run .*beginning is being trained by process/));
    expect(existsSync(run.dir)).toBe(false);
    expect(await read()).toBe(0);
  });

  it("is refused where the zip is none, in words", async () => {
    mkdirSync(join(work, "bad"));
    const other = join(work, "bad/other.zip");
    execFileSync("/usr/bin/python3", [
      ...["-c", "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w').writestr('../config.json', '{}')", other],
    ]);
    await expect(importCommand.run({ from: other, checkpointsDir: elsewhere }, output)).rejects.toThrow(
      /other\.zip is no project: it has no config\.json/,
    );
    writeFileSync(other, "no zip");
    await expect(importCommand.run({ from: other, checkpointsDir: elsewhere }, output)).rejects.toThrow(
      /cannot be read as a zip/,
    );
    for (const from of [`G.pth\n${other}`, `${other}\nD.pth`]) {
      await expect(importCommand.run({ from, checkpointsDir: elsewhere }, output)).rejects.toThrow(
        /got .* and .*: a project \(\.zip\) has both networks, and is imported alone/,
      );
    }
  });

  it("leaves nothing where a file in it cannot be read, so that a sound one can be imported afterwards", async () => {
    await storedRun(join(work, "stored"), "whole");
    const names = ["config.json", "latest_net_G.safetensors", "latest_net_D.safetensors"];
    const content = names.map((name) => [name, readFileSync(join(work, "stored/whole", name))]);
    const sample = ["samples/epoch_001.png", Buffer.from("a picture")] as const;
    const sound = Buffer.from(zipSync(Object.fromEntries([sample, ...content])));
    // The flag of an encrypted file, in the last entry of the table of contents (APPNOTE.TXT, 4.3.12).
    const locked = Buffer.from(sound);
    locked[locked.lastIndexOf("PK\x01\x02") + 8]! |= 1;
    const read = (bytes: Buffer) => {
      writeFileSync(join(work, "whole.zip"), bytes);
      return importCommand.run({ from: join(work, "whole.zip"), checkpointsDir: join(work, "fresh") }, output);
    };
    await expect(read(locked)).rejects.toThrow(/latest_net_D\.safetensors is encrypted\. Unpack it/);
    // A block of a type that does not exist (RFC 1951, 3.2.3), at the beginning of the last file.
    const garbled = Buffer.from(sound);
    const header = garbled.lastIndexOf("PK\x03\x04");
    garbled[header + 30 + garbled.readUInt16LE(header + 26) + garbled.readUInt16LE(header + 28)] = 0xff;
    await expect(read(garbled)).rejects.toThrow(
      /latest_net_D\.safetensors is damaged \(invalid block type\)\. Download/,
    );
    expect(readdirSync(work)).not.toContain("fresh");
    // One bit of a weight: its file can still be read.
    const flipped = Buffer.from(zipSync(Object.fromEntries([sample, ...content]), { level: 0 }));
    flipped[flipped.indexOf("PK\x01\x02") - 100]! ^= 1;
    await expect(read(flipped)).rejects.toThrow(
      /latest_net_D\.safetensors is damaged \(its bytes do not have the checksum.*\)\. Download, copy or export it again;/,
    );
    expect(await read(sound)).toBe(0);
    expect(readdirSync(join(work, "fresh/whole")).sort()).toEqual([...names, "samples"].sort());
  });
});
