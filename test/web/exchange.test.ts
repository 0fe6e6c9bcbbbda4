/** The blocks of docs/exchange.md on ONNX: compiled and run as they stand, with the plain runtimes of Node and of a browser. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { exportCommand } from "../../src/cli/commands/export.ts";
import { openTranslator } from "../../src/inference/open.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { serveFolders } from "../../src/node/serve.ts";
import { expectEqual, picture } from "../exchange/pictures.ts";
import { storedRun } from "../exchange/stored-run.ts";
import { blocksOf, compile, linkModules } from "../package/snippets.ts";
import { root } from "../paths.ts";
import { workFolder } from "../work-folder.ts";
import { inChromium, launch, openPage } from "./browser/chromium.ts";

const work = workFolder("document");
const at = (...path: string[]) => join(work, ...path);
const platform = await nodePlatform({ threads: 1 });

const blocks = blocksOf("docs/exchange.md");
const [inNode, inBrowser] = ["onnxruntime-node", "onnxruntime-web"].map(
  (runtime) => blocks.find(({ code }) => code.includes(runtime))!.code,
) as [string, string];
const source = picture(256, 256, 3);
let expected: Uint8Array;

beforeAll(async () => {
  linkModules(work);
  const run = { name: "facades", checkpointsDir: at("runs") };
  await storedRun(run.checkpointsDir, run.name, { loadSize: 256, cropSize: 256 });
  const output = { print: () => {}, note: () => {} };
  await exportCommand.run({ ...run, format: "onnx", out: at("facades-onnx"), uint8: true }, output);
  mkdirSync(at("site"));
  await exportCommand.run({ ...run, format: "onnx", out: at("site") }, output);
  const png = await platform.images.encodePng(source);
  for (const file of ["label.png", "site/label.png"]) writeFileSync(at(file), png);
  const translator = await openTranslator({ ...run, dropout: "off" }, platform);
  expected = (await translator.translate(source)).data;
  await translator.close();
});

it("they have at most ten lines and compile", () => {
  for (const [i, code] of [inNode, inBrowser].entries()) {
    expect(code.split("\n").filter(Boolean).length).toBeLessThanOrEqual(10);
    writeFileSync(at(`block-${i}.ts`), code);
  }
  const options = { module: "nodenext", types: ["node"], skipLibCheck: true, moduleDetection: "force" };
  writeFileSync(at("package.json"), JSON.stringify({ type: "module" }));
  expect(compile(work, options, ["block-*.ts"])).toBe("");
});

/** The first block of a language on a model card. */
const onCard = (folder: string): string =>
  /```js\n([\s\S]*?)```/.exec(readFileSync(at(folder, "README.md"), "utf8"))![1]!;

it.each(["docs/exchange.md", "the model card"])("in Node: %s", async (from) => {
  const code = from === "the model card" ? onCard("facades-onnx") : inNode;
  const script = transformSync(code, { loader: "ts", format: "esm" }).code;
  // Paths of the block are relative to the user's folder.
  const files: Record<string, string> = {
    "facades-onnx/facades.onnx": "facades-onnx/facades.onnx",
    "facades.onnx": "facades-onnx/facades.onnx",
    "label.png": "label.png",
    "input.png": "label.png",
    "output.png": "output.png",
  };
  const placed = script.replace(/"([\w/-]+\.(?:onnx|png))"/g, (_, path: string) => JSON.stringify(at(files[path]!)));
  const name = `block-${from.length}.mjs`;
  writeFileSync(at(name), placed);
  rmSync(at("output.png"), { force: true });
  await import(pathToFileURL(at(name)).href);
  expectEqual((await platform.images.decode(readFileSync(at("output.png")))).data, expected);
});

inChromium("plain onnxruntime-web", () => {
  let server: Awaited<ReturnType<typeof serveFolders>>;
  let browser: Awaited<ReturnType<typeof launch>>;
  beforeAll(async () => {
    server = await serveFolders([at("site"), join(root, "node_modules/onnxruntime-web/dist")]);
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it.each(["docs/exchange.md", "the model card"])(
    "%s",
    async (from) => {
      const code = from === "the model card" ? onCard("site") : inBrowser;
      const script = transformSync(code, { loader: "ts", format: "esm" }).code;
      const imports = { "onnxruntime-web": "/ort.wasm.min.mjs" };
      const page = `<!doctype html><title>Plain onnxruntime-web</title><link rel="icon" href="data:,">
      <script type="importmap">${JSON.stringify({ imports })}</script>
      <img src="label.png"><canvas></canvas><script type="module">${script}; document.title = "done";</script>`;
      writeFileSync(at("site/index.html"), page);
      const shown = await openPage(browser, server.url);
      await shown.waitForFunction(() => document.title === "done", undefined, { timeout: 60_000 });
      const values = await shown.evaluate(() => {
        const canvas = document.querySelector("canvas")!;
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
        return [...data].filter((_, i) => i % 4 < 3);
      });
      expectEqual(Uint8Array.from(values), expected);
    },
    120_000,
  );
});
