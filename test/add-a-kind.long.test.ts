/**
 * A GAN loss and README's generator, each added to one file of a copy of the tree. Types, help, docs, checks, warnings,
 * pages and the tests of losses, networks and configuration follow without another change.
 */
import { execFile } from "node:child_process";
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { writeDemo } from "../src/demo/write.ts";
import { files } from "../src/node/files.ts";
import { images } from "../src/node/images.ts";
import { root } from "./paths.ts";
import { workFolder } from "./work-folder.ts";

const copy = workFolder("kind");

const loss = `
/** The squared distance to 2 for real and to -2 for fake. */
const faraway: GanLoss = {
  help: "squared distance to 2 and -2",
  real: (logits) => mean(square(sub(logits, 2))),
  fake: (logits) => mean(square(add(logits, 2))),
  generator: (logits) => faraway.real(logits),
  chart: { unit: "squared distance", chance: 4, text: "4" },
  problem: ({ norm }) => (norm === "none" ? "it needs a norm; use --norm batch" : undefined),
};
`;

/** Changes a file of the copy: each text is found once and replaced. */
function edit(path: string, ...changes: [found: string, replacement: string][]): void {
  let text = readFileSync(join(copy, path), "utf8");
  for (const [found, replacement] of changes) {
    expect(text.split(found), `${found} in ${path}`).toHaveLength(2);
    text = text.replace(found, () => replacement);
  }
  writeFileSync(join(copy, path), text);
}

/** Runs a program in the copy. */
async function run(...args: string[]): Promise<{ code: number; out: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: copy, maxBuffer: 2 ** 26 });
    return { code: 0, out: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout + stderr };
  }
}

const bin = (...args: string[]) => run("--import", "tsx", "src/cli/main.ts", ...args);
const read = (path: string) => readFileSync(join(copy, path), "utf8");
/** Text of help, with the line breaks of a terminal taken out. */
const flat = (text: string) => text.replaceAll(/\s+/g, " ");
const networks = ["--netG=plain", "--gan-mode=faraway", "--netD=patch_16", "--ngf=2", "--ndf=2"];

beforeAll(async () => {
  const kept = ["bench", "bin", "docs", "examples", "scripts", "src", "test", "package.json", "README.md"];
  kept.push("tsconfig.json", "vitest.config.ts");
  for (const name of readdirSync(root).filter((name) => kept.includes(name))) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
  edit("src/nn/losses.ts", ["export const ganLosses = {", `${loss}\nexport const ganLosses = { faraway,`]);
  const [, plain] = /```ts\n(const plain: Generator = [^`]*)```/.exec(readFileSync(join(root, "README.md"), "utf8"))!;
  edit(
    "src/networks/generators.ts",
    [
      'import type { Generator } from "./generator.ts";',
      `import { relu, tanh } from "../graph/ops/elementwise.ts";
import { conv } from "../nn/layers.ts";
import type { Generator } from "./generator.ts";`,
    ],
    ["export const generators = {", `${plain}\nexport const generators = {\n  plain,`],
  );
  const demo = { train: 2, test: 0, size: 36, seed: 0 };
  await writeDemo({ files, images }, join(copy, "data"), demo);
});

describe("a GAN loss and a generator, each in one file", () => {
  it("have the right types", async () => {
    expect(await run("node_modules/typescript/bin/tsc", "-p", ".", "--noEmit")).toEqual({ code: 0, out: "" });
  });

  it("are choices with their own text in help and docs", async () => {
    const { out } = await bin("train", "--help-all");
    expect(flat(out)).toMatch(/faraway: squared distance to 2 and -2/);
    expect(flat(out)).toMatch(/plain: three convolutions/);
    expect(await run("--import", "tsx", "src/cli/docs.ts")).toMatchObject({ code: 0 });
    const docs = "docs/options.md";
    for (const path of [docs, "src/config/input/objective.ts"]) {
      expect(read(path), path).toMatch(/faraway`?: squared distance to 2 and -2/);
    }
    for (const path of [docs, "src/config/input/networks.ts"]) {
      expect(read(path), path).toMatch(/plain`?: three convolutions/);
    }
  });

  it("are checked by their own rules", async () => {
    const refused = await bin("train", "--dataroot=data", ...networks, "--norm=none");
    expect(refused).toMatchObject({ code: 2, out: expect.stringContaining("--gan-mode faraway: it needs a norm") });
  });

  it("train, with a warning about switches that the generator does not have, and a page with the loss's scale", async () => {
    const sizes = ["--crop-size=33", "--load-size=36", "--max-steps=2", "--threads=1"];
    const { code, out } = await bin("train", "--dataroot=data", "--name=kinds", ...networks, ...sizes, "--skip=leaky");
    expect(out).toMatch(/faraway GAN \+ 100 x L1/);
    expect(out).toMatch(/--skip: no effect, because --netG plain has no such switch/);
    expect(code, out).toBe(0);
    const page = read("runs/kinds/index.html");
    expect(page).toContain("squared distance");
    expect(page).toContain("4: a discriminator that cannot tell real from fake");
  });

  it("pass the tests of losses, networks and configuration", async () => {
    const tests = [
      "test/config",
      "test/networks/networks.test.ts",
      "test/nn/gan-losses.test.ts",
      "test/architecture.test.ts",
    ];
    const { code, out } = await run("node_modules/vitest/vitest.mjs", "run", "--project=unit", ...tests);
    expect(code, out).toBe(0);
    expect(out).toMatch(/Tests .*passed/);
  });
});
