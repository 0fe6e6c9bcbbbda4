/** The package packed as a fresh clone packs it, installed into an empty project, and used there. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesOf, install, noRegistry, pack, run, workFolder } from "./project.ts";
import { blocksOf, compile, writeWorld } from "./snippets.ts";

const { work, remove } = workFolder("install");
afterAll(remove, 120_000);
const user = join(work, "user");
const installed = join(user, "node_modules/pix2pix");

describe.skipIf(noRegistry)("the package in an empty project", () => {
  let files: string[] = [];

  beforeAll(() => {
    const packed = pack(work);
    files = packed.files;
    const { status, noted } = install(user, [packed.tarball]);
    expect(status, noted).toBe(0);
  }, 300_000);

  const pix2pix = (...args: string[]) => run(user, "npx", ["--no-install", "pix2pix", ...args]);

  it("holds what it runs, and nothing of the repository's own work", () => {
    const needed = [
      "dist/index.js",
      "dist/index.d.ts",
      "dist/node/index.js",
      "dist/web/index.js",
      "dist/web/worker.js",
    ];
    const page = ["dist/page/index.html", "dist/page/sw.js", "dist/web/ort/ort-wasm-simd-threaded.wasm"];
    expect(files).toEqual(expect.arrayContaining([...needed, ...page, "bin/pix2pix.js", "README.md", "LICENSE"]));
    // README links to them.
    expect(files).toEqual(expect.arrayContaining(["docs/options.md", "docs/images/demo.png"]));
    expect(
      files.filter(
        (path) => !/^(dist\/|bin\/|docs\/|examples\/cluster\/|README|LICENSE|CHANGELOG|package\.json)/.test(path),
      ),
    ).toEqual([]);
  });

  it("its source maps hold the sources that they name", () => {
    const maps = files.filter((path) => path.endsWith(".js.map"));
    const lacking = maps.filter((path) => {
      const { sources, sourcesContent } = JSON.parse(readFileSync(join(installed, path), "utf8"));
      return !sourcesContent || sourcesContent.length !== sources.length || sourcesContent.includes(null);
    });
    expect(lacking).toEqual([]);
    expect(maps.length).toBeGreaterThan(100);
  });

  it("every file that package.json names is there", () => {
    const { bin, exports, sideEffects } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    const named = JSON.stringify([bin, exports, sideEffects]).match(/(\.\/)?(dist|bin)\/[^"*]+/g)!;
    expect(named.filter((path) => !existsSync(join(installed, path)))).toEqual([]);
    expect(named.length).toBeGreaterThan(8);
  });

  it("runs the program", () => {
    const { version } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    const help = pix2pix("--help");
    expect(help.status, help.noted).toBe(0);
    expect(help.said).toContain("pix2pix COMMAND");
    expect(pix2pix("--version").said.trim()).toBe(version);
    const demo = pix2pix("demo", "--steps", "2", "--size", "32", "--threads", "1");
    expect(demo.status, demo.noted).toBe(0);
    expect(demo.said).toMatch(/SSIM/i);
  });

  it("writes the page as a folder that stands alone", () => {
    const { status, noted } = pix2pix("web", "--out", "public");
    expect(status, noted).toBe(0);
    const written = filesOf(join(user, "public"));
    expect(written).toEqual(expect.arrayContaining(["index.html", "sw.js"]));
    const page = readFileSync(join(user, "public/index.html"), "utf8");
    const named = [...page.matchAll(/(?:src|href)="\.?\/?(assets\/[^"]+)"/g)].map(([, path]) => path!);
    expect(named.length).toBeGreaterThan(1);
    expect(named.filter((path) => !written.includes(path))).toEqual([]);
    for (const part of [/worker.*\.js$/, /jspi.*\.wasm/, /asyncify.*\.wasm/])
      expect(written.some((path) => part.test(path))).toBe(true);
  });

  it.each([
    ["imported", "js", 'import { parseConfig } from "pix2pix"; import { nodePlatform } from "pix2pix/node";'],
    // Works as long as no file of the package awaits at its top level.
    ["required", "cjs", 'const { parseConfig } = require("pix2pix"), { nodePlatform } = require("pix2pix/node");'],
  ])("can be %s", (_how, type, loading) => {
    const program = `${loading}
      nodePlatform({ threads: 1 }).then(({ cores }) =>
        console.log(parseConfig({ dataroot: "x" }).cropSize, cores, process.env.ORT_DISABLE_TELEMETRY));`;
    writeFileSync(join(user, `program.${type}`), program);
    const { status, said, noted } = run(user, "node", [`program.${type}`]);
    expect([status, noted]).toEqual([0, ""]);
    expect(said.trim()).toBe("256 1 1");
  });

  const snippets = blocksOf("README.md");
  const small = (code: string) =>
    code.replace(/ }\);/, ', netG: "unet_64", loadSize: 72, cropSize: 64, ngf: 4, maxSteps: 2 });');

  it.each(["node16", "nodenext", "bundler"])(
    "README's snippets compile under strict TypeScript, %s",
    (moduleResolution) => {
      const folder = join(user, moduleResolution);
      mkdirSync(folder);
      // The picked file of the browser's snippet.
      writeFileSync(join(folder, "given.d.ts"), "declare const file: File;");
      for (const [i, { code }] of snippets.entries()) writeFileSync(join(folder, `snippet-${i + 1}.ts`), code);
      const module = moduleResolution === "bundler" ? "esnext" : moduleResolution;
      expect(compile(folder, { module, moduleResolution, types: [], moduleDetection: "force" })).toBe("");
      expect(snippets.length).toBeGreaterThan(1);
    },
  );

  it("a misspelt option is an error of the compiler", () => {
    const folder = join(user, "misspelt");
    mkdirSync(folder);
    const code =
      'import { parseConfig } from "pix2pix";\nparseConfig({ dataroot: "x", cropSzie: 64 });\nparseConfig({ dataroot: "x", netG: "unet" });';
    writeFileSync(join(folder, "wrong.ts"), code);
    const said = compile(folder, { module: "nodenext", types: [] });
    expect(said).toContain("wrong.ts(2,");
    expect(said).toContain("wrong.ts(3,");
  });

  it("README's snippet for Node runs", async () => {
    const { code } = snippets.find((snippet) => snippet.code.includes("pix2pix/node"))!;
    const folder = join(user, "readme");
    mkdirSync(folder);
    await writeWorld(folder, { trained: false });
    writeFileSync(join(folder, "readme.js"), small(code));
    const { status, said, noted } = run(folder, "node", ["readme.js"]);
    expect(status, noted).toBe(0);
    expect(said.trim().split("\n")[1]).toMatch(/^2 \d/);
    expect(existsSync(join(folder, "out.png"))).toBe(true);
  });

  it("without the runtime: installs, helps, and says how to get it", () => {
    // The state that npm leaves where the install script of onnxruntime-node has failed.
    rmSync(join(user, "node_modules/onnxruntime-node"), { recursive: true });
    expect(pix2pix("train", "--help").status).toBe(0);
    const { status, noted } = pix2pix("demo", "--steps", "2", "--size", "32");
    expect(status).toBe(1);
    expect(noted).toContain("onnxruntime-node, which computes on this machine");
    expect(noted).toContain("ONNXRUNTIME_NODE_INSTALL=skip npm install pix2pix");
    expect(noted).not.toContain("    at ");
    const again = install(user, []);
    expect(again.status, again.noted).toBe(0);
    expect(createRequire(join(user, "x.js")).resolve("onnxruntime-node")).toContain("onnxruntime-node");
  });
});
