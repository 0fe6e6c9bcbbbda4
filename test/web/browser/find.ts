/** Finds a browser for the tests, and says so once where there is none. */
import { existsSync } from "node:fs";

const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** The browser's program, or undefined. CHROMIUM names another. */
export const chromiumPath = (process.env.CHROMIUM ? [process.env.CHROMIUM] : places).find((path) => existsSync(path));

/** Why tests are skipped where there is none. */
export const noChromium =
  "no Chromium or Chrome found: on Debian, as root, apt-get install -y chromium; or set CHROMIUM to its program";

/** Vitest calls it before all tests. */
export default function setup(): void {
  if (!chromiumPath) console.warn(`Tests in a browser are skipped: ${noChromium}.`);
}
