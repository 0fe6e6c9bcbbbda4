/** Every @example in src/ compiles as it stands, and runs. Imports of the package are the sources. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { root } from "../paths.ts";
import { workFolder } from "../work-folder.ts";
import { compile, examples, linkModules, writeWorld } from "./snippets.ts";

const all = examples().map((example, i) => ({ ...example, file: `example-${i + 1}.ts` }));
const work = workFolder("examples");

/** In an example for a page there is nothing that Node could run. */
const forNode = all.filter(({ code }) => !code.includes('"pix2pix/web"'));

/** Runs the examples one after the other in one process, and writes what each has thrown. */
const runner = `
  import { writeFileSync } from "node:fs";
  const faults = {};
  for (const { place, file } of ${JSON.stringify(forNode)}) {
    await import("./" + file).catch((error) => { faults[place] = String(error.stack); });
  }
  writeFileSync("faults.json", JSON.stringify(faults));
`;

describe("examples in docstrings", () => {
  beforeAll(async () => {
    linkModules(work);
    for (const { file, code } of all) writeFileSync(join(work, file), code);
    writeFileSync(join(work, "package.json"), JSON.stringify({ type: "module" }));
    await writeWorld(work, { trained: true });
  }, 120_000);

  it("the main exports have one", () => {
    const text = all.map(({ code }) => code).join();
    const main = ["parseConfig", "train", "openTranslator", "encodeSafetensors", "resize", "ssim", "Graph", "gradient"];
    expect(main.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
  });

  it("compile under the strict settings of a user", () => {
    const source = (file: string) => [join(root, "src", file)];
    const said = compile(work, {
      module: "nodenext",
      types: ["node"],
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      moduleDetection: "force",
      paths: {
        pix2pix: source("index.ts"),
        "pix2pix/node": source("node/index.ts"),
        "pix2pix/web": source("web/index.ts"),
      },
    });
    const named = all.reduce((text, { file, place }) => text.replaceAll(`${file}(`, `${place} (`), said);
    expect(named).toBe("");
  });

  it("run", () => {
    writeFileSync(join(work, "runner.mjs"), runner);
    const { status, stderr } = spawnSync(process.execPath, ["--import", import.meta.resolve("tsx"), "runner.mjs"], {
      cwd: work,
      encoding: "utf8",
      env: { ...process.env, TSX_TSCONFIG_PATH: join(work, "tsconfig.json") },
    });
    expect(status, stderr).toBe(0);
    expect(JSON.parse(readFileSync(join(work, "faults.json"), "utf8"))).toEqual({});
    expect(forNode.length).toBeGreaterThan(6);
  });
});
