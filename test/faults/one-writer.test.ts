/** Two trainings of one run, and a run whose folder goes away while it is trained. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type ConfigInput, parseConfig, resumeConfig } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { lockPart, lockResults } from "../../src/run/results.ts";
import { Run } from "../../src/run/run.ts";
import { type TrainEvents, train } from "../../src/training/train.ts";
import { workFolder } from "../work-folder.ts";
import { contents } from "./commands.ts";

const work = workFolder("writers");
const platform = await nodePlatform({ threads: 1 });
const checkpointsDir = join(work, "runs");
const small = { netG: "unet_32", ngf: 4, ndf: 4, cropSize: 32, loadSize: 36, device: "cpu" } as const;
const config = (name: string, more: Partial<ConfigInput> = {}) =>
  parseConfig({ ...small, dataroot: join(work, "data"), checkpointsDir, name, nEpochs: 3, nEpochsDecay: 0, ...more });

beforeAll(() => writeDemo(platform, join(work, "data"), { train: 4, test: 1, size: 32, seed: 1 }));

/** Trains; `at` is called after the step of that number, and training waits for it at its next save. */
async function trainWith(name: string, step: number, at: () => void, more: Partial<ConfigInput> = {}) {
  const events: TrainEvents = {
    step: (report) => {
      if (report.step === step) at();
    },
  };
  return train(config(name, more), platform, events);
}

describe("two trainings of one run", () => {
  it("the second is refused while the first goes on, and nothing of the first is touched", async () => {
    let second: Promise<unknown> | undefined;
    const first = await trainWith("both", 3, () => {
      const other = { ...config("both"), continueTrain: false };
      second = train(other, platform).then(
        () => "it trained",
        (error: Error) => error.message,
      );
    });
    expect(await second).toMatch(/^The run .*both is being trained by process \d+ on /);
    expect(first).toMatchObject({ step: 12, stopped: false });
    const run = new Run(platform.files, { checkpointsDir, name: "both" });
    expect((await run.losses.read()).map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });

  it("the second is refused also where the first ends while the second looks at its data", async () => {
    let ended: Promise<Map<string, string>> | undefined;
    const firstThenLock: typeof platform.files.lock = async (path, what) => {
      ended ??= train(config("late", { nEpochs: 1 }), platform).then(({ runDir }) => contents(runDir));
      await ended;
      return platform.files.lock!(path, what);
    };
    const second = { ...platform, files: { ...platform.files, lock: firstThenLock } };
    await expect(train(config("late", { seed: 1 }), second)).rejects.toThrow(/^The run .*late exists already\./);
    expect(contents(join(checkpointsDir, "late"))).toEqual(await ended);
  });

  it("a run that has ended, well or not, is free again", async () => {
    const again = resumeConfig(config("both"), { continueTrain: true, nEpochs: 4 });
    expect(await train(again, platform)).toMatchObject({ step: 16 });
    expect(readdirSync(checkpointsDir)).toEqual(["both", "late"]);
  });
});

// Links need a privilege on Windows.
describe.skipIf(process.platform === "win32")("a folder with several names, by symbolic links", () => {
  it("is one run: whoever trains it by another name is refused", async () => {
    const elsewhere = join(work, "disk/linked");
    mkdirSync(elsewhere, { recursive: true });
    for (const name of ["one", "two"]) symlinkSync(elsewhere, join(checkpointsDir, name));
    const refused: Promise<string>[] = [];
    await trainWith("one", 3, () => {
      for (const place of [{ name: "two" }, { name: "linked", checkpointsDir: join(work, "disk") }]) {
        const other = train({ ...config("one"), ...place }, platform);
        refused.push(other.then(() => "it trained").catch((error: Error) => error.message));
      }
    });
    for (const message of await Promise.all(refused)) expect(message).toMatch(/is being trained by process \d+ on /);
    expect(readdirSync(join(work, "disk"))).toEqual(["linked"]);
    for (const name of ["one", "two"]) rmSync(join(checkpointsDir, name));
  });

  it("has one lock for its results", async () => {
    const [folder, link] = [join(work, "results/mine"), join(work, "linked-results")];
    mkdirSync(folder, { recursive: true });
    symlinkSync(folder, link);
    const release = await lockResults(platform.files, folder);
    await expect(lockResults(platform.files, link)).rejects.toThrow(/are being written by process \d+ on /);
    await expect(lockPart(platform.files, link, "1-of-2")).rejects.toThrow(/are being written by process \d+ on /);
    await release();
  });
});

/** The platform with a count of its open sessions. @param most sessions that it can create, as on a device without more memory */
function counting(most = Number.POSITIVE_INFINITY) {
  const open = new Set<unknown>();
  const { ort } = platform;
  let created = 0;
  const counted: typeof ort = {
    ...ort,
    InferenceSession: {
      create: async (model, options) => {
        if (created++ >= most) throw new Error("no memory for a session");
        const session = await ort.InferenceSession.create(model, options);
        open.add(session);
        const release = session.release.bind(session);
        session.release = async () => {
          open.delete(session);
          await release();
        };
        return session;
      },
    },
  };
  return { open, created: () => created, platform: { ...platform, ort: counted } };
}

describe("the sessions of a run", () => {
  it("are freed when training ends: a process may train one run after the other", async () => {
    const { open, platform } = counting();
    await train(config("freed", { nEpochs: 1, valFreq: 1, valPhase: "test" }), platform);
    expect(open.size).toBe(0);
  });

  it("are freed where a training cannot be set up, and the run is free again", async () => {
    // The first session asks for the form of the kernels; a step has two programs.
    const { open, created, platform } = counting(2);
    await expect(train(config("unready"), platform)).rejects.toThrow("no memory for a session");
    expect([created(), open.size]).toEqual([3, 0]);
    expect(readdirSync(checkpointsDir).filter((name) => name.endsWith(".lock"))).toEqual([]);
  });
});

describe("a folder that is moved while the run is trained", () => {
  it("ends training with an error; weights and state are where the folder was", async () => {
    const [from, to] = [join(checkpointsDir, "moved"), join(work, "elsewhere")];
    const training = trainWith("moved", 3, () => renameSync(from, to));
    await expect(training).rejects.toThrow(
      /^The folder .*moved was moved or deleted while the run trained, so training stopped\..* step [34] are saved there again/,
    );
    for (const name of [
      "config.json",
      "latest_net_G.safetensors",
      "latest_net_D.safetensors",
      "latest_state.safetensors",
    ]) {
      expect(existsSync(join(from, name)), name).toBe(true);
    }
    const run = new Run(platform.files, { checkpointsDir, name: "moved" });
    expect([3, 4]).toContain((await run.progress())?.step);
    expect(await train(resumeConfig(await run.config(), { continueTrain: true }), platform)).toMatchObject({
      step: 12,
    });
  });
});

describe("a folder that is replaced while the run is trained", () => {
  const folder = join(checkpointsDir, "replaced");
  /** All but what is written after each step, and the page, which shows it. */
  const kept = (dir: string) =>
    new Map([...contents(dir)].filter(([path]) => !["loss_log.jsonl", "index.html"].includes(path)));
  const weights = (dir: string) => new Map([...contents(dir)].filter(([path]) => path.endsWith(".safetensors")));

  it.each([
    ["at the end of an epoch", { saveEpochFreq: 1, valFreq: 1, valPhase: "test" }, 4],
    ["within an epoch", { saveLatestFreq: 3, saveByIter: true }, 3],
  ])("keeps the other run, and what was trained beside it: %s", async (_when, options, step) => {
    const other = await train(config("other", { seed: 2, nEpochs: 1, ...options }), platform);
    const replace = () => {
      rmSync(folder, { recursive: true });
      cpSync(other.runDir, folder, { recursive: true });
    };
    const error: Error = await trainWith("replaced", 2, replace, options).then(
      () => new Error("it trained"),
      (error) => error,
    );
    const said =
      /^The folder .*replaced was replaced while the run trained: .*state of step (\d+) are saved as the run (\S+);.*--name (\S+) --continue/;
    const [, at, name, named] = said.exec(error.message) ?? [error.message];
    // A slow machine notices it earlier: the folder is looked at once a second.
    expect(Number(at)).toBeGreaterThanOrEqual(2);
    expect(Number(at)).toBeLessThanOrEqual(step);
    expect(named).toBe(name);
    expect(kept(folder)).toEqual(kept(other.runDir));
    const whole = await train(config("whole", options), platform);
    const stored = await new Run(platform.files, { checkpointsDir, name: name! }).config();
    const { runDir } = await train(resumeConfig(stored, { continueTrain: true }), platform);
    const trained = weights(runDir);
    const wholeOnes = [...weights(whole.runDir)].filter(([path]) => path.startsWith("latest_"));
    for (const [path, content] of wholeOnes) expect(trained.get(path) === content, path).toBe(true);
    for (const dir of [folder, other.runDir, whole.runDir, runDir]) rmSync(dir, { recursive: true });
  });

  it("writes no losses into the other run, although the next save is far", async () => {
    const other = await train(config("other", { seed: 2, nEpochs: 1 }), platform);
    const log = () => readFileSync(join(folder, "loss_log.jsonl"), "utf8");
    let before = "";
    const replace = () => {
      rmSync(folder, { recursive: true });
      cpSync(other.runDir, folder, { recursive: true });
      before = log();
      // The step takes longer than the time between two looks at the folder.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100);
    };
    await expect(trainWith("replaced", 1, replace)).rejects.toThrow(/ was replaced while the run trained: .* step 1 /);
    expect(before).toContain('"step":4');
    expect(log()).toBe(before);
    for (const dir of [folder, other.runDir]) rmSync(dir, { recursive: true });
  });
});
