/** A real browser for the tests: opens pages of ours in Chromium. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe } from "vitest";
import { buildApp, buildPage, buildWorker } from "../../../scripts/build-web.ts";
import { type ServeOptions, serveFolders } from "../../../src/node/serve.ts";
import { chromiumPath, noChromium, pagesFolder } from "./find.ts";

export { chromiumPath, noChromium };

/** WebGPU on the CPU, by the SwiftShader that Chromium carries. */
const softwareGpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
/** An address of this machine that is not localhost, and so no secure context. */
export const insecureHost = "insecure.test";
const hosts = `--host-resolver-rules=MAP ${insecureHost} 127.0.0.1`;
/** A camera that shows a moving picture, and is allowed. */
const camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
const noGpu = ["--disable-gpu", "--disable-features=WebGPU,WebGPUService"];

export function launch({ webgpu = false }: { webgpu?: boolean } = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath!,
    headless: true,
    args: ["--no-sandbox", "--disable-dev-shm-usage", hosts, ...camera, ...(webgpu ? softwareGpu : noGpu)],
  });
}

/** Folders that were built, by the script of the page: test files of one process share them, because a build takes seconds. */
const built = new Map<string | undefined, Promise<string>>();

/** The folder of the web app, or of a test's own script, which no test may change. */
export function builtPage(entry?: string): Promise<string> {
  const known = built.get(entry) ?? build(entry);
  built.set(entry, known);
  return known;
}

async function build(entry: string | undefined): Promise<string> {
  const folder = mkdtempSync(join(process.env[pagesFolder] ?? tmpdir(), "page-"));
  await (entry ? Promise.all([buildPage(folder, entry), buildWorker(folder)]) : buildApp(folder));
  return folder;
}

/** The web app (or a test's own script) on a local server, with and without cross-origin isolation. */
export async function site(entry?: string, options: ServeOptions = {}) {
  const { url, close } = await serveFolders([await builtPage(entry)], options);
  return { url, close };
}

/** Tests in Chromium; skipped, with the reason, where there is none. */
export function inChromium(title: string, tests: () => void): void {
  describe.skipIf(!chromiumPath)(`${title} in Chromium${chromiumPath ? "" : ` (skipped: ${noChromium})`}`, tests);
}

/** A page that the tests of a `describe` share. */
interface Shared {
  /** The script of the page; default: the web app. */
  entry?: string;
  webgpu?: boolean;
  /** False: the worker runs as in a browser that cannot suspend WebAssembly. For pages with an `entry`. */
  jspi?: boolean;
  /** Appended to the address: a route such as "#/train". */
  route?: string;
  /** Called with the page before the first test. */
  use(page: Page): void;
}

/**
 * Opens a page before the tests of a `describe`, and closes it after them.
 * @returns the addresses that the page asks for once it is open
 */
export function sharePage({ entry, webgpu = false, jspi = true, route = "", use }: Shared): readonly string[] {
  const requested: string[] = [];
  const closing: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    const folders = [await builtPage(entry)];
    if (!jspi) {
      const own = mkdtempSync(join(tmpdir(), "pix2pix-page-"));
      closing.push(async () => rmSync(own, { recursive: true }));
      const worker = readFileSync(join(folders[0]!, "worker.js"), "utf8");
      writeFileSync(join(own, "worker.js"), `delete WebAssembly.Suspending;\n${worker}`);
      folders.unshift(own);
    }
    const { url, close } = await serveFolders(folders);
    closing.unshift(close);
    const browser = await launch({ webgpu });
    closing.unshift(() => browser.close());
    const page = await openPage(browser, url + route);
    page.on("request", (request) => requested.push(request.url()));
    use(page);
  }, 120_000);
  afterAll(async () => {
    for (const close of closing) await close();
  });
  return requested;
}

/** A page that reports its own errors with the test's. */
export async function openPage(browser: Browser, url: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  page.on("pageerror", (error) => console.error(`in the page: ${error.stack ?? error.message}`));
  await page.goto(url);
  return page;
}

/** Holds the answers to requests of these addresses back. @returns gives them */
export async function held(page: Page, addresses: string): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(addresses, async (route) => {
    await released;
    await route.continue();
  });
  return release;
}
