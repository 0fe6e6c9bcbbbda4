/** Trainings of several processes over MPI: equal to one process with --accumulate, and ended whole when one dies. */
import { cpSync, existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeDemo } from "../../src/demo/write.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { runIn } from "../cli/run.ts";
import { bin } from "../paths.ts";
import { workFolder } from "../work-folder.ts";
import { launchers, startTogether } from "./mpi.ts";

const work = workFolder("mpi");
const at = (...path: string[]) => join(work, ...path);

/** 7 pairs: the last step of an epoch has fewer batches than processes. */
const small =
  "train --dataroot data --direction BtoA --netG unet_32 --ngf 4 --ndf 4 --netD n_layers --n-layers-d 1 --crop-size 32 " +
  "--load-size 36 --device cpu --threads 1 --n-epochs 1000 --n-epochs-decay 0 --save-epoch-freq 1000";

beforeAll(async () => {
  await writeDemo(await nodePlatform({ threads: 1 }), at("data"), { train: 7, test: 1, size: 36, seed: 1 });
});

/** The largest difference between the weights of two runs, trained ones and running statistics apart. */
function difference(one: string, other: string): { trained: number; statistics: number } {
  const worst = { trained: 0, statistics: 0 };
  for (const network of ["G", "D"]) {
    const [a, b] = [one, other].map(
      (run) => decode(readFileSync(at("runs", run, `latest_net_${network}.safetensors`))).tensors,
    );
    expect(Object.keys(a!)).toEqual(Object.keys(b!));
    for (const [name, { data }] of Object.entries(a!)) {
      const kind = /running_|num_batches/.test(name) ? "statistics" : "trained";
      for (const [i, value] of data.entries()) {
        worst[kind] = Math.max(worst[kind], Math.abs(Number(value) - Number(b![name]!.data[i])));
      }
    }
  }
  return worst;
}

async function alone(line: string): Promise<void> {
  const { code, err } = await runIn(work, line);
  expect(code, err).toBe(0);
}

describe.each(launchers)("$name", (launcher) => {
  const skipped = launcher.missing ? ` (skipped: ${launcher.missing})` : "";
  const key = launcher.name.replace(/\W/g, "");

  async function together(processes: number, line: string): Promise<string> {
    const { code, text } = await startTogether(launcher, processes, work, line).ended;
    expect(code, text).toBe(0);
    return text;
  }

  it.skipIf(launcher.missing)(
    `two processes are one with --accumulate 2, to the bit${skipped}`,
    async () => {
      await alone(`${small} --name ${key}one2 --accumulate 2 --max-steps 30`);
      await together(2, `${small} --name ${key}two --max-steps 30`);
      const { trained, statistics } = difference(`${key}one2`, `${key}two`);
      expect(trained).toBe(0);
      expect(statistics).toBeLessThan(1e-6);
    },
    300_000,
  );

  it.skipIf(launcher.missing)(
    `a process that is killed ends all, and the checkpoint goes on with another number${skipped}`,
    async () => {
      const name = `${key}killed`;
      const started = startTogether(launcher, 2, work, `${small} --name ${name} --accumulate 4 --save-latest-freq 2`);
      while (!existsSync(at("runs", name, "latest_state.safetensors"))) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        expect(started.child.exitCode, started.text()).toBeNull();
      }
      const members = processesOf(name);
      const [second] = members
        .filter(({ environment }) => environment.includes(`${launcher.rank}=1`))
        .map(({ pid }) => pid)
        .slice(-1);
      process.kill(second!, "SIGKILL");
      const { code } = await started.ended;
      expect(code).not.toBe(0);
      await expect.poll(() => processesOf(name), { timeout: 10_000 }).toEqual([]);

      // From here on with one process, and with four, to the same weights.
      cpSync(at("runs", name), at("runs", `${name}4`), { recursive: true });
      const step = Number(
        /"step":(\d+)/.exec(
          readFileSync(at("runs", name, "loss_log.jsonl"), "utf8")
            .split("\n")
            .at(-2)!,
        )![1],
      );
      const end = `--continue-train --max-steps ${step + 6}`;
      await alone(`train --name ${name} ${end}`);
      const refused = await startTogether(launcher, 3, work, `train --name ${name}4 ${end}`).ended;
      expect(refused.code).not.toBe(0);
      expect(refused.text).toContain("a step has 4 batches, expected a multiple of 3");
      await together(4, `train --name ${name}4 ${end}`);
      expect(difference(name, `${name}4`).trained).toBeLessThan(1e-6);
    },
    300_000,
  );

  it.skipIf(launcher.missing)(
    `SIGUSR1 to the launcher: all processes stop at one step and save${skipped}`,
    async () => {
      const name = `${key}asked`;
      const started = startTogether(launcher, 2, work, `${small} --name ${name}`);
      await expect.poll(() => existsSync(at("runs", name, "loss_log.jsonl")), { timeout: 60_000 }).toBe(true);
      started.child.kill("SIGUSR1");
      const { code, text } = await started.ended;
      expect(code, text).toBe(99);
      const step = Number(/Stopped and saved in \S+ \(step (\d+)/.exec(text)![1]);
      await alone(`${small} --name ${name}alone --accumulate 2 --max-steps ${step}`);
      expect(difference(name, `${name}alone`).trained).toBe(0);
    },
    120_000,
  );

  it.skipIf(launcher.missing)(
    `all processes read one checkpoint: after a kill before the last renames of a save, and where the run is taken back${skipped}`,
    async () => {
      const name = `${key}read`;
      const folder = (run: string) => at("runs", run);
      await alone(`${small} --name ${name} --accumulate 2 --max-steps 4 --save-epoch-freq 1 --save-state`);
      cpSync(folder(name), folder(`${name}4`), { recursive: true });
      await alone(`train --name ${name} --continue-train --max-steps 8`);

      // The checkpoint of step 8 is written, that of step 4 is not yet replaced.
      cpSync(folder(name), folder(`${name}cut`), { recursive: true });
      for (const file of ["net_G", "net_D", "state"].map((each) => `latest_${each}.safetensors`)) {
        renameSync(join(folder(`${name}cut`), file), join(folder(`${name}cut`), `${file}.next`));
        cpSync(join(folder(`${name}4`), file), join(folder(`${name}cut`), file));
      }
      cpSync(folder(name), folder(`${name}alone`), { recursive: true });
      await alone(`train --name ${name}alone --continue-train --max-steps 12`);
      await together(2, `train --name ${name}cut --continue-train --max-steps 12`);
      expect(difference(`${name}alone`, `${name}cut`).trained).toBe(0);

      cpSync(folder(name), folder(`${name}back`), { recursive: true });
      await alone(`train --name ${name} --continue-train --epoch 1 --max-steps 8`);
      await together(2, `train --name ${name}back --continue-train --epoch 1 --max-steps 8`);
      expect(difference(name, `${name}back`).trained).toBe(0);
    },
    300_000,
  );
});

const [openMpi] = launchers;
it.skipIf(openMpi!.missing)(
  "processes that find different data are refused",
  async () => {
    cpSync(at("data"), at("elsewhere", "data"), { recursive: true });
    for (const side of ["trainA", "trainB"]) rmSync(at("elsewhere/data", side, "facade_0001.png"));
    const line = `${small} --name differ`;
    const second = `-n 1 -wdir ${at("elsewhere")} ${process.execPath} ${bin} ${line}`;
    const { code, text } = await startTogether(openMpi!, 1, work, `${line} : ${second}`).ended;
    expect(code).not.toBe(0);
    expect(text).toContain("have found different data: 7 and 6 pairs.");
  },
  60_000,
);

it.skipIf(openMpi!.missing)(
  "four processes over 1000 steps",
  async () => {
    await alone(`${small} --name one4 --accumulate 4 --max-steps 1000`);
    const { code, text } = await startTogether(openMpi!, 4, work, `${small} --name four --max-steps 1000`).ended;
    expect(code, text).toBe(0);
    expect(difference("one4", "four").trained).toBe(0);
  },
  1_800_000,
);

/** The processes that train a run in the folder of this test. */
function processesOf(name: string): { pid: number; environment: string[] }[] {
  const folder = realpathSync(work);
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      if (!line.includes(name) || line[0] !== process.execPath || readlinkSync(`/proc/${pid}/cwd`) !== folder)
        return [];
      return [{ pid: Number(pid), environment: readFileSync(`/proc/${pid}/environ`, "utf8").split("\0") }];
    } catch {
      // No process, or one that has just ended.
      return [];
    }
  });
}
