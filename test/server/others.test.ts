/** What one client, one picture or one folder does must not harm the others. */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { exportOnnx } from "../../src/exchange/onnx/export.ts";
import { encode, type StoredTensor } from "../../src/formats/safetensors.ts";
import { joined } from "../../src/formats/streams.ts";
import { Trainings } from "../../src/node/trainings.ts";
import { readTensors } from "../../src/run/checkpoint.ts";
import type { RunSummary } from "../../src/run/summaries.ts";
import { Queue } from "../../src/server/queue.ts";
import { storedRun } from "../exchange/stored-run.ts";
import { workFolder } from "../work-folder.ts";
import { listen, platform } from "./site.ts";
import { withSlowDisk } from "./slow-disk.ts";

const work = workFolder("others");
const runs = join(work, "runs");
const watchers = 2;
let server: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  await storedRun(runs, "whole");
  server = await listen(runs, { limits: { watchers }, control: new Trainings(["false"], () => {}) });
});
afterAll(() => server.close());

const listed = async () => (await (await fetch(`${server.base}/api/runs`)).json()) as RunSummary[];
const translate = (body: Uint8Array) =>
  fetch(`${server.base}/api/runs/whole/translate`, { method: "POST", body: body as Uint8Array<ArrayBuffer> });
const pngOf = (channels: 1 | 3, side = 32) =>
  platform.images.encodePng({
    width: side,
    height: side,
    channels,
    data: Uint8Array.from({ length: side * side * channels }, (_, i) => (i * 7) % 256),
  });

/** An array of 8 bits, [32, 32, channels]: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
function npyOf(channels: number): Uint8Array {
  const head = `{'descr': '|u1', 'fortran_order': False, 'shape': (32, 32, ${channels}), }`.padEnd(117);
  return joined([
    Uint8Array.of(0x93, ...Buffer.from("NUMPY"), 1, 0, head.length + 1, 0),
    Buffer.from(`${head}\n`),
    new Uint8Array(32 * 32 * channels),
  ]);
}

it("a request for the head of a stream of events holds no place among those who watch", async () => {
  const head = () =>
    new Promise<number | undefined>((resolve, reject) => {
      const about = { host: "127.0.0.1", port: server.port, path: "/api/events", method: "HEAD" };
      httpRequest(about, (response) => response.resume().on("end", () => resolve(response.statusCode)))
        .on("error", reject)
        .end();
    });
  for (let i = 0; i < watchers + 1; i++) expect(await head()).toBe(200);
  const stop = new AbortController();
  const watching = await fetch(`${server.base}/api/events`, { signal: stop.signal });
  expect(watching.status).toBe(200);
  stop.abort();
});

it("a folder whose name no run can have does not hide the runs", async () => {
  await storedRun(runs, "odd");
  renameSync(join(runs, "odd"), join(runs, "odd:name"));
  const all = await listed();
  expect(all.map(({ name, state }) => [name, state])).toEqual([
    ["odd:name", "damaged"],
    ["whole", "stopped"],
  ]);
  expect(all[0]!.problem).toMatch(/rename it/);
  const index = await (await fetch(`${server.base}/v2/repository/index`, { method: "POST" })).json();
  expect(index).toEqual([
    { name: "odd:name", version: "latest", state: "UNAVAILABLE", reason: all[0]!.problem },
    { name: "whole", version: "latest", state: "READY", reason: "" },
  ]);
  rmSync(join(runs, "odd:name"), { recursive: true });
});

it("a picture that the generator cannot take does not fail those of other clients", async () => {
  const [good, bad] = [await pngOf(3), npyOf(5)];
  const bodies = [good, good, bad, good, good, npyOf(7), good, good];
  const answers = await Promise.all(bodies.map(translate));
  expect(answers.map(({ status }) => status)).toEqual(bodies.map((body) => (body === good ? 200 : 422)));
  expect(await answers[2]!.text()).toContain("5 channels");
  expect(await answers[5]!.text()).toContain("7 channels");
});

it("a narrow picture that would become too large is refused, and the next one is answered", async () => {
  const thin = await sharp({ create: { width: 1, height: 60_000, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  const url = `${server.base}/api/runs/whole/translate?preprocess=scale_width`;
  const refused = await fetch(url, { method: "POST", body: new Uint8Array(thin) });
  expect(refused.status).toBe(413);
  expect(await refused.text()).toMatch(
    /a picture of 1x60000 would become (\d+)x\d+, \d+ pixels; at most 16777216 are taken/,
  );
  // One of few pixels that the network pads to 32 times as many.
  const line = await sharp({ create: { width: 2_000_000, height: 1, channels: 3, background: "red" } })
    .tiff({ compression: "deflate" })
    .toBuffer();
  const padded = await fetch(url.replace("scale_width", "none"), { method: "POST", body: new Uint8Array(line) });
  expect([padded.status, await padded.text()]).toEqual([
    413,
    expect.stringMatching(/2000000x1 is padded to 2000000x32 /),
  ]);
  const input = {
    name: "real_A",
    datatype: "FP32",
    shape: [1, 3, 1, 2_000_000],
    parameters: { binary_data_size: 24_000_000 },
  };
  const head = Buffer.from(JSON.stringify({ inputs: [input] }));
  const inferred = await fetch(`${server.base}/v2/models/whole/infer`, {
    method: "POST",
    headers: { "Inference-Header-Content-Length": String(head.length) },
    body: new Uint8Array(Buffer.concat([head, Buffer.alloc(24_000_000)])),
  });
  expect([inferred.status, await inferred.text()]).toEqual([413, expect.stringMatching(/is padded to 2000000x32 /)]);
  expect((await translate(await pngOf(3))).status).toBe(200);
});

it("a label map whose compression changes numbers is refused, as training refuses it", async () => {
  await storedRun(runs, "numbers", { inputLabels: 5 });
  // All values of both are class numbers.
  const map = sharp(Buffer.alloc(32 * 32, 2), { raw: { width: 32, height: 32, channels: 1 } }).toColourspace("b-w");
  const send = async (body: Buffer) =>
    fetch(`${server.base}/api/runs/numbers/translate`, { method: "POST", body: new Uint8Array(body) });
  expect((await send(await map.png().toBuffer())).status).toBe(200);
  const refused = await send(await map.jpeg({ quality: 100 }).toBuffer());
  expect([refused.status, await refused.text()]).toEqual([
    422,
    expect.stringMatching(/the label map is a JPEG, whose compression changes class numbers: .* save them as PNG from/),
  ]);
  rmSync(join(runs, "numbers"), { recursive: true });
});

it("a job of a client that has gone already is not done", async () => {
  let done = 0;
  const same = async (job: number) => job;
  const queue = new Queue<number, number, number, number>({
    most: 2,
    seconds: 10,
    together: 1,
    open: 1,
    alike: () => false,
    prepare: same,
    run: async (jobs) => {
      done += jobs.length;
      return jobs;
    },
    finish: same,
  });
  await expect(queue.add(1, AbortSignal.abort())).rejects.toMatchObject({ status: 400 });
  expect(await queue.add(2)).toBe(2);
  expect(done).toBe(1);
});

it("exports and maps of the discriminator wait in the queue of the pictures, and one computes at a time", async () => {
  const [width, height] = [3 * 32 + 2 * 4, 32];
  const strip = { width, height, channels: 3, data: new Uint8Array(width * height * 3).fill(90) };
  await platform.files.write(join(runs, "whole/samples/epoch_001.png"), await platform.images.encodePng(strip));
  await withSlowDisk(runs, { queue: 3 }, async ({ base, begun, waiting: count, ask, open }) => {
    const first = ask("onnx");
    await expect.poll(begun, { timeout: 60_000 }).toBe(1);
    const waiting = Promise.all([ask("onnx"), ask("patches"), ask("onnx?epoch=latest")]);
    await expect.poll(count, { timeout: 30_000 }).toBe(3);
    const picture = fetch(`${base}/api/runs/whole/translate`, { method: "POST", body: "a picture" });
    for (const full of await Promise.all([ask("onnx"), ask("patches"), picture])) {
      expect([full.status, Number(full.headers.get("retry-after")) > 0]).toEqual([429, true]);
      expect(await full.text()).toContain("3 pictures and exports wait already, at most 3 may");
    }
    expect(begun()).toBe(1);
    open();
    expect((await waiting).map(({ status }) => status)).toEqual([200, 200, 200]);
    const timeless = (file: Uint8Array) =>
      Buffer.from(file)
        .toString("latin1")
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "");
    const exported = await exportOnnx({ name: "whole", checkpointsDir: runs }, platform.files);
    expect(timeless(new Uint8Array(await (await first).arrayBuffer())) === timeless(exported)).toBe(true);
  });
});

it("--threads reaches pictures, tensors and maps of the discriminator, whatever the run was trained with", async () => {
  const used: unknown[] = [];
  const { create } = platform.ort.InferenceSession;
  const counting: typeof platform.ort.InferenceSession = {
    create: (model, options) => {
      // The question for the form of the kernels is asked once for each runtime, on one thread.
      if (model.length > 1000) used.push(options?.intraOpNumThreads);
      return create(model, options);
    },
  };
  const { ort } = platform;
  const other = await listen(runs, {
    platform: { ...platform, ort: { ...ort, InferenceSession: counting } },
    threads: 2,
  });
  const tensor = { name: "real_A", datatype: "FP32", shape: [1, 3, 32, 32], data: Array(3 * 32 * 32).fill(0) };
  const asked: [string, RequestInit][] = [
    ["/api/runs/whole/translate", { method: "POST", body: await pngOf(3) }],
    ["/v2/models/whole/versions/latest/infer", { method: "POST", body: JSON.stringify({ inputs: [tensor] }) }],
    ["/api/runs/whole/patches", {}],
  ];
  try {
    for (const [path, how] of asked) {
      const answer = await fetch(`${other.base}${path}`, how);
      expect([path, answer.status, await answer.text().then(() => "")]).toEqual([path, 200, ""]);
    }
    expect(used.length).toBeGreaterThan(1);
    expect(new Set(used)).toEqual(new Set([2]));
  } finally {
    await other.close();
  }
});

it("an export that takes too long is answered with 503", async () => {
  await withSlowDisk(runs, { seconds: 0.2 }, async ({ ask }) => {
    const late = await ask("onnx");
    expect([late.status, late.headers.get("retry-after")]).toEqual([503, "10"]);
  });
});

it("a run's average of weights that is replaced gives other outputs, also where its weights stay", async () => {
  const { tensors } = await readTensors(platform.files, join(runs, "whole/latest_net_G.safetensors"));
  const average = (factor: number) => {
    const scaled = Object.entries(tensors).map(([name, tensor]): [string, StoredTensor] => [
      name,
      tensor.dtype === "F32" ? { ...tensor, data: tensor.data.map((value) => value * factor) } : tensor,
    ]);
    writeFileSync(join(runs, "whole/latest_net_G_ema.safetensors"), joined(encode(Object.fromEntries(scaled), {})));
  };
  const output = async () => Buffer.from(await (await translate(await pngOf(3))).arrayBuffer());
  average(0.5);
  const before = await output();
  average(0.9);
  expect((await output()).equals(before)).toBe(false);
});

it("continuing names what it does not know, and deleting keeps a training from beginning", async () => {
  const ask = (method: string, path: string, body?: string) =>
    fetch(`${server.base}${path}`, { method, body: body ?? null });
  const response = await ask("POST", "/api/runs/whole/continue", '{"epoch": 1}');
  expect([response.status, await response.json()]).toEqual([
    422,
    { error: '"epoch" is not known; expected epochs or steps' },
  ]);
  await storedRun(runs, "gone");
  let locked = false;
  const control = new Trainings(["false"], () => {});
  const remove = control.remove.bind(control);
  control.remove = async (dir) => {
    locked = existsSync(join(runs, ".gone.lock"));
    await remove(dir);
  };
  const other = await listen(runs, { control });
  expect((await fetch(`${other.base}/api/runs/gone`, { method: "DELETE" })).status).toBe(204);
  expect(locked).toBe(true);
  expect([existsSync(join(runs, "gone")), existsSync(join(runs, ".gone.lock"))]).toEqual([false, false]);
  await other.close();
});
