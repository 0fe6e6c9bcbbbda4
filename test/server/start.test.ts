/** Runs that a page or a program begins: the options, the folders that the server reads, and who may. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Trainings } from "../../src/node/trainings.ts";
import { bin } from "../paths.ts";
import { folder, listen } from "./site.ts";

const options = { netG: "unet_64", ngf: "2", ndf: "2", cropSize: "64", loadSize: "64", threads: "1", maxSteps: "2" };

let site: Awaited<ReturnType<typeof folder>>;
let server: Awaited<ReturnType<typeof listen>>;
const control = new Trainings([process.execPath, bin], () => {});
/** A run is finished a moment before its process ends, and the server trains one at a time. */
const idle = () => expect.poll(() => control.running, { timeout: 20_000 }).toBe(0);
beforeAll(async () => {
  site = await folder([]);
  server = await listen(site.checkpointsDir, { control, dataDirs: [site.work] });
});
afterAll(async () => {
  await server.close();
  site.remove();
});

async function start(body: object, headers: Record<string, string> = {}, base = server.base) {
  const init = {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", ...headers },
  };
  const response = await fetch(`${base}/api/runs`, init);
  return { status: response.status, answer: (await response.json()) as { error?: string; name?: string } };
}

it("offers the folders of data", async () => {
  const { folders } = (await (await fetch(`${server.base}/api/data`)).json()) as { folders: string[] };
  expect(folders).toEqual([join(site.work, "data")]);
});

it("offers a folder once, and none that it would refuse", async () => {
  const work = join(site.work, "offered");
  mkdirSync(join(work, "pairs"), { recursive: true });
  symlinkSync(join(work, "pairs"), join(work, "same"));
  symlinkSync("/etc", join(work, "elsewhere"));
  const control = new Trainings([process.execPath, bin], () => {});
  const other = await listen(join(work, "none"), { control, dataDirs: [work, `${work}/../offered`] });
  const { folders } = (await (await fetch(`${other.base}/api/data`)).json()) as { folders: string[] };
  expect(folders).toEqual([join(work, "pairs")]);
  await other.close();
});

it("begins one of two runs that are asked for at once", { timeout: 120_000 }, async () => {
  const control = new Trainings([process.execPath, bin], () => {});
  const other = await listen(join(site.work, "two"), { control, dataDirs: [site.work] });
  const asked = ["one", "two"].map((name) => start({ name, dataroot: site.dataroot, options }, {}, other.base));
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  expect(statuses.sort()).toEqual([202, 409]);
  await expect.poll(() => control.running, { timeout: 90_000 }).toBe(0);
  await other.close();
});

it("begins a run with these options, once", { timeout: 120_000 }, async () => {
  const own = { noFlip: "true", lambdaL1: 50, profile: "hesse", bottleneckNorm: "false" };
  const asked = { name: "new", dataroot: site.dataroot, options: { ...options, ...own } };
  expect(await start(asked)).toMatchObject({ status: 202, answer: { name: "new" } });
  const state = async () =>
    ((await (await fetch(`${server.base}/api/runs/new`)).json()) as { state?: string; step?: number }) ?? {};
  await expect.poll(state, { timeout: 90_000 }).toMatchObject({ state: "finished", step: 2 });
  await idle();
  const config = JSON.parse(readFileSync(join(site.checkpointsDir, "new/config.json"), "utf8")) as object;
  expect(config).toMatchObject({ ngf: 2, netG: "unet_64", noFlip: true, lambdaL1: 50, dataroot: site.dataroot });
  expect(config).toMatchObject({ profile: "hesse", bottleneckNorm: false, bias: "always" });
  expect(await start(asked)).toMatchObject({
    status: 409,
    answer: { error: expect.stringContaining("exists already") },
  });
});

it("goes on with a run that ended before its first checkpoint: it begins again with its options", {
  timeout: 120_000,
}, async () => {
  const weightsOf = (name: string) => readFileSync(join(site.checkpointsDir, name, "latest_net_G.safetensors"));
  // As "new" was before its first checkpoint: its options, and its best weights so far.
  const config = readFileSync(join(site.checkpointsDir, "new/config.json"), "utf8");
  mkdirSync(join(site.checkpointsDir, "early"));
  writeFileSync(join(site.checkpointsDir, "early/config.json"), config.replace('"name": "new"', '"name": "early"'));
  writeFileSync(join(site.checkpointsDir, "early/best_net_G.safetensors"), weightsOf("new"));
  const state = async () => ((await (await fetch(`${server.base}/api/runs/early`)).json()) as { state?: string }).state;
  expect(await state()).toBe("started");
  const response = await fetch(`${server.base}/api/runs/early/continue`, { method: "POST", body: "{}" });
  expect(response.status, await response.text()).toBe(202);
  await expect.poll(state, { timeout: 90_000 }).toBe("finished");
  await idle();
  expect(weightsOf("early").equals(weightsOf("new"))).toBe(true);
});

it("says why a training has failed, until the run is trained again", { timeout: 120_000 }, async () => {
  const endless = { ...options, maxSteps: "100000", nEpochs: "100000", saveLatestFreq: "1" };
  const asked = { name: "killed", dataroot: site.dataroot, options: endless };
  const detail = async () =>
    (await (await fetch(`${server.base}/api/runs/killed`)).json()) as {
      state?: string;
      step: number;
      trainer: { pid: number };
      failure?: string;
    };
  const failureOf = async () => (await detail()).failure;
  expect(await start(asked)).toMatchObject({ status: 202 });
  // A step is logged before its checkpoint is stored: at step 2 there is the one of step 1.
  await expect.poll(async () => (await detail()).step, { timeout: 60_000 }).toBeGreaterThan(1);
  expect(await failureOf()).toBeUndefined();
  process.kill((await detail()).trainer.pid, "SIGKILL");
  await expect.poll(failureOf, { timeout: 20_000 }).toBe("was killed.");
  const post = (what: string) => fetch(`${server.base}/api/runs/killed/${what}`, { method: "POST", body: "{}" });
  expect((await post("continue")).status).toBe(202);
  await expect.poll(async () => (await detail()).state, { timeout: 20_000 }).toBe("training");
  expect(await failureOf()).toBeUndefined();
  expect((await post("stop")).status).toBe(202);
  await expect.poll(async () => (await detail()).state, { timeout: 20_000 }).toBe("stopped");
  expect(await failureOf()).toBeUndefined();
});

it("says which option is wrong", async () => {
  const ask = async (more: Record<string, unknown>) =>
    (await start({ name: "wrong", dataroot: site.dataroot, options: { ...options, ...more } })).answer.error;
  expect(await ask({ batchSize: "none" })).toBe('--batch-size: got "none", expected a whole number from 1 to 65536');
  expect(await ask({ checkpointsDir: "/tmp" })).toMatch(/"checkpointsDir" cannot be set here/);
  expect(await ask({ serve: "true" })).toMatch(/"serve" cannot be set here/);
  expect((await start({ name: "../out", dataroot: site.dataroot })).status).toBe(422);
  expect((await start({ name: "x" })).status).toBe(422);
  expect((await start({ name: "x", dataroot: site.dataroot, options: [] })).status).toBe(422);
  for (const name of ["a\nb", "a\u0000b", "a\u001b[31m"]) {
    expect((await start({ name, dataroot: site.dataroot, options })).answer.error).toMatch(/control characters/);
  }
});

it("reads no other folders, by whatever path", async () => {
  const outside = join(site.work, "..");
  const error = /no folder that this server reads/;
  for (const dataroot of ["/", "/etc", outside, `${site.dataroot}/../..`, "/nothing"]) {
    const { status, answer } = await start({ name: "out", dataroot, options });
    expect([status, error.test(answer.error!)], dataroot).toEqual([403, true]);
  }
  mkdirSync(join(site.work, "links"));
  symlinkSync("/etc", join(site.work, "links/etc"));
  expect((await start({ name: "out", dataroot: join(site.work, "links/etc"), options })).status).toBe(403);
  const teacher = { ...options, distill: "../../other", lambdaDistill: "1" };
  expect((await start({ name: "out", dataroot: site.dataroot, options: teacher })).status).toBe(422);
  const weights = await start({ name: "out", dataroot: site.dataroot, options: { ...options, initG: "/etc/passwd" } });
  expect(weights.status).toBe(403);
});

it("only its own pages and programs may", async () => {
  const asked = { name: "foreign", dataroot: site.dataroot, options };
  expect((await start(asked, { Origin: "http://evil.example" })).status).toBe(403);
  expect((await start(asked, { "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
  const shows = await listen(site.checkpointsDir, { dataDirs: [site.work] });
  expect((await start(asked, {}, shows.base)).status).toBe(501);
  await shows.close();
  const control = new Trainings([process.execPath, bin], () => {});
  const closed = await listen(site.checkpointsDir, {
    control,
    dataDirs: [site.work],
    token: "a-token-of-24-characters",
  });
  expect((await start(asked, {}, closed.base)).status).toBe(401);
  await closed.close();
});

it("the log of the server says how a training has ended", async () => {
  const script =
    "console.log('first'); setTimeout(() => { console.log(process.argv[2]); eval(process.argv[3].slice(9)) }, 50)";
  const ends = [
    ["process.exitCode = 0", "has ended."],
    ["process.exitCode = 99", "is stopped. Go on with it on the page, or by --name=it"],
    ["process.exitCode = 1", "has failed (exit code 1): --name=it"],
    ["console.error('error: why\\n  at'); process.exitCode = 1", "has failed (exit code 1): why"],
    ["process.kill(process.pid, 'SIGKILL')", "was killed."],
  ];
  for (const [code, words] of ends) {
    const lines: string[] = [];
    const trainings = new Trainings([process.execPath, "-e", script], (line) => lines.push(line));
    await trainings.train({ "--name": "it", "--script": code! });
    await expect.poll(() => lines.at(-1)).toMatch(/^The training of it \(process \d+\) /);
    expect(lines.at(-1)).toContain(words);
  }
});
