/**
 * Takes the pictures of the web app for docs/images in Chromium, from drawn facades and runs that it trains itself (five minutes on two
 * cores):
 *
 *   npm run screenshots [-- PART...]
 *
 * Parts: studio, train-options, browser, dashboard; without a name all of them.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import sharp from "sharp";
import { openServer } from "../src/cli/server.ts";
import { writeDemo } from "../src/demo/write.ts";
import { files } from "../src/node/files.ts";
import { images } from "../src/node/images.ts";
import { serveFolders } from "../src/node/serve.ts";
import { runIn } from "../test/cli/run.ts";
import { chromiumPath, launch, noChromium, openPage } from "../test/web/browser/chromium.ts";
import { appFolder, buildApp } from "./build-web.ts";

const folder = fileURLToPath(new URL("../docs/images", import.meta.url));
/** Timeout in milliseconds: a training in the page takes minutes. */
const timeout = 600_000;
/** The largest size of a picture file in bytes. */
const mostBytes = 250_000;

/** The page of an address in a window of this size, in light colours unless said otherwise. */
type Opener = (route: string, size: readonly [number, number], options?: BrowserContextOptions) => Promise<Page>;

const opener =
  (browser: Browser, base: string): Opener =>
  async (route, [width, height], options = {}) => {
    const page = await openPage(browser, `${base}${route}`, { viewport: { width, height }, ...options });
    page.setDefaultTimeout(timeout);
    return page;
  };

interface Shot {
  fullPage?: boolean;
  clip?: { x: number; y: number; width: number; height: number };
  /** Width of the file in pixels, where it is not that of the screenshot. */
  width?: number;
}

/** Writes a screenshot in the format of its name: photographs as JPEG, all else as PNG with 256 colours. */
async function save(name: string, page: Page, { width, ...options }: Shot = {}): Promise<void> {
  // Charts and pictures are drawn in the frames after the data came.
  await page.waitForTimeout(500);
  const image = sharp(await page.screenshot(options)).resize(width);
  const encoded = name.endsWith(".jpg")
    ? image.jpeg({ quality: 86 })
    : image.png({ palette: true, effort: 10, dither: 0 });
  const bytes = await encoded.toBuffer();
  if (bytes.length > mostBytes)
    throw new Error(`${name}: ${bytes.length} bytes, expected at most ${mostBytes}; make it smaller.`);
  writeFileSync(join(folder, name), bytes);
  console.log(`docs/images/${name}: ${Math.round(bytes.length / 1000)} kB`);
}

/** Scrolls so that the element is this many pixels below the top of the window. */
const placeBelowTop = (page: Page, selector: string, below = 0) =>
  page.locator(selector).evaluate((element, below) => scrollBy(0, element.getBoundingClientRect().top - below), below);

async function takeStudio(open: Opener): Promise<void> {
  const desktop = await open("#/studio", [1280, 880]);
  await plantTree(desktop);
  await save("studio.jpg", desktop);
  const phone = await open("#/studio", [390, 844]);
  await plantTree(phone);
  await save("studio-390.jpg", phone, { fullPage: true });
  const dark = await open("#/studio", [1280, 1010], { colorScheme: "dark" });
  await dark.locator(".output canvas").waitFor();
  await dark.getByRole("button", { name: "Another picture of the data set" }).click();
  await dark.locator(".target dd").first().waitFor();
  await outputOf(dark);
  await dark.mouse.move(0, 0);
  await save("studio-dark.jpg", dark);
}

/** Waits for the output of the changed drawing. */
async function outputOf(page: Page): Promise<void> {
  // The request for an output is sent in the animation frame after the change.
  await page.waitForTimeout(100);
  await page.locator(".output[aria-busy=false]").waitFor();
  // The time is shown after the first computed output; the published output that the page shows first has none.
  await page.locator(".latency").waitFor();
}

/** Draws a tree before the house: a broad stroke and a thin one. */
async function plantTree(page: Page): Promise<void> {
  const sheet = page.locator(".sheet canvas");
  const size = page.getByRole("slider", { name: "Size" });
  const stroke = async (x: number, from: number, to: number) => {
    await sheet.scrollIntoViewIfNeeded();
    const box = (await sheet.boundingBox())!;
    await page.mouse.move(box.x + x * box.width, box.y + from * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + x * box.width, box.y + to * box.height);
    await page.mouse.up();
    await outputOf(page);
  };
  await sheet.waitFor();
  await page.getByText("tree", { exact: true }).click();
  await page.getByRole("button", { name: /^Pen\b/ }).click();
  await size.fill("8");
  await stroke(0.88, 0.75, 0.935);
  await size.fill("44");
  await stroke(0.88, 0.66, 0.73);
  // The first outputs take longer, while the browser still compiles the runtime.
  for (const name of ["Undo", "Redo", "Undo", "Redo", "Undo", "Redo"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await outputOf(page);
  }
  await page.mouse.move(0, 0);
  await page.evaluate(() => scrollTo(0, 0));
}

async function takeTrainOptions(open: Opener): Promise<void> {
  const form = async (size: readonly [number, number], options?: BrowserContextOptions) => {
    const page = await open("#/train", size, options);
    await page.click("#use-demo");
    await page.locator("#preview figure").first().waitFor();
    await page.click("#more > summary");
    await setOption(page, "lambdaL1", "50");
    await setOption(page, "lambdaGp", "-1");
    await page.getByRole("searchbox").fill("");
    await page.getByRole("searchbox").blur();
    // The group with the invalid value opens by itself.
    await page.locator("#more .options-group [data-option=lambdaGp]").waitFor();
    return page;
  };
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await form([980, 1280], { colorScheme });
    await placeBelowTop(page, "section[aria-labelledby=pictures-title]", 2);
    await save(colorScheme === "light" ? "train-options.jpg" : "train-options-dark.jpg", page);
  }
  const phone = await form([390, 1500]);
  await placeBelowTop(phone, "#drop", 16);
  await save("train-options-390.jpg", phone);
}

/** Sets an option behind "More options", which is open. */
async function setOption(page: Page, key: string, value: string): Promise<void> {
  await page.getByRole("searchbox").fill(key);
  await page.locator(`#more [data-option=${key}] input`).fill(value);
}

/** The card of a training that runs: a small network, so that it takes minutes without a GPU. */
async function takeBrowser(open: Opener): Promise<void> {
  const page = await open("#/train", [985, 1400]);
  await page.click("#use-demo");
  await page.fill("input[name=steps]", "800");
  await page.click("#more > summary");
  for (const key of ["ngf", "ndf"]) await setOption(page, key, "12");
  await page.getByRole("searchbox").fill("");
  await page.click("#more > summary");
  await page.click("#start");
  await page.waitForFunction(() => {
    const bar = document.querySelector("#progress [role=progressbar]");
    return Number(bar?.getAttribute("aria-valuenow")) >= 75;
  });
  const card = (await page.locator("section[aria-labelledby=train-title]").boundingBox())!;
  const film = (await page.locator("#film").boundingBox())!;
  const scrolled = await page.evaluate(() => scrollY);
  const clip = { ...card, y: card.y + scrolled, height: film.y + film.height + 20 - card.y };
  await save("browser.png", page, { fullPage: true, clip });
}

/** Options of the dashboard's runs. The first has those of `pix2pix demo`, the second scores after each epoch. */
const small = "--netG unet_64 --load-size 64 --crop-size 64 --norm batch --no-flip --threads 1";
const runs: Readonly<Record<string, string>> = {
  demo: `${small} --ngf 24 --ndf 24 --no-dropout --lr 6e-4 --max-steps 600 --n-epochs 2 --n-epochs-decay 1`,
  lsgan: `${small} --ngf 16 --ndf 16 --gan-mode lsgan --max-dataset-size 60 --n-epochs 6 --n-epochs-decay 2 --val-freq 1 --val-phase test`,
  pixel: `${small} --ngf 12 --ndf 12 --netD pixel --max-dataset-size 60 --n-epochs 4 --n-epochs-decay 0`,
};

/** Trains the runs in the working folder. @throws Error where a training fails, with its standard error */
async function trainRuns(): Promise<void> {
  await writeDemo({ files, images }, "facades", { train: 200, test: 12, size: 64, seed: 1 });
  for (const [name, options] of Object.entries(runs)) {
    const { code, err } = await runIn(".", `train --dataroot facades --checkpoints-dir runs --name ${name} ${options}`);
    if (code !== 0) throw new Error(`the training of ${name} ended with code ${code}:\n${err}`);
  }
}

async function takeDashboard(open: Opener): Promise<void> {
  const charts = async (page: Page) => {
    await page.locator(".chart canvas").first().waitFor();
    await page.locator(".strip canvas").first().waitFor();
  };
  const cards = await open("#/runs", [1280, 800]);
  await cards.locator(".last-sample").first().waitFor();
  await save("dashboard-runs.png", cards);

  const compared = await open("#/runs", [1280, 1000]);
  for (const name of ["demo", "lsgan"]) await compared.getByLabel(`compare ${name}`).check();
  await compared.getByRole("button", { name: "Compare 2 runs" }).click();
  await charts(compared);
  await save("dashboard-compare.png", compared, { fullPage: true, width: 960 });

  const dark = await open("#/runs/lsgan", [1280, 1000], { colorScheme: "dark" });
  await charts(dark);
  await dark.getByLabel("Outputs").selectOption("wipe");
  await save("dashboard-dark.png", dark, { fullPage: true, width: 960 });

  const phone = await open("#/runs/lsgan", [390, 844]);
  await charts(phone);
  await save("dashboard-phone.png", phone);
}

/** Starts `pix2pix serve` on the runs and takes its pictures. */
async function serveDashboard(browser: Browser): Promise<void> {
  await trainRuns();
  const quiet = { print: () => {}, note: console.error };
  const options = { checkpointsDir: "runs", host: "127.0.0.1", port: 0, readOnly: false, threads: 1 };
  const server = await openServer(options, quiet);
  await takeDashboard(opener(browser, server.url));
  await server.close();
}

/** Starts `pix2pix web` and takes pictures of it. */
const inPage = (take: (open: Opener) => Promise<void>) => async (browser: Browser) => {
  const server = await serveFolders([appFolder]);
  await take(opener(browser, server.url));
  await server.close();
};

const parts: Readonly<Record<string, (browser: Browser) => Promise<void>>> = {
  studio: inPage(takeStudio),
  "train-options": inPage(takeTrainOptions),
  browser: inPage(takeBrowser),
  dashboard: serveDashboard,
};

/** The reason why no screenshots can be taken; undefined where there is none. */
function obstacle(chosen: readonly string[]): string | undefined {
  const unknown = chosen.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) return `got the part "${unknown}", expected some of ${Object.keys(parts).join(", ")}`;
  return chromiumPath ? undefined : noChromium;
}

async function main(chosen: readonly string[]): Promise<void> {
  await buildApp(appFolder);
  const work = mkdtempSync(join(tmpdir(), "pix2pix-screenshots-"));
  // Runs store a path of their data that is relative to the working folder.
  process.chdir(work);
  const browser = await launch();
  try {
    for (const name of chosen.length > 0 ? chosen : Object.keys(parts)) await parts[name]!(browser);
  } finally {
    await browser.close();
    process.chdir(folder);
    rmSync(work, { recursive: true, force: true });
  }
}

const chosen = process.argv.slice(2);
const problem = obstacle(chosen);
if (problem === undefined) await main(chosen);
else console.error(problem);
process.exitCode = problem === undefined ? 0 : 1;
