/** The benchmark in a real Chromium, compared with Node's CPU: `npm run bench -- --device wasm`, `--device webgpu --browser`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { buildApp, buildPage, copyRuntime } from "../scripts/build-web.ts";
import { UserError } from "../src/errors.ts";
import { serveFolders } from "../src/node/serve.ts";
import { median } from "../src/statistics.ts";
import { chromiumPath, noChromium } from "../test/web/browser/find.ts";
import type { Asked } from "./browser/page.ts";
import { load, processor } from "./machine.ts";
import { type Measure, ownCommand, type Times } from "./sides.ts";
import type { StepTimes } from "./step.ts";
import { markdown, writeSection } from "./table.ts";

export interface BrowserOptions extends Measure {
  rounds: number;
  device: "wasm" | "webgpu";
  /** Use Chromium's software adapter for WebGPU (SwiftShader), which computes on the CPU. */
  software: boolean;
  note: string;
  write: boolean;
}

/** The options that decide how Chromium is started. */
type Browsing = Pick<BrowserOptions, "device" | "software">;

type Network = Pick<BrowserOptions, "size" | "ngf">;
type InBrowser = Pick<StepTimes, "step_s" | "step_cpu_s" | "forward_s" | "first_step_s"> & { runtime_s: number };

/** The network that the page proposes for training on a CPU. It is measured too where the default one is. */
const small: Network = { size: 64, ngf: 24 };
const usual: Network = { size: 256, ngf: 64 };
const same = (a: Network, b: Network) => a.size === b.size && a.ngf === b.ngf;

/** Measures the networks in turn in Node and in Chromium, and prints the table. */
export async function browserTable(options: BrowserOptions): Promise<void> {
  if (!chromiumPath) throw new UserError(noChromium);
  const folder = mkdtempSync(join(tmpdir(), "pix2pix-bench-"));
  const asked: Network = { size: options.size, ngf: options.ngf };
  const networks = same(asked, usual) ? [asked, small] : [asked];
  try {
    await buildPage(folder, "bench/browser/page.ts");
    const server = await serveFolders([folder]);
    const device = await deviceIn(server.url, options);
    await buildApp(join(folder, "app"));
    copyRuntime(folder);
    const loads: number[] = [];
    const rows: string[][] = [];
    for (const network of networks) {
      const runs: { node: Times; browser: InBrowser }[] = [];
      for (let round = 0; round < options.rounds; round++) {
        loads.push(load());
        // The browser's compiler needs some seconds until it has optimised the runtime's code.
        const steps = same(network, small) ? 6 * options.steps : options.steps;
        const asked = { ...options, ...network, steps };
        const run = { node: inNode(asked), browser: await inChromium(server.url, asked) };
        console.error(JSON.stringify(run));
        runs.push(run);
      }
      rows.push(rowOf(network, runs));
    }
    const pageLoad = await pageSeconds(`${server.url}app/`);
    await server.close();
    const text = report(options, device, rows, pageLoad, loads);
    console.log(text);
    if (options.write) writeSection("browser", `${device}, ${processor().name}`, text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The device as the table names it. @throws UserError where Chromium has no adapter of the kind that was asked for */
async function deviceIn(url: string, { device, software }: BrowserOptions): Promise<string> {
  if (device === "wasm") return device;
  const browser = await launch({ device, software });
  try {
    const page = await browser.newPage();
    await page.goto(url, { timeout });
    const { label, present, adapter } = await page.evaluate(() => gpu());
    if (present && (software || !adapter?.software)) return label;
    throw new UserError(
      `--device webgpu --browser: ${chromiumPath} has ${present ? `only ${label}, which computes on the CPU` : "no WebGPU adapter here"}; ` +
        "expected a GPU (on Linux with its Vulkan driver), or --software to try the command without one.",
    );
  } finally {
    await browser.close();
  }
}

function inNode(options: BrowserOptions): Times {
  const [file, args] = ownCommand("cpu", options);
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Node failed with exit code ${status}:\n${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Times;
}

/** Timeout in milliseconds for the start of Chromium and for opening a page; long, because other programs may use the CPU. */
const timeout = 300_000;

/** Flags with which headless Chromium finds a GPU. */
const gpuFlags =
  process.platform === "linux" ? ["--use-angle=vulkan", "--enable-features=Vulkan", "--disable-vulkan-surface"] : [];

/** Starts a new browser, whose caches are empty. */
function launch({ device, software }: Browsing): Promise<Browser> {
  const gpu = ["--enable-unsafe-webgpu", ...(software ? ["--use-webgpu-adapter=swiftshader"] : gpuFlags)];
  const args = ["--no-sandbox", "--disable-dev-shm-usage", ...(device === "webgpu" ? gpu : ["--disable-gpu"])];
  return chromium.launch({ executablePath: chromiumPath!, headless: true, args, timeout });
}

async function inChromium(url: string, options: BrowserOptions): Promise<InBrowser> {
  const { device, size, ngf, batch, steps, threads } = options;
  const browser = await launch(options);
  try {
    const page = await browser.newPage();
    await page.goto(url, { timeout });
    const asked: Asked = { size, ngf, batch, steps, threads, device };
    const answer = await page.evaluate((asked) => bench(asked), asked);
    if ("error" in answer) throw new Error(`in the page: ${answer.error}`);
    return answer.times;
  } finally {
    await browser.close();
  }
}

/** Seconds from the navigation to the end of the web app's load event, on a first and on a second visit. */
async function pageSeconds(url: string): Promise<[first: number, second: number]> {
  const browser = await launch({ device: "wasm", software: false });
  try {
    const page = await browser.newPage();
    const visit = async () => {
      await page.goto(url, { timeout });
      return page.evaluate(() => {
        const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
        return entry!.loadEventEnd / 1000;
      });
    };
    return [await visit(), await visit()];
  } finally {
    await browser.close();
  }
}

function rowOf({ size, ngf }: Network, runs: readonly { node: Times; browser: InBrowser }[]): string[] {
  const of = (value: (run: (typeof runs)[number]) => number) => median(runs.map(value));
  const seconds = (value: number) => `${value.toFixed(value < 0.1 ? 3 : 2)} s`;
  return [
    `unet_${size}, ngf ${ngf}, ${size} px`,
    seconds(of(({ node }) => node.step_s!)),
    seconds(of(({ browser }) => browser.step_s)),
    `**${of(({ node, browser }) => browser.step_s / node.step_s!).toFixed(2)}**`,
    seconds(of(({ node }) => node.forward_s)),
    seconds(of(({ browser }) => browser.forward_s)),
    `**${of(({ node, browser }) => browser.forward_s / node.forward_s).toFixed(2)}**`,
    seconds(of(({ browser }) => browser.first_step_s)),
  ];
}

function report(
  { batch, rounds, steps, threads, note }: BrowserOptions,
  device: string,
  rows: string[][],
  page: [number, number],
  loads: number[],
) {
  const version = /\d+(\.\d+)+/.exec(spawnSync(chromiumPath!, ["--version"], { encoding: "utf8" }).stdout)?.[0];
  const { name, vectors, cores } = processor();
  const head = [
    "",
    "step, Node",
    `Chromium, ${device}`,
    "ratio",
    "picture, Node",
    `Chromium, ${device}`,
    "ratio",
    "first step",
  ];
  return [
    `### ${name}, ${vectors}, ${threads} of ${cores} cores: Chromium ${version}, ${device}`,
    "",
    `Batch ${batch}, ${threads} threads each, Node ${process.versions.node} on its CPU. Medians of ${rounds} rounds of ${steps} steps, in each of which the two ` +
      `run one after the other; load of the machine ${Math.min(...loads).toFixed(0)} to ${Math.max(...loads).toFixed(0)}. ${note ? `${note} ` : ""}The first step includes compiling ` +
      `the graphs, loading the runtime's binary and creating the sessions. The web app's page is loaded after ${page[0].toFixed(2)} s, a second time after ${page[1].toFixed(2)} s.`,
    "",
    markdown(head, rows),
  ].join("\n");
}
