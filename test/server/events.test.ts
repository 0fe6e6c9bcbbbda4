/** Events of runs: all who watch are served by one look at the files, and nobody looks where nobody watches. */
import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import { storedRun } from "../exchange/stored-run.ts";
import { workFolder } from "../work-folder.ts";
import { listen, platform } from "./site.ts";

const runs = workFolder("events");
const names = ["a", "b"];
for (const name of names) await storedRun(runs, name);

/** How often the runs were listed, and the state of each was read. */
const looks = { listed: 0, read: 0 };
const counted: typeof platform.files = {
  ...platform.files,
  list: (path) => {
    if (path === runs) looks.listed++;
    return platform.files.list(path);
  },
  exists: (path) => {
    if (path === join(runs, "a/loss_log.jsonl")) looks.read++;
    return platform.files.exists(path);
  },
};

/** A stream of events: what it has said so far, and its end. */
async function watch(base: string, path: string) {
  const stop = new AbortController();
  const response = await fetch(`${base}${path}`, { signal: stop.signal });
  const seen = { text: "", status: response.status };
  const reading = (async () => {
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) seen.text += part;
  })().catch(() => {});
  const end = async () => {
    stop.abort();
    await reading;
  };
  return { seen, end };
}

const line = (step: number) => `${JSON.stringify({ epoch: 1, step, G_L1: 12.5, seconds: 1 })}\n`;
const soon = { timeout: 60_000 };

it("one look a second serves all who watch, and there is none when all have gone", async () => {
  const server = await listen(runs, { platform: { ...platform, files: counted } });
  const open = (path: string, count: number) =>
    Promise.all(Array.from({ length: count }, () => watch(server.base, path)));
  const all = [...(await open("/api/events", 12)), ...(await open("/api/events?run=a", 12))];
  for (const { seen } of all) await expect.poll(() => seen.text, soon).toContain('event: run\ndata: {"name":"a"');
  const before = { ...looks };
  const began = performance.now();
  await wait(4000);
  const seconds = (performance.now() - began) / 1000;
  const listed = looks.listed - before.listed;
  expect(listed).toBeGreaterThan(0);
  expect(listed).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
  // The log of a run is asked for by the list of all, by the run's own summary and by its losses.
  expect(looks.read - before.read).toBeLessThanOrEqual(4 * (Math.ceil(seconds) + 1));

  appendFileSync(join(runs, "a/loss_log.jsonl"), line(1) + line(2));
  for (const { seen } of all.slice(0, 12)) await expect.poll(() => seen.text, soon).toMatch(/"name":"a",.*"step":2,/);
  for (const { seen } of all.slice(12)) await expect.poll(() => seen.text, soon).toMatch(/losses\ndata: .*\[1,2\]/);

  const gone = all.splice(1);
  await Promise.all(gone.map(({ end }) => end()));
  rmSync(join(runs, "b"), { recursive: true });
  await expect.poll(() => all[0]!.seen.text, soon).toContain('event: runs\ndata: ["a"]\n');
  for (const { seen } of gone) expect(seen.text).not.toContain('data: ["a"]');

  await all[0]!.end();
  await wait(1500);
  const after = { ...looks };
  await wait(2500);
  expect(looks).toEqual(after);
  const late = await watch(server.base, "/api/events");
  await expect.poll(() => late.seen.text, soon).toContain('"step":2,');
  await late.end();
  await server.close();
});
