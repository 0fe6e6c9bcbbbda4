/**
 * Files in the browser's storage do what Node's do: the same calls, in a worker's and a page's way, with the same
 * answers.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, expect, it } from "vitest";
import { files } from "../../src/node/files.ts";
import type { Files } from "../../src/platform.ts";
import { fixture } from "../paths.ts";
import { inChromium, sharePage } from "./browser/chromium.ts";
import type { Harness } from "./browser/harness.ts";

declare const pix2pix: Harness;

/** Runs in Node and, as text, in the page: everything that a run does with its files. */
async function exercise(files: Files, root: string): Promise<unknown[]> {
  const text = async (path: string) => new TextDecoder().decode(await files.read(`${root}/${path}`));
  const failure = (work: Promise<unknown>) => work.then(() => "none").catch((error: Error) => error.name);
  const seen: unknown[] = [];
  seen.push(await files.list(`${root}/none`), await files.exists(`${root}/a/b`));
  await files.write(`${root}/a/b/one.txt`, "first");
  await files.write(`${root}/a/b/one.txt`, "2nd");
  await files.write(`${root}/a/two`, [new Uint8Array([1, 2]), new Uint8Array(0), new Uint8Array([255])]);
  await files.append(`${root}/a/log`, "x\n");
  await files.append(`${root}/a/log`, "\u00e9\n");
  seen.push(await text("a/b/one.txt"), [...(await files.read(`${root}/a/two`))], await text("a/log"));
  for (const [start, end] of [
    [0, 2],
    [1, 3],
    [2, 9],
    [5, 9],
  ] as const) {
    seen.push([...(await files.readPart!(`${root}/a/two`, start, end))]);
  }
  seen.push(await files.list(`${root}/a`), await files.list(`${root}/a/two`));
  seen.push(
    await files.exists(`${root}/a/b`),
    await files.exists(`${root}/a/two`),
    await files.exists(`${root}/a/two/x`),
  );
  await files.rename(`${root}/a/two`, `${root}/a/log`);
  seen.push([...(await files.read(`${root}/a/log`))], await files.exists(`${root}/a/two`));
  await files.remove(`${root}/a/log`);
  await files.remove(`${root}/a/log`);
  seen.push((await files.list(`${root}/a`))!.map(({ name }) => name));
  seen.push(await failure(files.readPart!(`${root}/a/log`, 0, 1)));
  seen.push(await failure(files.read(`${root}/a/log`)), await failure(files.rename(`${root}/no`, `${root}/yes`)));
  await Promise.all(["1", "22", "333"].map((value) => files.write(`${root}/same`, value)));
  seen.push(await text("same"));
  return seen;
}

inChromium("files", () => {
  const work = mkdtempSync(`${tmpdir()}/pix2pix-web-files-`);
  let page: Page;
  sharePage({
    entry: "test/web/browser/harness.ts",
    use: (opened) => {
      page = opened;
    },
  });
  afterAll(() => rmSync(work, { recursive: true }));

  it("the same answers as Node's", async () => {
    const expected = JSON.stringify(await exercise(files, work));
    expect(JSON.stringify(await page.evaluate(`(${exercise})(pix2pix.files, "some/where")`))).toBe(expected);
  });

  it("a storage that is full: the old file stays, and it says so", async () => {
    const session = await page.context().newCDPSession(page);
    const origin = new URL(page.url()).origin;
    const { usage } = await session.send("Storage.getUsageAndQuota", { origin });
    await page.evaluate(() => pix2pix.files.write("kept", "old"));
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 100_000 });
    const message = await page.evaluate(() =>
      pix2pix.files.write("kept", new Uint8Array(1_000_000)).catch((error: Error) => `${error.name}: ${error.message}`),
    );
    const fresh = await page.evaluate(async () => {
      await pix2pix.files.write("fresh", new Uint8Array(1_000_000)).catch(() => {});
      return pix2pix.files.exists("fresh");
    });
    await session.send("Storage.overrideQuotaForOrigin", { origin });
    expect(fresh).toBe(false);
    expect(message).toMatch(
      /^WriteError: cannot write kept: the browser's storage for this site is full\. .* \(QuotaExceeded/,
    );
    expect(await page.evaluate(async () => new TextDecoder().decode(await pix2pix.files.read("kept")))).toBe("old");
    expect(await page.evaluate(async () => (await pix2pix.files.list(""))!.map(({ name }) => name))).toContain("kept");
  });

  it("a new file is there when it is whole, for a page may be closed at any time", async () => {
    const seen = await page.evaluate(async () => {
      const { files } = pix2pix;
      let under = true;
      const writing = files.write("big", Array(20).fill(new Uint8Array(1_000_000))).finally(() => {
        under = false;
      });
      const sizes = new Set<number | null>();
      while (under) sizes.add((await files.exists("big")) ? (await files.read("big")).length : null);
      await writing;
      return { sizes: [...sizes], names: (await files.list(""))!.map(({ name }) => name) };
    });
    expect(seen.sizes).toContain(null);
    expect(seen.sizes.filter((size) => size !== null && size !== 20_000_000)).toEqual([]);
    expect(seen.names.filter((name) => name.startsWith("big"))).toEqual(["big"]);
  });

  it("a zip and an opened folder are taken in; the folders around and what is no picture are left out", async () => {
    const zip = readFileSync(fileURLToPath(fixture("pairs.zip"))).toString("base64");
    const found = await page.evaluate(async (text) => {
      const { client, files, toBytes, toText } = pix2pix;
      const file = new Blob([toBytes(text)]);
      const tiff = { path: "any/scan.tif", file };
      const counts = [await client.importPictures("zipped", [{ path: "any/pairs.zip", file }, tiff])];
      const storage = await navigator.storage.getDirectory();
      counts.push(await client.importPictures("copied", await storage.getDirectoryHandle("zipped")));
      const pictures = await Promise.all(
        ["zipped", "copied"].map(async (root) => {
          const names = (await files.list(`${root}/train`))!.map(({ name }) => name);
          return Promise.all(names.map(async (name) => name + toText(await files.read(`${root}/train/${name}`))));
        }),
      );
      const damaged = new Blob([toBytes(text).map((value, i) => (i === 200 ? value ^ 0xff : value))]);
      const failed = await client
        .importPictures("bad", [{ path: "bad.zip", file: damaged }])
        .catch((e: Error) => e.message);
      return { counts, pictures, failed };
    }, zip);
    const note = "left out, because their format cannot be read: 1 .tif. Convert them to PNG to use them.";
    expect(found.counts).toEqual([{ pictures: 3, note }, { pictures: 3 }]);
    expect(found.pictures[0]).toEqual(found.pictures[1]);
    expect(found.pictures[0]!.map((text) => text.slice(0, 12))).toEqual([
      "1.pngiVBORw0",
      "2.pngiVBORw0",
      "3.pngiVBORw0",
    ]);
    expect(found.failed).toMatch(/^bad\.zip cannot be read as a zip: boxes\/train\/1\.png is damaged/);
  });
});
