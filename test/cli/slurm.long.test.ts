/** Job arrays on a real Slurm of one node, by examples/cluster/slurm.sh: parts of pictures and a sweep, with tasks that are stopped and killed. */
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { bin, root } from "../paths.ts";
import { runIn } from "./run.ts";

const programs = ["munged", "slurmctld", "slurmd", "sbatch"];
const isThere = (program: string) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
const missing = [
  ...programs.filter((each) => !isThere(each)),
  ...(process.getuid?.() === 0 ? [] : ["the rights of root"]),
];

const work = mkdtempSync(join(tmpdir(), "pix2pix-slurm-"));
const at = (...path: string[]) => join(work, ...path);
const minutes = 60_000;
/** Jobs start the program as a user does: it sets its own allocator variables. */
const env: NodeJS.ProcessEnv = { ...process.env, SLURM_CONF: at("slurm.conf") };
delete env.MALLOC_ARENA_MAX;
const command = (program: string, ...args: string[]) =>
  execFileSync(program, args, { cwd: work, env, encoding: "utf8" }).trim();
const daemons = ["slurmd", "slurmctld", "munged"].map((name) => ({ name, pid: at(`${name}.pid`) }));

async function until(what: string, happened: () => boolean, limit = 3 * minutes): Promise<void> {
  for (const end = Date.now() + limit; Date.now() < end; ) {
    if (happened()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`not in time: ${what}\n${spawnSync("squeue", ["-a"], { env, encoding: "utf8" }).stdout}`);
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

async function startSlurm(): Promise<void> {
  for (const folder of ["state", "spool"]) mkdirSync(at(folder));
  writeFileSync(at("key"), randomBytes(1024), { mode: 0o600 });
  writeFileSync(
    at("slurm.conf"),
    `ClusterName=test
SlurmctldHost=localhost
SlurmctldPort=${await freePort()}
SlurmdPort=${await freePort()}
SlurmUser=root
AuthInfo=socket=${at("munge")},cred_expire=5
StateSaveLocation=${at("state")}
SlurmdSpoolDir=${at("spool")}
SlurmctldPidFile=${at("slurmctld.pid")}
SlurmdPidFile=${at("slurmd.pid")}
SlurmctldLogFile=${at("slurmctld.log")}
SlurmdLogFile=${at("slurmd.log")}
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
NodeName=localhost CPUs=4
PartitionName=all Nodes=localhost Default=YES
`,
  );
  const own = ["socket=munge", "key-file=key", "pid-file=munged.pid", "log-file=munged.log", "seed-file=munged.seed"];
  command("munged", "--force", ...own.map((each) => `--${each.replace("=", `=${work}/`)}`));
  command("slurmctld");
  command("slurmd", "-N", "localhost");
  await until("the node is there", () =>
    spawnSync("sinfo", ["-h", "-o", "%t"], { env, encoding: "utf8" }).stdout.includes("idle"),
  );
}

/** Submits an array of four. @returns its number */
const submit = (...words: string[]) =>
  command("sbatch", "--parsable", "--array=0-3", "--cpus-per-task=1", "--mem=0", "slurm.sh", ...words);
const isDone = (job: string) => spawnSync("squeue", ["-h", "-j", job], { env, encoding: "utf8" }).stdout.trim() === "";
const log = (job: string, task: number) =>
  existsSync(at(`pix2pix-${job}_${task}.log`)) ? readFileSync(at(`pix2pix-${job}_${task}.log`), "utf8") : "";
const contents = (folder: string) =>
  Object.fromEntries(readdirSync(at(folder)).map((name) => [name, readFileSync(at(folder, name)).toString("base64")]));

describe.skipIf(missing.length > 0)(`on Slurm (skipped without ${missing.join(", ") || "nothing"})`, () => {
  const small = "--crop-size 64 --load-size 64 --netG unet_64 --ngf 16 --ndf 2 --device cpu";

  beforeAll(async () => {
    await startSlurm();
    mkdirSync(at("node_modules/.bin"), { recursive: true });
    symlinkSync(bin, at("node_modules/.bin/pix2pix"));
    copyFileSync(join(root, "examples/cluster/slurm.sh"), at("slurm.sh"));
    await writeDemo({ files, images }, at("data"), { train: 4, test: 60, size: 64, seed: 1 });
    mkdirSync(at("many"));
    for (let copy = 0; copy < 10; copy++) {
      for (let i = 1; i <= 60; i++) {
        const name = `facade_${String(i).padStart(4, "0")}.png`;
        copyFileSync(at("data/testA", name), at("many", `${copy}_${name}`));
      }
    }
    const trained = await runIn(work, `train --dataroot data --name a ${small} --max-steps 2 --threads 1`);
    expect(trained.code, trained.err).toBe(0);
  }, 5 * minutes);

  afterAll(async () => {
    spawnSync("scancel", ["--full", "--signal=KILL", "--user=root"], { env });
    for (const { pid } of daemons) if (existsSync(pid)) process.kill(Number(readFileSync(pid, "utf8")));
    await until("the daemons have ended", () => daemons.every(({ pid }) => !existsSync(pid)), minutes).catch(() => {});
    rmSync(work, { recursive: true, force: true });
  }, 2 * minutes);

  it(
    "four tasks give the files of one, though one is stopped and queued again by its exit code",
    async () => {
      const given = ["translate", "--name", "a", "--input", "many", "--device", "cpu"];
      const job = submit(...given, "--out", "parts", "--skip-existing");
      const done = () =>
        existsSync(at("parts")) ? readdirSync(at("parts")).filter((name) => name.endsWith(".png")) : [];
      await until("a part has begun", () => log(job, 1).includes("part 2 of 4") && done().length > 20);
      command("scancel", "--batch", "--signal=USR1", `${job}_1`);
      await until("the array is done", () => isDone(job));
      expect(log(job, 1)).toMatch(
        /Stopping: the pictures that have begun.*Stopped: \d+ pictures? left.* were there already/s,
      );
      expect([0, 2, 3].filter((task) => log(job, task).includes("Stopped"))).toEqual([]);
      expect(done().length).toBe(600);
      const whole = await runIn(work, [...given, "--out", "whole", "--threads", "1"]);
      expect(whole.code).toBe(0);
      expect(contents("parts")).toEqual(contents("whole"));
    },
    10 * minutes,
  );

  it(
    "a sweep trains and tests its runs, though one task is stopped and another killed",
    async () => {
      const grid = `train: { dataroot: data, crop-size: 64, load-size: 64, netG: unet_64, ngf: 8, ndf: 4, device: cpu, max-steps: 150, save-latest-freq: 20, print-freq: 10 }
grid: { lr: [0.0002, 0.001], seed: [1, 2] }
test: { num-test: 2 }
`;
      writeFileSync(at("grid.yaml"), grid);
      const job = submit("sweep", "grid.yaml");
      const after = (task: number, step: number) => new RegExp(`step: (${step}|[1-9]\\d\\d)/150`).test(log(job, task));
      await until("two runs have begun", () => after(1, 30) && after(2, 30));
      command("scancel", "--batch", "--signal=USR1", `${job}_1`);
      // The lock of a run names the process that trains it.
      process.kill(JSON.parse(readFileSync(at("runs/grid/.lr=0.001_seed=1.lock"), "utf8")).pid, "SIGKILL");
      await until("the killed task has failed", () =>
        command("scontrol", "show", "job", `${job}_2`).includes("JobState=FAILED"),
      );
      command("scontrol", "requeue", `${job}_2`);
      await until("the array is done", () => isDone(job));
      expect(log(job, 2)).not.toContain("Stopped");
      expect(log(job, 1)).toMatch(/Stopped and saved in runs\/grid\/lr=0\.0002_seed=2/);
      for (const task of [0, 1, 2, 3])
        expect(log(job, task)).toMatch(/step: 150\/150.*Pictures and the metrics of each/s);
      // A run that goes on does not begin again.
      expect(log(job, 2).match(/step: 10\/150/g)).toHaveLength(1);
      const { out, code } = await runIn(work, "sweep grid.yaml --collect");
      expect([code, out]).toEqual([0, expect.stringMatching(/4 of 4 runs are tested/)]);
      // Stopped or killed, a run ends as one that was not.
      const alone = await runIn(work, "sweep grid.yaml --index 2 --threads 1 --results-dir results".split(" "));
      expect(alone.out).toContain("Nothing left to do");
    },
    10 * minutes,
  );
});
