/**
 * Processor time and peak memory of the commands that read a whole data set, by the number of its pairs.
 *
 * `node --import tsx bench/large-sets.ts [--pairs 1000,10000] [--size 64] [--commands audit,inspect,combine,resize,test]` draws the
 * pairs, runs each command on them, and prints a row of a Markdown table for each.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scriptOptions, usageError } from "../scripts/options.ts";
import { drawFacade } from "../src/demo/facades.ts";
import { encodePng } from "../src/formats/png-encode.ts";
import { Random } from "../src/random.ts";

const commands: Record<string, string[]> = {
  audit: ["data", "audit", "--dataroot", "SET"],
  inspect: ["inspect", "--dataroot", "SET", "--phase", "test", "--out", "OUT/sheet.png"],
  combine: [
    "data",
    "combine",
    "--fold-A",
    "SET/testA",
    "--fold-B",
    "SET/testB",
    "--fold-AB",
    "OUT/AB",
    "--format",
    "png",
  ],
  resize: ["data", "resize", "--input", "SET/testA", "--out", "OUT/small", "--size", "32"],
  test: ["test", "--name", "tiny", "--checkpoints-dir", "RUNS", "--results-dir", "OUT", "--device", "cpu"],
};

const { values } = scriptOptions(import.meta.url, {
  options: {
    pairs: { type: "string", default: "1000,10000" },
    size: { type: "string", default: "64" },
    commands: { type: "string", default: Object.keys(commands).join(",") },
    threads: { type: "string", default: "1" },
  },
});
const size = Number(values.size);
const chosen = values.commands.split(",");
const unknown = chosen.filter((name) => !(name in commands));
if (unknown.length) usageError(`--commands: got ${unknown}, expected some of ${Object.keys(commands)}`);

const program = fileURLToPath(new URL("../bin/pix2pix.js", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "pix2pix-large-"));
try {
  console.log(
    `Pairs of ${size} x ${size} px.\n\n| command | pairs | CPU time | wall time | peak memory |\n|---|---|---|---|---|`,
  );
  for (const pairs of values.pairs.split(",").map(Number)) {
    const set = join(work, `${pairs}`);
    await draw(set, pairs);
    if (chosen.includes("test")) train(set);
    for (const name of chosen) measure(name, set, pairs);
    rmSync(set, { recursive: true });
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** A set of the layout `folders`: eight pairs to train on, `pairs` to test on. */
async function draw(set: string, pairs: number): Promise<void> {
  for (const [phase, count] of [
    ["train", 8],
    ["test", pairs],
  ] as const) {
    for (const side of ["A", "B"]) mkdirSync(join(set, `${phase}${side}`), { recursive: true });
    // Sixteen at a time: pictures are encoded by other threads.
    const drawer = async (first: number) => {
      for (let i = first; i < count; i += 16) {
        const { label, photo } = drawFacade(new Random(1, phase, i), size);
        const name = `${String(i).padStart(6, "0")}.png`;
        writeFileSync(join(set, `${phase}A`, name), await encodePng(label));
        writeFileSync(join(set, `${phase}B`, name), await encodePng(photo));
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, first) => drawer(first)));
  }
}

/** One step of a small network: time and memory of `test` do not depend on the values of the weights. */
function train(set: string): void {
  const network = ["--netG", "unet_32", "--ngf", "2", "--ndf", "2", "--load-size", "32", "--crop-size", "32"];
  const place = ["--dataroot", set, "--name", "tiny", "--checkpoints-dir", join(set, "runs")];
  run(["train", ...place, ...network, "--max-steps", "1", "--device", "cpu", "--threads", values.threads]);
}

function measure(name: string, set: string, pairs: number): void {
  const out = join(set, "out");
  mkdirSync(out);
  const places: Record<string, string> = { SET: set, OUT: out, RUNS: join(set, "runs") };
  const filled = commands[name]!.map((part) => part.replace(/^(SET|OUT|RUNS)/, (place) => places[place]!));
  const threads = name === "test" ? ["--threads", values.threads] : [];
  const { cpu, wall, memory } = run([...filled, ...threads]);
  const [seconds, elapsed] = [cpu, wall].map((time) => (time < 100 ? time.toFixed(1) : time.toFixed(0)));
  console.log(`| ${name} | ${pairs} | ${seconds} s | ${elapsed} s | ${memory.toFixed(0)} MB |`);
  rmSync(out, { recursive: true });
}

/** Runs the program. Each of its processes reports its use of resources when it ends. CPU and wall in seconds, peak memory in 10^6 bytes. */
function run(args: readonly string[]): { cpu: number; wall: number; memory: number } {
  const used = join(work, "used");
  mkdirSync(used);
  const report =
    `import { writeFileSync } from "node:fs"; process.on("exit", () => ` +
    `writeFileSync(${JSON.stringify(`${used}/`)} + process.pid, JSON.stringify(process.resourceUsage())));`;
  const module = join(work, "report.mjs");
  writeFileSync(module, report);
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ["--import", module, program, ...args], {
    cwd: work,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  const wall = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`${args.join(" ")} failed with exit code ${status}:\n${stderr.slice(-2000)}`);
  const processes = readdirSync(used).map((file) => JSON.parse(readFileSync(join(used, file), "utf8")));
  rmSync(used, { recursive: true });
  return {
    cpu: processes.reduce((sum, { userCPUTime, systemCPUTime }) => sum + userCPUTime + systemCPUTime, 0) / 1e6,
    wall,
    memory: Math.max(...processes.map(({ maxRSS }) => (maxRSS * 1024) / 1e6)),
  };
}
