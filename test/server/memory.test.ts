/** Requests that wait take the memory of their bodies and no more, and all together have a limit. */
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import type { Images } from "../../src/platform.ts";
import { Run } from "../../src/run/run.ts";
import { storedRun } from "../exchange/stored-run.ts";
import { workFolder } from "../work-folder.ts";
import { listen, platform } from "./site.ts";
import { type Slow, withSlowDisk } from "./slow-disk.ts";

const work = workFolder("memory");
const runs = join(work, "runs");
const patience = { timeout: 60_000 };
beforeAll(() => storedRun(runs, "whole"));

const side = 32;
const data = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 7) % 256);
const png = await platform.images.encodePng({ width: side, height: side, channels: 3, data });

/** A form of so many pictures. */
function formOf(count: number): FormData {
  const form = new FormData();
  for (let i = 0; i < count; i++) form.append("files", new Blob([png]), `${i}.png`);
  return form;
}

const translate = (base: string, body: BodyInit, more: RequestInit = {}) =>
  fetch(`${base}/api/runs/whole/translate`, { method: "POST", body, ...more });
const infer = (base: string, body: BodyInit) =>
  fetch(`${base}/v2/models/whole/versions/latest/infer`, { method: "POST", body });
const outcome = async (response: Response) => [response.status, await response.text()];

it("of the pictures that wait the next ones alone are decoded, whether they come alone or in forms", async () => {
  let [decoded, encoded, most] = [0, 0, 0];
  const images: Images = {
    ...platform.images,
    decodeDeep: async (bytes, how) => {
      decoded++;
      most = Math.max(most, decoded - encoded);
      return platform.images.decodeDeep!(bytes, how);
    },
    encodePng: async (picture) => {
      const output = await platform.images.encodePng(picture);
      encoded++;
      return output;
    },
  };
  const limits = { open: 3, together: 1 };
  const use = async ({ base, begun, waiting, open }: Slow) => {
    const bodies = [formOf(10), png, formOf(5), png];
    const answers = bodies.map((body) => translate(base, body));
    await expect.poll(begun, patience).toBe(1);
    // One is computed.
    await expect.poll(waiting, patience).toBe(16);
    await expect.poll(() => decoded, patience).toBe(3);
    open();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect([decoded, encoded, most]).toEqual([17, 17, 3]);
    const form = await (await answers[2]!).formData();
    expect((form.getAll("files") as File[]).map(({ name }) => name)).toEqual([0, 1, 2, 3, 4].map((i) => `${i}.png`));
  };
  await withSlowDisk(runs, limits, use, images);
});

it("a body of tensors is read in its turn", async () => {
  await withSlowDisk(runs, { open: 1 }, async ({ base, begun, waiting, ask, open }) => {
    const first = ask("onnx");
    await expect.poll(begun, patience).toBe(1);
    let isAnswered = false;
    const wrong = infer(base, "[").finally(() => {
      isAnswered = true;
    });
    await expect.poll(waiting, patience).toBe(1);
    expect(isAnswered).toBe(false);
    open();
    expect(await outcome(await wrong)).toEqual([422, expect.stringContaining("not a JSON object")]);
    expect((await first).status).toBe(200);
  });
});

it("a form that fails at one picture drops the others", async () => {
  await withSlowDisk(runs, {}, async ({ base, begun, waiting, open, ask }) => {
    const first = ask("onnx");
    await expect.poll(begun, patience).toBe(1);
    const form = new FormData();
    form.append("files", new Blob(["no picture"]), "none.png");
    for (let i = 0; i < 60; i++) form.append("files", new Blob([png]), `${i}.png`);
    const failing = translate(base, form);
    await expect.poll(waiting, patience).toBe(61);
    open();
    expect(await outcome(await failing)).toEqual([415, expect.stringContaining("none.png: the body is no picture")]);
    expect(await waiting()).toBe(0);
    expect((await first).status).toBe(200);
  });
});

it("a form finds room for all of its pictures or for none", async () => {
  await withSlowDisk(runs, { queue: 6 }, async ({ base, begun, waiting, open, ask }) => {
    const first = ask("onnx");
    await expect.poll(begun, patience).toBe(1);
    const refused: string[] = [];
    const answers = Array.from({ length: 5 }, async () => {
      const { status, headers } = await translate(base, formOf(4));
      if (status === 429) refused.push(headers.get("retry-after")!);
      return status;
    });
    await expect.poll(() => refused.length, patience).toBe(4);
    expect(await waiting()).toBe(4);
    expect(refused.every((seconds) => Number(seconds) > 0)).toBe(true);
    open();
    expect((await Promise.all(answers)).sort()).toEqual([200, 429, 429, 429, 429]);
    expect((await first).status).toBe(200);
  });
});

it("the bodies of all requests together have a limit, whether their length is announced or not", async () => {
  const body = 60_000;
  const limits = { body, held: 100_000 };
  await withSlowDisk(runs, limits, async ({ base, begun, waiting, ask, open }) => {
    const first = ask("onnx");
    await expect.poll(begun, patience).toBe(1);
    const bytes = new Uint8Array(body);
    const waits = [translate(base, bytes)];
    await expect.poll(waiting, patience).toBe(1);
    const pieces = () => new Blob([bytes]).stream();
    for (const full of [
      await translate(base, bytes),
      await translate(base, pieces(), { duplex: "half" } as RequestInit),
      await infer(base, bytes),
    ]) {
      expect([full.status, full.headers.get("retry-after")]).toEqual([429, "5"]);
      expect(await full.text()).toMatch(/other requests hold 60000 bytes, all may hold 100000/);
    }
    // What was refused holds nothing.
    waits.push(translate(base, bytes.subarray(0, 40_000)));
    await expect.poll(waiting, patience).toBe(2);
    open();
    for (const answer of waits) expect((await answer).status).toBe(415);
    expect((await translate(base, bytes)).status).toBe(415);
    expect((await first).status).toBe(200);
  });
});

it("the outputs of a form count, too", async () => {
  const open = await listen(runs);
  const one = await (await translate(open.base, png)).arrayBuffer();
  const count = 20;
  const form = (await new Response(formOf(count)).arrayBuffer()).byteLength;
  await open.close();
  const limited = await listen(runs, { limits: { body: form + 2000, held: form + 2000 + 5 * one.byteLength } });
  try {
    expect((await translate(limited.base, formOf(3))).status).toBe(200);
    expect(await outcome(await translate(limited.base, formOf(count)))).toEqual([
      413,
      expect.stringMatching(/more than \d+ bytes; send fewer pictures at once/),
    ]);
    expect((await translate(limited.base, formOf(3))).status).toBe(200);
  } finally {
    await limited.close();
  }
});

it("pictures of the data set are read in turn, and a drawing kit that is kept is not", async () => {
  await storedRun(runs, "drawn");
  const kit = { tool: "lines", colours: [], background: [255, 255, 255] } as const;
  await new Run(platform.files, { checkpointsDir: runs, name: "drawn" }).saveDrawing(kit);
  await withSlowDisk(runs, { queue: 2 }, async ({ base, begun, waiting, ask, open }) => {
    const first = ask("onnx");
    await expect.poll(begun, patience).toBe(1);
    const asked = [ask("pair"), ask("studio")];
    await expect.poll(waiting, patience).toBe(2);
    for (const path of ["pair", "studio"]) {
      const full = await ask(path);
      expect([path, full.status, Number(full.headers.get("retry-after")) > 0]).toEqual([path, 429, true]);
    }
    const kept = await fetch(`${base}/api/runs/drawn/studio`);
    expect(await kept.json()).toMatchObject({ drawing: kit });
    open();
    // The data set of the run is not here.
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([404, 200]);
    expect((await first).status).toBe(200);
  });
});
