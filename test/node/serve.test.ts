/** The server of the page: several folders as one, headers, ports. */
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listenHttp } from "../../src/node/http.ts";
import { serveFolders } from "../../src/node/serve.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("serve");
const [first, second] = [join(work, "page"), join(work, "page-of-others")];
mkdirSync(join(first, "sub"), { recursive: true });
mkdirSync(second);
writeFileSync(join(first, "index.html"), "<p>page</p>");
writeFileSync(join(first, "sub/code.mjs"), "export {};");
writeFileSync(join(second, "module.wasm"), "wasm");
writeFileSync(join(work, "secret.txt"), "secret");

/** The status of a path as it stands: fetch() would tidy it. */
const statusOf = (port: number, path: string) =>
  new Promise<number>((resolve, reject) =>
    request({ port, path, host: "127.0.0.1" }, (response) => resolve(response.resume().statusCode!))
      .once("error", reject)
      .end(),
  );

describe("serveFolders", () => {
  it("looks in each folder and sends types and the headers of isolation", async () => {
    const { url, close } = await serveFolders([first, second]);
    const page = await fetch(url);
    expect(await page.text()).toBe("<p>page</p>");
    expect(page.headers.get("content-type")).toMatch("text/html");
    expect(page.headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(page.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    expect((await fetch(`${url}sub/code.mjs`)).headers.get("content-type")).toMatch("text/javascript");
    const wasm = await fetch(`${url}module.wasm`);
    expect(wasm.headers.get("content-type")).toBe("application/wasm");
    expect(wasm.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    expect((await fetch(`${url}nothing`)).status).toBe(404);
    await close();
  });

  it("gives nothing from outside the folders, and outlives addresses that are none", async () => {
    const { port, close } = await serveFolders([first]);
    const outside = [
      "/../secret.txt",
      "/..%2fsecret.txt",
      "/%2e%2e/page-of-others/module.wasm",
      "/..\\secret.txt",
      "/%",

      "//x",
      "/%ff",
      "/%00",
    ];
    for (const path of outside) expect([400, 404], path).toContain(await statusOf(port, path));
    for (const path of ["/", "//"]) expect(await statusOf(port, path), path).toBe(200);
    await close();
  });

  it("leaves the headers out where isolation is not wanted", async () => {
    const { url, close } = await serveFolders([first], { isolated: false });
    expect((await fetch(url)).headers.get("cross-origin-opener-policy")).toBeNull();
    await close();
  });

  it("takes the next free port where the one asked for is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const taken = (other.address() as { port: number }).port;
    const { port, url, close } = await serveFolders([first], { port: taken });
    expect(port).toBeGreaterThan(taken);
    expect((await fetch(url)).status).toBe(200);
    await close();
    await new Promise((resolve) => other.close(resolve));
  });
});

it("says what is wrong with a request that cannot be read, and serves the next one", async () => {
  const { port, close } = await listenHttp(async () => new Response("done"), { host: "127.0.0.1", port: 0 });
  const answerTo = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = "";
      const socket = connect(port, "127.0.0.1", () => socket.write(text));
      socket.on("data", (part) => {
        answer += part;
      });
      socket.on("close", () => resolve(answer.split("\r\n")[0]!)).on("error", reject);
    });
  const start = "GET / HTTP/1.1\r\nHost: localhost\r\n";
  expect(await answerTo(`${start}X: ${"x".repeat(50_000)}\r\n\r\n`)).toBe(
    "HTTP/1.1 431 Request Header Fields Too Large",
  );
  expect(await answerTo("GET\r\n\r\n")).toBe("HTTP/1.1 400 Bad Request");
  expect(await answerTo(`${start}Content-Length: -1\r\n\r\n`)).toBe("HTTP/1.1 400 Bad Request");
  expect(await answerTo(`TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1.1 [24]/);
  expect(await statusOf(port, "/")).toBe(200);
  await close();
});

it("answers all clients that had connected when it is closed, also where its thread is busy", async () => {
  const busy = async () => {
    for (const until = performance.now() + 25; performance.now() < until; );
    return new Response("done");
  };
  const { port, close } = await listenHttp(busy, { host: "127.0.0.1", port: 0 });
  const answers = Array.from({ length: 60 }, () => statusOf(port, "/"));
  const closed = close();
  expect(new Set(await Promise.all(answers))).toEqual(new Set([200]));
  await closed;
});
