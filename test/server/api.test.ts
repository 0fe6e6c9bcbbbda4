/** The API over a real socket: state, losses, pictures, limits, and who may do what. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { crc32 } from "../../src/formats/crc32.ts";
import { openTranslator } from "../../src/inference/open.ts";
import { files } from "../../src/node/files.ts";
import { Run } from "../../src/run/run.ts";
import type { RunDetail, RunSummary } from "../../src/run/summaries.ts";
import { bodyOf } from "../../src/server/body.ts";
import { fileOf } from "../../src/server/files.ts";
import { folder, listen, picture, platform } from "./site.ts";

let site: Awaited<ReturnType<typeof folder>>;
let server: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  site = await folder(["first", "with blanks & #"]);
  server = await listen(site.checkpointsDir);
}, 120_000);
afterAll(async () => {
  await server.close();
  site.remove();
});

const get = (path: string, init?: RequestInit) => fetch(`${server.base}${path}`, init);
const post = (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
  get(path, { method: "POST", body, headers });
const json = async <T>(path: string) => (await (await get(path)).json()) as T;
const error = async (response: Response) => ((await response.json()) as { error: string }).error;

/** A request with a path and headers that fetch would change. */
function raw(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port: server.port, path, method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    request.on("error", reject).end();
  });
}

describe("runs", () => {
  it("are listed with their state, and shown with their options, samples and weights", async () => {
    const all = await json<RunSummary[]>("/api/runs");
    expect(all.map(({ name, state, step, lastStep }) => [name, state, step, lastStep])).toEqual([
      ["first", "finished", 7, 7],
      ["with blanks & #", "finished", 7, 7],
    ]);
    const run = await json<RunDetail>(`/api/runs/${encodeURIComponent("with blanks & #")}`);
    expect(run.config).toMatchObject({ netG: "unet_64", ngf: 2, seed: 5 });
    expect(run.weights).toEqual(["latest", "1", "2"]);
    expect(run.samples.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    const sample = await get(`/api/runs/first/files/${run.samples[0]!.file}`);
    expect(sample.headers.get("content-type")).toBe("image/png");
    expect(await platform.images.decode(new Uint8Array(await sample.arrayBuffer()))).toMatchObject({ width: 200 });
  });

  it("one that is being trained says so, and by whom", async () => {
    const release = await files.lock!(join(site.checkpointsDir, ".first.lock"), "in a test");
    try {
      const { state, trainer } = await json<RunDetail>("/api/runs/first");
      expect({ state, pid: trainer?.pid, here: trainer?.here }).toEqual({
        state: "training",
        pid: process.pid,
        here: true,
      });
    } finally {
      await release();
    }
  });

  it("one with a damaged config is listed with the reason, beside the others", async () => {
    mkdirSync(join(site.checkpointsDir, "broken"));
    writeFileSync(join(site.checkpointsDir, "broken/config.json"), "{");
    const broken = (await json<RunSummary[]>("/api/runs")).find(({ name }) => name === "broken")!;
    expect(broken.state).toBe("damaged");
    expect(broken.problem).toMatch(/is not JSON/);
    expect((await get("/api/runs/broken")).status).toBe(422);
  });
});

describe("losses", () => {
  it("are those of the log, and in buckets keep mean, least and largest", async () => {
    const log = readFileSync(join(site.checkpointsDir, "first/loss_log.jsonl"), "utf8");
    const lines = log
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, number>);
    type Losses = { steps: number[]; series: Record<string, { mean: number[]; min?: number[]; max?: number[] }> };
    const all = await json<Losses>("/api/runs/first/losses?from=2&to=6");
    expect(all.steps).toEqual([2, 3, 4, 5, 6]);
    for (const [i, value] of all.series.G_L1!.mean.entries()) expect(value).toBeCloseTo(lines[i + 1]!.G_L1!, 3);
    const one = await json<Losses>("/api/runs/first/losses?points=1");
    const values = lines.map(({ G_L1 }) => G_L1!);
    const { mean, min, max } = one.series.G_L1!;
    expect(mean[0]).toBeCloseTo(values.reduce((a, b) => a + b) / 7, 3);
    expect(min![0]).toBeCloseTo(Math.min(...values), 3);
    expect(max![0]).toBeCloseTo(Math.max(...values), 3);
    expect((await get("/api/runs/first/losses?points=0")).status).toBe(422);
    expect((await get("/api/runs/first/losses?from=-1")).status).toBe(422);
  });

  it("come as events while a run trains, and a log that is cut back says so", async () => {
    const path = join(site.checkpointsDir, "with blanks & #/loss_log.jsonl");
    const before = readFileSync(path, "utf8");
    const stop = new AbortController();
    const response = await get(`/api/runs/${encodeURIComponent("with blanks & #")}/events`, { signal: stop.signal });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    let text = "";
    const reading = (async () => {
      for await (const part of response.body!.pipeThrough(new TextDecoderStream())) text += part;
    })().catch(() => {});
    await expect.poll(() => text, { timeout: 10_000 }).toContain("event: run\n");
    const line = (step: number) =>
      `${JSON.stringify({ epoch: 3, step, G_GAN: 1, G_L1: 12.5, D_real: 1, D_fake: 1, lr: 0.1, seconds: 1 })}\n`;
    appendFileSync(path, line(8) + line(9));
    await expect.poll(() => text, { timeout: 10_000 }).toMatch(/event: losses\ndata: .*"steps":\[8,9\]/);
    expect(text).not.toContain("event: reset");
    writeFileSync(path, before);
    await expect.poll(() => text, { timeout: 10_000 }).toContain("event: reset\n");
    stop.abort();
    await reading;
  });
});

describe("pictures", () => {
  it("give what the library gives, alone, at once and as a form", async () => {
    const bytes = picture(site.dataroot);
    const translator = await openTranslator({ name: "first", checkpointsDir: site.checkpointsDir }, platform);
    const input = await platform.images.decode(bytes);
    const expected = await translator.translate(input, { name: "facade_0001" });
    const other = await translator.translate(input, { name: "facade_0001", seed: 99 });
    await translator.close();
    expect(other.data).not.toEqual(expected.data);

    const output = async (response: Response) => {
      expect(response.status, await response.clone().text()).toBe(200);
      return platform.images.decode(new Uint8Array(await response.arrayBuffer()));
    };
    const path = "/api/runs/first/translate?name=facade_0001";
    const answers = await Promise.all(
      Array.from({ length: 9 }, () => post(path, bytes, { "Content-Type": "image/png" })),
    );
    for (const answer of answers) expect((await output(answer)).data).toEqual(expected.data);
    expect((await output(await post(`${path}&seed=99`, bytes, { "Content-Type": "image/png" }))).data).toEqual(
      other.data,
    );

    const form = new FormData();
    for (const name of ["facade_0001.png", "facade_0002.png"])
      form.append("files", new Blob([picture(site.dataroot, name)]), name);
    const answer = await (await post("/api/runs/first/translate", form)).formData();
    const parts = answer.getAll("files") as File[];
    expect(parts.map(({ name }) => name)).toEqual(["facade_0001.png", "facade_0002.png"]);
    const first = await platform.images.decode(new Uint8Array(await parts[0]!.arrayBuffer()));
    expect(first.data).toEqual(expected.data);
  });

  it("are turned upright by their EXIF orientation", async () => {
    const turned = await sharp(picture(site.dataroot)).withMetadata({ orientation: 3 }).png().toBuffer();
    const upright = await sharp(turned).rotate().png().toBuffer();
    const answer = async (body: Buffer) => {
      const response = await post("/api/runs/first/translate", new Uint8Array(body), { "Content-Type": "image/png" });
      return Buffer.from(await response.arrayBuffer());
    };
    expect((await answer(turned)).equals(await answer(upright))).toBe(true);
  });

  it("of a run that goes on come from its new weights", async () => {
    const at = (label: string) => join(site.checkpointsDir, "first", `${label}_net_G.safetensors`);
    const ask = async (query = "") => {
      const response = await post(`/api/runs/first/translate${query}`, picture(site.dataroot), {
        "Content-Type": "image/png",
      });
      return Buffer.from(await response.arrayBuffer());
    };
    const [before, latest] = [await ask(), readFileSync(at("latest"))];
    const first = await ask("?epoch=1");
    expect(first.equals(before)).toBe(false);
    writeFileSync(at("latest"), readFileSync(at("1")));
    expect((await ask()).equals(first)).toBe(true);
    writeFileSync(at("latest"), latest);
    expect((await ask()).equals(before)).toBe(true);
  });

  it("that are none, damaged, too large or asked for wrongly are refused, and the next one is answered", async () => {
    const good = picture(site.dataroot);
    const path = "/api/runs/first/translate";
    const png = { "Content-Type": "image/png" };
    const cases: [number, RegExp, Promise<Response>][] = [
      [415, /no picture of a known format/, post(path, "hello", png)],
      [415, /body's type is text\/html/, post(path, good, { "Content-Type": "text/html" })],
      [415, /curl .*-H "Content-Type/, post(path, good, { "Content-Type": "application/x-www-form-urlencoded" })],
      [415, /empty/, post(path, "", png)],
      [422, /not a readable picture/, post(path, good.subarray(0, 300), png)],
      [422, /"colour" is no parameter/, post(`${path}?colour=1`, good, png)],
      [422, /dropout: got "maybe"/, post(`${path}?dropout=maybe`, good, png)],
      [422, /seed: got "-1"/, post(`${path}?seed=-1`, good, png)],
      [404, /no weights "99"; it has/, post(`${path}?epoch=99`, good, png)],
      [404, /no weights/, post(`${path}?epoch=..%2F..%2Fx`, good, png)],
      [404, /no run "nothing"/, post("/api/runs/nothing/translate", good, png)],
      [422, /form/, post(path, "x", { "Content-Type": "multipart/form-data; boundary=y" })],
    ];
    for (const [status, message, answer] of cases) {
      const response = await answer;
      expect([response.status, await error(response)]).toEqual([status, expect.stringMatching(message)]);
    }
    const response = await post(path, good, png);
    expect(response.status).toBe(200);
  });
});

describe("limits", () => {
  it("a client that goes before its body has come is no fault of the server", async () => {
    const body = new ReadableStream({
      start(control) {
        control.enqueue(new Uint8Array(2));
        queueMicrotask(() => control.error(new Error("aborted")));
      },
    });
    const how = { method: "POST", body, duplex: "half" };
    const half = new Request("http://localhost/", how);
    await expect(bodyOf(half, 100)).rejects.toMatchObject({ status: 400 });
  });

  it("on body, pixels, pictures, queue and time have their statuses, with the time to come again", async () => {
    const strict = { body: 60_000, pixels: 64 * 64, pictures: 2, queue: 3, seconds: 60 };
    const limited = await listen(site.checkpointsDir, { limits: strict });
    try {
      const path = `${limited.base}/api/runs/first/translate`;
      const send = (body: BodyInit, type = "image/png") =>
        fetch(path, { method: "POST", body, headers: { "Content-Type": type } });
      expect((await send(new Uint8Array(60_001))).status).toBe(413);
      const zeros = new Uint8Array(2_000_000);
      const stream = new Blob([zeros]).stream().pipeThrough(new CompressionStream("gzip"));
      const bomb = await new Response(stream).arrayBuffer();
      expect(bomb.byteLength).toBeLessThan(60_000);
      const inflated = await fetch(path, {
        method: "POST",
        body: bomb,
        headers: { "Content-Encoding": "gzip", "Content-Type": "image/png" },
      });
      expect(inflated.status).toBe(413);
      const large = await platform.images.encodePng({
        width: 65,
        height: 64,
        channels: 3,
        data: new Uint8Array(65 * 64 * 3),
      });
      const refused = await send(large as Uint8Array<ArrayBuffer>);
      expect([refused.status, await error(refused)]).toEqual([413, expect.stringContaining("65x64")]);
      // The header alone counts: 20000 x 20000 is more than any picture may have.
      const header = new DataView((large as Uint8Array<ArrayBuffer>).slice().buffer);
      header.setUint32(16, 20_000);
      header.setUint32(20, 20_000);
      header.setUint32(29, crc32(new Uint8Array(header.buffer, 12, 17)));
      const huge = await send(new Uint8Array(header.buffer));
      expect([huge.status, await error(huge)]).toEqual([413, expect.stringContaining("20000x20000")]);
      const form = new FormData();
      for (const name of ["a", "b", "c"]) form.append("files", new Blob([picture(site.dataroot)]), name);
      expect((await fetch(path, { method: "POST", body: form })).status).toBe(413);

      const good = picture(site.dataroot);
      const many = await Promise.all(Array.from({ length: 40 }, () => send(good)));
      const statuses = many.map(({ status }) => status);
      expect(new Set(statuses)).toEqual(new Set([200, 429]));
      const full = many.find(({ status }) => status === 429)!;
      expect(Number(full.headers.get("retry-after"))).toBeGreaterThan(0);
      expect((await send(good)).status).toBe(200);
    } finally {
      await limited.close();
    }
    const hasty = await listen(site.checkpointsDir, { limits: { seconds: 0.001 } });
    try {
      const late = await fetch(`${hasty.base}/api/runs/first/translate`, {
        method: "POST",
        body: picture(site.dataroot),
        headers: { "Content-Type": "image/png" },
      });
      expect([late.status, late.headers.get("retry-after")]).toEqual([503, "10"]);
    } finally {
      await hasty.close();
    }
  });

  it("closing answers what is under way, and refuses what comes after", async () => {
    const ending = await listen(site.checkpointsDir);
    const send = () =>
      fetch(`${ending.base}/api/runs/first/translate`, {
        method: "POST",
        body: picture(site.dataroot),
        headers: { "Content-Type": "image/png" },
      });
    await send();
    const under = Array.from({ length: 200 }, send);
    await expect
      .poll(async () => ((await (await fetch(`${ending.base}/healthz`)).json()) as { waiting: number }).waiting, {
        interval: 1,
        timeout: 10_000,
      })
      .toBeGreaterThan(0);
    await ending.close();
    const statuses = (await Promise.allSettled(under)).map((each) =>
      each.status === "fulfilled" ? each.value.status : String(each.reason),
    );
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
    await expect(send()).rejects.toThrow();
  });
});

describe("paths", () => {
  it("that are no addresses are answered, and none leads out of the runs", async () => {
    writeFileSync(join(site.work, "secret.json"), '"secret"');
    mkdirSync(join(site.work, "outside"));
    writeFileSync(join(site.work, "outside/config.json"), readFileSync(join(site.checkpointsDir, "first/config.json")));
    symlinkSync(join(site.work, "secret.json"), join(site.checkpointsDir, "first/link.json"));
    const paths = [
      ...["/%", "/%ff", "/api/runs/%", "/api/runs/%ff", "/api/runs/%00", "/api/runs/..", "/api/runs/%2e%2e"],
      ...["/api/runs/..%2foutside", "/api/runs/..%5coutside", "/api/runs/first%2f..%2f..%2foutside"],
      ...["/api/runs/first/files/..%2f..%2fsecret.json", "/api/runs/first/files/%2e%2e/%2e%2e/secret.json"],
      ...[
        "/api/runs/first/files/link.json",

        "/api/runs/first/files//etc/passwd",
      ],
      ...["/api/runs/first/files/.hidden.json", "/api/runs/first/files/nothing.json", "/api/runs/first/files/%00.json"],
      ...["/v2/models/..%2foutside", "/v2/models/%", "/nowhere", "//x"],
    ];
    for (const path of paths) expect([path, await raw(path)]).toEqual([path, 404]);
    for (const path of ["*", "http://", "http://[", "/api/runs/first/files/..\\..\\secret.json"]) {
      const status = await raw(path).catch(() => 400);
      expect([path, status >= 400 && status < 500], path).toEqual([path, true]);
    }
    expect((await get("/api/runs/first/files/config.json")).status).toBe(200);
  });

  it.each([
    ["GET", "/api/runs/first/translate", "POST"],
    ["PUT", "/api/runs/first", "GET, DELETE"],
    ["DELETE", "/api/runs", "GET, POST"],
    ["POST", "/api/runs/first/files/samples/epoch_001.png", "GET"],
    ["GET", "/v2/models/first/infer", "POST"],
  ])("%s %s: 405, with the methods that it takes", async (method, path, allowed) => {
    const response = await get(path, { method, headers: { Origin: server.base } });
    expect([response.status, response.headers.get("allow")]).toEqual([405, allowed]);
    expect(await error(response)).toBe(`${path} takes ${allowed}, got ${method}`);
  });
});

describe("files", () => {
  it("weights and arrays come in pieces, and one that is replaced meanwhile ends the answer", async () => {
    const path = join(site.checkpointsDir, "first/large.npy");
    const bytes = Uint8Array.from({ length: 3 * 2 ** 20 + 5 }, (_, i) => (i * 31) >> 8);
    writeFileSync(path, bytes);
    const whole = await get("/api/runs/first/files/large.npy");
    expect([whole.headers.get("content-length"), whole.headers.get("etag")]).toEqual([String(bytes.length), null]);
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);

    const run = new Run(files, { checkpointsDir: site.checkpointsDir, name: "first" });
    const read = () => Promise.reject(new Error("the whole file is read"));
    const reader = (await fileOf({ ...files, read }, run, "large.npy")).body!.getReader();
    expect((await reader.read()).value!.length).toBe(2 ** 20);
    await files.write(path, bytes.fill(1));
    const rest = async () => {
      for (;;) if ((await reader.read()).done) return "all of it";
    };
    await expect(rest()).rejects.toThrow(/large\.npy was written anew while it was sent/);
    rmSync(path);
  });

  it("a generator comes as ONNX in each precision, and ONNX Runtime runs it", async () => {
    const outputs: Float32Array[] = [];
    const sizes: number[] = [];
    const input = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => Math.sin(i));
    for (const precision of ["float32", "float16", "int8"]) {
      const response = await get(`/api/runs/first/onnx?precision=${precision}`);
      const name = precision === "float32" ? "first_latest.onnx" : `first_latest_${precision}.onnx`;
      expect(response.headers.get("content-disposition")).toContain(`''${name}`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      sizes.push(bytes.length);
      const session = await InferenceSession.create(bytes);
      const [given] = session.inputNames;
      const found = await session.run({ [given!]: new Tensor("float32", input, [1, 3, 64, 64]) });
      outputs.push(found[session.outputNames[0]!]!.data as Float32Array);
      await session.release();
    }
    const [whole, ...rounded] = outputs as [Float32Array, ...Float32Array[]];
    for (const other of rounded) {
      const off = whole.reduce((sum, value, i) => sum + Math.abs(value - other[i]!), 0) / whole.length;
      expect(off).toBeGreaterThan(0);
      expect(off).toBeLessThan(0.02);
    }
    expect(sizes[0]!).toBeGreaterThan(sizes[1]!);
    expect(sizes[1]!).toBeGreaterThan(sizes[2]!);
    const wrong = await get("/api/runs/first/onnx?precision=int4");
    expect([wrong.status, await error(wrong)]).toEqual([422, 'precision: got "int4", expected float32, float16, int8']);
  });

  it("an export that nobody would read is not computed", async () => {
    const read = () => Promise.reject(new Error("weights were read"));
    const other = await listen(site.checkpointsDir, { platform: { ...platform, files: { ...files, read: onlyJson } } });
    async function onlyJson(path: string) {
      return /safetensors$/.test(path) ? read() : files.read(path);
    }
    const head = await fetch(`${other.base}/api/runs/first/onnx`, { method: "HEAD" });
    expect([head.status, head.headers.get("content-disposition")]).toEqual([
      200,
      expect.stringContaining("first_latest.onnx"),
    ]);
    await other.close();
  });
});

describe("who may do what", () => {
  it("a foreign host or origin may not, and this machine may", async () => {
    expect(await raw("/api/runs", { Host: "evil.example" })).toBe(403);
    expect(await raw("/api/runs", { Host: `localhost:${server.port}` })).toBe(200);
    const stop = "/api/runs/first/stop";
    const own = `127.0.0.1:${server.port}`;
    expect(await raw(stop, { Origin: "http://evil.example" }, "POST")).toBe(403);
    expect(await raw(stop, { Origin: "null" }, "POST")).toBe(403);
    expect(await raw(stop, { "Sec-Fetch-Site": "cross-site" }, "POST")).toBe(403);
    expect(await raw("/api/runs/first", { Origin: "http://evil.example" }, "DELETE")).toBe(403);
    expect(await raw("/api/runs/first/continue", { Origin: "http://localhost:1" }, "POST")).toBe(403);
    // A page of another site may have links and asks for nothing else: an export would be computed for it.
    const other = { "Sec-Fetch-Site": "cross-site" };
    expect(await raw("/api/runs/first/onnx", { ...other, "Sec-Fetch-Mode": "no-cors" })).toBe(403);
    expect(await raw("/api/runs", { ...other, "Sec-Fetch-Mode": "navigate" })).toBe(200);
    expect(await raw("/api/runs", { "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors" })).toBe(200);
    // Without a control of runs, what is allowed says that this server cannot.
    expect(await raw(stop, { Host: own, Origin: `http://${own}` }, "POST")).toBe(501);
    expect(existsSync(join(site.checkpointsDir, "first/config.json"))).toBe(true);
  });

  it("with a token every request needs it, as a header or as the cookie of a page", async () => {
    const token = "a-token-of-24-characters";
    const closed = await listen(site.checkpointsDir, { token });
    try {
      const ask = (path: string, headers: Record<string, string> = {}) =>
        fetch(`${closed.base}${path}`, { headers, redirect: "manual" });
      expect((await ask("/api/runs")).status).toBe(401);
      expect((await ask("/api/runs", { Authorization: `Bearer ${token}x` })).status).toBe(401);
      expect((await ask("/api/runs", { Authorization: `Bearer ${token.slice(1)}` })).status).toBe(401);
      expect((await ask("/api/runs", { Authorization: `Bearer ${token}` })).status).toBe(200);
      expect((await ask("/healthz")).status).toBe(200);
      expect((await ask("/?token=wrong")).status).toBe(401);
      const welcome = await ask(`/?token=${token}&run=first`);
      expect([welcome.status, welcome.headers.get("location")]).toEqual([303, "/?run=first"]);
      const cookie = welcome.headers.get("set-cookie")!;
      expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
      // A path is no name of another server.
      const other = await closed.server.fetch(new Request(`${closed.base}//other.example/?token=${token}`));
      expect([other.status, other.headers.get("location")]).toEqual([303, "/other.example/"]);
      expect((await ask("/api/runs", { Cookie: cookie.split(";")[0]! })).status).toBe(200);
    } finally {
      await closed.close();
    }
  });
});

it("answers are compressed, tagged, and isolated", async () => {
  const response = await get("/api/runs/first", { headers: { "Accept-Encoding": "gzip" } });
  expect(response.headers.get("content-encoding")).toBe("gzip");
  expect(response.headers.get("cross-origin-opener-policy")).toBe("same-origin");
  expect(response.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
  const tag = response.headers.get("etag")!;
  expect((await get("/api/runs/first", { headers: { "Accept-Encoding": "gzip", "If-None-Match": tag } })).status).toBe(
    304,
  );
});
