/** Finds a browser for the tests, and says so once where there is none. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const found = (named: string | undefined, places: readonly string[]): string | undefined =>
  (named ? [named] : places).find((path) => existsSync(path));

/** The browser's program, or undefined. CHROMIUM names another. */
export const chromiumPath = found(process.env.CHROMIUM, [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
]);

/** Why tests are skipped where there is none. */
export const noChromium =
  "no Chromium or Chrome found: on Debian, as root, apt-get install -y chromium; or set CHROMIUM to its program";

/** Firefox's program, or undefined. FIREFOX names another. */
export const firefoxPath = found(process.env.FIREFOX, [
  "/usr/bin/firefox",
  "/usr/bin/firefox-esr",
  "/Applications/Firefox.app/Contents/MacOS/firefox",
]);

/** Why its tests are skipped where there is none. */
export const noFirefox =
  "no Firefox found: on Debian, as root, apt-get install -y firefox-esr; or set FIREFOX to its program";

/** The variable with the folder of the pages that tests build. */
export const pagesFolder = "PIX2PIX_TEST_PAGES";

/** Vitest calls it before all tests. @returns removes the pages that were built: processes of Vitest end without notice */
export default function setup(): () => void {
  if (!chromiumPath) console.warn(`Tests in a browser are skipped: ${noChromium}.`);
  const pages = mkdtempSync(join(tmpdir(), "pix2pix-pages-"));
  process.env[pagesFolder] = pages;
  return () => rmSync(pages, { recursive: true, force: true });
}
