/** README's snippet for a page in bundlers without settings, and the rules for packages: publint and attw. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveFolders } from "../../src/node/serve.ts";
import { fixture } from "../paths.ts";
import { chromiumPath, launch, noChromium } from "../web/browser/chromium.ts";
import { install, noRegistry, pack, run, workFolder } from "./project.ts";
import { blocksOf } from "./snippets.ts";

const { work, remove } = workFolder("bundlers");
afterAll(remove, 120_000);
const user = join(work, "user");
const limit = 600_000;

/** The headers of cross-origin isolation, so that the runtime's threads start too. */
const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** What the tests use of Vite. */
interface Vite {
  createServer(
    options: object,
  ): Promise<{ listen(): Promise<unknown>; resolvedUrls: { local: string[] }; close(): Promise<void> }>;
  build(options: object): Promise<unknown>;
}

/** Opens a page until it is done. @returns its title: the step that its run has come to, threads, and a pixel of its picture */
async function titleOf(url: string): Promise<string> {
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const said: string[] = [];
    page.on("pageerror", (error) => said.push(error.message));
    await page.goto(url);
    await page
      .waitForFunction(() => /^(done|failed)/.test(document.title), undefined, { timeout: 300_000 })
      .catch(() => {});
    return [await page.title(), ...said].join("; ");
  } finally {
    await browser.close();
  }
}

describe.skipIf(noRegistry)("the package", () => {
  let tarball = "";

  beforeAll(() => {
    tarball = pack(work).tarball;
    const tools = ["vite@8.3.8", "esbuild@0.28.2", "publint@0.3.25", "@arethetypeswrong/cli@0.18.5"];
    const { status, noted } = install(user, [tarball, ...tools]);
    expect(status, noted).toBe(0);
  }, limit);

  it("follows the rules of publint", () => {
    const { status, said, noted } = run(user, "npx", ["--no-install", "publint", "--strict", tarball]);
    expect(status, said + noted).toBe(0);
  });

  it("has types that resolve, as a package of ES modules alone", () => {
    const args = ["--no-install", "attw", "--profile", "esm-only", tarball];
    const { status, said, noted } = run(user, "npx", args);
    expect(status, said + noted).toBe(0);
  });
});

describe.skipIf(noRegistry ?? (chromiumPath ? undefined : noChromium))("README's snippet for a page", () => {
  beforeAll(() => {
    const { code } = blocksOf("README.md").find((block) => block.code.includes("pix2pix/web"))!;
    const small = code.replace("cropSize: 64 }", "cropSize: 64, ngf: 4, ndf: 4, maxSteps: 2, threads: 2 }");
    expect(small).not.toBe(code);
    const main = `
      const pairs = await (await fetch("pairs.zip")).arrayBuffer();
      globalThis.file = new File([pairs], "pairs.zip");
      try {
        const { client, generator } = await import("./snippet.js");
        const data = new Uint8Array(64 * 64 * 3).fill(128);
        const output = await generator.translate({ width: 64, height: 64, channels: 3, data });
        const { threads } = await client.capabilities;
        document.title = "done " + output.data.length + " values, several threads: " + (threads > 1);
      } catch (error) {
        document.title = "failed: " + error.stack;
      }`;
    mkdirSync(join(user, "public"), { recursive: true });
    cpSync(fixture("pairs.zip"), join(user, "public/pairs.zip"));
    writeFileSync(join(user, "snippet.js"), `${small}\nexport { client, generator };`);
    writeFileSync(join(user, "main.js"), main);
    writeFileSync(join(user, "index.html"), '<!doctype html><script type="module" src="/main.js"></script>');
  });

  const done = `done ${64 * 64 * 3} values, several threads: true`;
  const vite = async (): Promise<Vite> =>
    import(pathToFileURL(createRequire(join(user, "x.js")).resolve("vite")).href) as Promise<Vite>;

  it("runs in Vite's server for development, without settings", { timeout: limit }, async () => {
    const server = await (await vite()).createServer({ root: user, logLevel: "error", server: { port: 0, headers } });
    await server.listen();
    try {
      expect(await titleOf(server.resolvedUrls.local[0]!)).toBe(done);
    } finally {
      await server.close();
    }
  });

  it("runs as Vite builds it, without settings", { timeout: limit }, async () => {
    await (await vite()).build({ root: user, logLevel: "error" });
    const { url, close } = await serveFolders([join(user, "dist")]);
    expect(await titleOf(url)).toBe(done);
    await close();
  });

  it("runs as esbuild bundles it, with the worker copied beside", { timeout: limit }, async () => {
    const out = join(work, "esbuild");
    const args = ["main.js", "--bundle", "--splitting", "--format=esm", `--outdir=${out}`];
    const { status, noted } = run(user, "npx", ["--no-install", "esbuild", ...args]);
    expect(status, noted).toBe(0);
    for (const name of ["worker.js", "ort"]) {
      cpSync(join(user, "node_modules/pix2pix/dist/web", name), join(out, name), { recursive: true });
    }
    for (const name of ["index.html", "public/pairs.zip"]) cpSync(join(user, name), join(out, name.split("/").at(-1)!));
    const { url, close } = await serveFolders([out]);
    expect(await titleOf(url)).toBe(done);
    await close();
  });
});
