/** pix2pix serve as a program: its address, a taken port, a token, the end; and the files of its page. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { expect, it } from "vitest";
import { pageFiles } from "../../src/node/page-files.ts";
import { runIn } from "../cli/run.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("serve");

it("takes the next port where one is taken, says its address, serves, and ends at SIGTERM", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  let answer: Promise<{ status: number; watched: unknown }> | undefined;
  const ended = await runIn(
    work,
    ["serve", "--port", String(port), "--token", "a-token-of-24-characters"],
    (out, kill) => {
      const url = /(http:\S+?)\?token/.exec(out)?.[1];
      if (!url || answer) return;
      answer = (async () => {
        const { status } = await fetch(`${url}healthz`);
        const watched = JSON.parse(readFileSync(join(work, "runs/.server.json"), "utf8"));
        kill("SIGTERM");
        return { status, watched };
      })();
    },
  );
  await new Promise((resolve) => other.close(resolve));
  expect(ended.err).toMatch(new RegExp(`Port ${port} is taken; using \\d+`));
  expect(await answer).toMatchObject({
    status: 200,
    watched: { url: expect.stringMatching(/^http:\/\/localhost:\d+\/$/) },
  });
  expect(ended.code).toBe(0);
  expect(() => readFileSync(join(work, "runs/.server.json"))).toThrow();
});

it("refuses a network without a token, and a token that is too short", async () => {
  const open = await runIn(work, "serve --host 0.0.0.0");
  expect([open.code, open.err]).toEqual([2, expect.stringMatching(/--host 0.0.0.0: other machines could.*--token/)]);
  const short = await runIn(work, "serve --token abc");
  expect([short.code, short.err]).toEqual([2, expect.stringMatching(/--token: got "abc", expected a text of 16/)]);
});

it("names a variable of the environment that cannot be used, and shows no token", async () => {
  const refused = async (line: string, env: NodeJS.ProcessEnv) => {
    const { code, err } = await runIn(work, line, undefined, env);
    return [code, err.split("\n")[0]];
  };
  const port = 'error: the environment variable PORT: got "http", expected a whole number from 0 to 65535';
  expect(await refused("serve", { PORT: "http" })).toEqual([2, port]);
  expect(await refused("web", { PORT: "http" })).toEqual([2, port]);
  const token =
    "error: the environment variable PIX2PIX_TOKEN: expected a text of 16 or more characters without blanks";
  expect(await refused("serve", { PIX2PIX_TOKEN: "secret" })).toEqual([2, token]);
  // --port counts: the next thing that is wrong is told.
  const [code, err] = await refused("serve --port 9000 --data-dir nowhere", { PORT: "http" });
  expect([code, err]).toEqual([1, "error: --data-dir: there is no folder nowhere"]);
});

it("refuses a folder of data that is not there", async () => {
  const { code, err } = await runIn(work, "serve --data-dir nowhere");
  expect([code, err]).toEqual([1, "error: --data-dir: there is no folder nowhere\n"]);
});

it("refuses a file for the folder of runs", async () => {
  writeFileSync(join(work, "file"), "");
  const { code, err } = await runIn(work, "serve --checkpoints-dir file");
  expect([code, err]).toEqual([1, "error: --checkpoints-dir: file is a file; the folder of all runs was expected\n"]);
});

it("files of the page are compressed, tagged, kept where their name has a digest, and nothing else is found", async () => {
  const folder = join(work, "page");
  mkdirSync(join(folder, "assets"), { recursive: true });
  writeFileSync(join(work, "secret.txt"), "secret");
  const [html, script] = ["<html>".repeat(500), "let a = 1;\n".repeat(500)];
  writeFileSync(join(folder, "index.html"), html);
  writeFileSync(join(folder, "assets/main-ABCDEFGH.js"), script);
  const page = pageFiles([folder], (name, bytes) => (name === "/index.html" ? Buffer.from(`${bytes}!`) : bytes));
  const get = (path: string, headers: Record<string, string> = {}) =>
    page(new Request(`http://localhost${path}`, { headers }));
  const plain = (await get("/"))!;
  expect([await plain.text(), plain.headers.get("cache-control")]).toEqual([`${html}!`, "no-cache"]);
  const small = (await get("/assets/main-ABCDEFGH.js", { "accept-encoding": "gzip, br" }))!;
  expect(small.headers.get("content-encoding")).toBe("br");
  expect(small.headers.get("cache-control")).toContain("immutable");
  expect(brotliDecompressSync(new Uint8Array(await small.arrayBuffer())).toString()).toBe(script);
  const tag = small.headers.get("etag")!;
  const again = await get("/assets/main-ABCDEFGH.js", { "accept-encoding": "gzip, br", "if-none-match": tag });
  expect(again!.status).toBe(304);
  expect(
    (await get("/assets/main-ABCDEFGH.js", { "accept-encoding": "br;q=0" }))!.headers.get("content-encoding"),
  ).toBeNull();
  for (const path of [
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/%",
    "/%ff",
    "//",
    "/none.js",
  ]) {
    const answer = await get(path);
    expect([path, answer === undefined || (await answer.text()) !== "secret"]).toEqual([path, true]);
  }
  writeFileSync(join(folder, "index.html"), "new");
  expect(await (await get("/"))!.text()).toBe("new!");
});
