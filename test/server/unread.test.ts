/** Answers that clients do not read: what they take has a limit, and a client that reads no more is dropped. */
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { storedRun } from "../exchange/stored-run.ts";
import { workFolder } from "../work-folder.ts";
import { listen, platform } from "./site.ts";

const work = workFolder("unread");
const runs = join(work, "runs");
const patience = { timeout: 60_000 };
/** Weights of 16 MB: more than the system keeps for a connection. */
const large = { netG: "unet_64", ngf: 24, loadSize: 64, cropSize: 64 } as const;
beforeAll(async () => {
  await storedRun(runs, "one", large);
  await storedRun(runs, "two", large);
  await storedRun(runs, "small");
});

/** A client that asks and reads nothing but the first bytes. */
async function asks(port: number, path: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await new Promise((resolve) => socket.once("readable", resolve));
  return socket;
}

const onnx = (run: string) => `/api/runs/${run}/onnx`;

/** The status of an answer that is read. */
async function statusOf(address: string): Promise<number> {
  const response = await fetch(address);
  await response.arrayBuffer();
  return response.status;
}

/** A server, and how often it has read weights. */
async function counting(limits: object) {
  let reads = 0;
  const read = async (path: string) => {
    if (path.includes("_net_G")) reads++;
    return platform.files.read(path);
  };
  const server = await listen(runs, { platform: { ...platform, files: { ...platform.files, read } }, limits });
  return { ...server, reads: () => reads };
}

it("ONNX files that nobody reads have a limit, and those who ask for one file share it", async () => {
  const { base, port, close, reads } = await counting({ unread: 20_000_000 });
  try {
    const slow = await asks(port, onnx("one"));
    const expected = new Uint8Array(await (await fetch(`${base}${onnx("one")}`)).arrayBuffer());
    expect(expected.length).toBeGreaterThan(12_000_000);
    const more = await Promise.all([1, 2, 3].map(() => asks(port, onnx("one"))));
    expect(reads()).toBe(1);
    const full = await fetch(`${base}${onnx("two")}`);
    expect([full.status, full.headers.get("retry-after")]).toEqual([429, "10"]);
    expect(await full.json()).toEqual({
      error: expect.stringMatching(/ONNX files that other clients .* 20000000; try/),
    });
    for (const socket of [slow, ...more]) socket.destroy();
    // The last of them has given the memory back.
    await expect.poll(() => statusOf(`${base}${onnx("two")}`), patience).toBe(200);
    const again = new Uint8Array(await (await fetch(`${base}${onnx("one")}`)).arrayBuffer());
    expect(again.length).toBe(expected.length);
  } finally {
    await close();
  }
});

it("a client that reads nothing for a while is dropped", async () => {
  const { base, port, close } = await counting({ unread: 20_000_000, stall: 1 });
  try {
    const socket = await asks(port, onnx("one"));
    expect(await statusOf(`${base}${onnx("two")}`)).toBe(429);
    await expect.poll(() => statusOf(`${base}${onnx("two")}`), patience).toBe(200);
    let length = 0;
    socket.on("data", (bytes) => {
      length += bytes.length;
    });
    await new Promise((resolve) => socket.once("close", resolve));
    expect(length).toBeLessThan(12_000_000);
  } finally {
    await close();
  }
});

it("outputs that nobody reads have a limit: pictures, forms of them, and tensors", async () => {
  const { base, port, close } = await counting({ unread: 10_000_000 });
  const shape = [64, 3, 128, 128];
  const data = new Float32Array(64 * 3 * 128 * 128);
  const inputs = [{ name: "real_A", datatype: "FP32", shape, parameters: { binary_data_size: data.byteLength } }];
  const json = new TextEncoder().encode(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  const body = new Blob([json, data]);
  const infer = () =>
    fetch(`${base}/v2/models/small/infer`, {
      method: "POST",
      body,
      headers: { "Inference-Header-Content-Length": String(json.length) },
    });
  const png = await platform.images.encodePng({
    width: 64,
    height: 64,
    channels: 3,
    data: new Uint8Array(64 * 64 * 3),
  });
  const form = new FormData();
  form.append("a", new Blob([png]), "a.png");
  const translate = (body: BodyInit) => fetch(`${base}/api/runs/small/translate`, { method: "POST", body });
  try {
    // 12.6 MB, which are alone.
    const whole = new Uint8Array(await (await infer()).arrayBuffer());
    expect(whole.length).toBeGreaterThan(data.byteLength);
    const head = `POST /v2/models/small/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.size}\r\n`;
    const slow = connect(port, "127.0.0.1");
    slow.write(`${head}Inference-Header-Content-Length: ${json.length}\r\n\r\n`);
    slow.write(new Uint8Array(await body.arrayBuffer()));
    await new Promise((resolve) => slow.once("readable", resolve));
    for (const refused of [await infer(), await translate(png), await translate(form)]) {
      expect([refused.status, await refused.text()]).toEqual([
        429,
        expect.stringMatching(/^{"error":"outputs that other/),
      ]);
    }
    slow.destroy();
    await expect.poll(async () => (await translate(png)).status, patience).toBe(200);
    const answer = await translate(form);
    expect(answer.status).toBe(200);
    expect((await answer.formData()).get("a")).toMatchObject({ type: "image/png" });
  } finally {
    await close();
  }
});
