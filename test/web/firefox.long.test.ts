/**
 * The web app in Firefox: training, the page of runs, a drawing. A page drives the app in a frame and reports, since no tool that the
 * project has can drive every Firefox.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { serveFolders } from "../../src/node/serve.ts";
import { fixture } from "../paths.ts";
import { workFolder } from "../work-folder.ts";
import { builtPage } from "./browser/chromium.ts";
import { firefoxPath, noFirefox } from "./browser/find.ts";

/** The page that drives the app, and its pictures. */
const own = workFolder("firefox");

/** A server for one report, with its address. */
async function reporting() {
  const server = createServer();
  server.listen(0, "localhost");
  await once(server, "listening");
  const reported = new Promise<string>((resolve) => {
    server.on("request", async (request, response) => {
      response.writeHead(200, { "Access-Control-Allow-Origin": "*" }).end();
      resolve(await text(request));
    });
  });
  return { server, reported, url: `http://localhost:${(server.address() as AddressInfo).port}/` };
}

/** What the page reports that drives the app. */
async function driven({ query = "", flags = [] }: { query?: string; flags?: string[] } = {}): Promise<string[]> {
  copyFileSync(new URL("./browser/drive.html", import.meta.url), join(own, "drive.html"));
  copyFileSync(fileURLToPath(fixture("pairs.zip")), join(own, "pairs.zip"));
  const { url, close } = await serveFolders([own, await builtPage()]);
  const profile = mkdtempSync(join(tmpdir(), "pix2pix-firefox-"));
  const { server, reported, url: report } = await reporting();
  const page = `${url}drive.html${query}#${encodeURIComponent(report)}`;
  const browser = spawn(firefoxPath!, ["--headless", "--no-remote", "--profile", profile, ...flags, page], {
    stdio: "ignore",
  });
  try {
    const { seen, error } = JSON.parse(await reported);
    expect(error, `after ${seen.join(", ")}`).toBeUndefined();
    return seen;
  } finally {
    browser.kill();
    if (browser.exitCode === null && browser.signalCode === null) await once(browser, "exit");
    server.close();
    await close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

const skipped = firefoxPath ? "" : ` (skipped: ${noFirefox})`;
describe.skipIf(skipped)(`the web app in Firefox${skipped}`, { timeout: 180_000 }, () => {
  it("trains, then shows the run on other pages, through the service worker", async () => {
    const seen = await driven();
    const steps = ["service worker", "device", "pairs", "training", "runs", "output"];
    expect(seen.map((each) => each.split(":")[0])).toEqual(steps);
  });

  it("says in a private window that it has no storage", async () => {
    const [said] = await driven({ query: "?private", flags: ["--private-window"] });
    expect(said).toMatch(
      /as in private windows of some browsers, so no model can be opened and nothing can be trained\.$/,
    );
  });
});
