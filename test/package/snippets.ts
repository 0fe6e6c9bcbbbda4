/** Code blocks in docstrings and documents, compiled and run as a user would. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeDemo } from "../../src/demo/write.ts";
import { featureNetworks } from "../../src/features/networks.ts";
import { encode } from "../../src/formats/safetensors.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { linear, weights } from "../features/drawn.ts";
import { bin, root } from "../paths.ts";

export interface Snippet {
  /** Where it stands: "src/training/train.ts:38". */
  place: string;
  code: string;
}

/** The ts blocks that follow @example in the docstrings of src/. */
export function examples(): Snippet[] {
  const sources = readdirSync(join(root, "src"), { recursive: true }).map((path) => String(path).replaceAll("\\", "/"));
  return sources
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .flatMap((path) => {
      const lines = readFileSync(join(root, "src", path), "utf8").split("\n");
      return lines.flatMap((line, at) => (/^\s*\* @example/.test(line) ? [exampleAt(`src/${path}`, lines, at)] : []));
    });
}

/** @throws Error where no ts block follows before the docstring ends */
function exampleAt(path: string, lines: readonly string[], at: number): Snippet {
  const place = `${path}:${at + 1}`;
  const comment = lines.slice(at + 1, at + 1 + lines.slice(at).findIndex((line) => line.includes("*/")));
  const text = comment.map((line) => line.replace(/^\s*\* ?/, "")).join("\n");
  const code = /^```ts\n([\s\S]*?)^```$/m.exec(text)?.[1];
  if (code === undefined) throw new Error(`${place}: @example without a block of ts.`);
  return { place, code };
}

/** The ts blocks of a document that begin with an import. */
export function blocksOf(document: string): Snippet[] {
  const text = readFileSync(join(root, document), "utf8");
  return [...text.matchAll(/^```ts\n(import [\s\S]*?)^```$/gm)].map(({ index, 1: code }) => ({
    place: `${document}:${text.slice(0, index).split("\n").length}`,
    code: code!,
  }));
}

/** What examples refer to: pairs in pictures/, pictures in new/, a feature network and, if asked for, a trained
 * run "mine". */
export async function writeWorld(folder: string, { trained }: { trained: boolean }): Promise<void> {
  const pictures = join(folder, "pictures");
  await writeDemo({ files, images }, pictures, { train: 4, test: 2, size: 64, seed: 1 });
  mkdirSync(join(folder, "new"));
  for (const [from, to] of [
    ["testA/facade_0001.png", "label.png"],
    ["testB/facade_0001.png", "target.png"],
    ["testB/facade_0002.png", "output.png"],
  ] as const) {
    writeFileSync(join(folder, "new", to), readFileSync(join(pictures, from)));
  }
  const { squeezenet } = featureNetworks;
  writeFileSync(join(folder, "squeezenet.safetensors"), Buffer.concat(encode(weights(squeezenet))));
  writeFileSync(join(folder, "squeeze.safetensors"), Buffer.concat(encode(linear(squeezenet.channels))));
  if (!trained) return;
  const options = "--netG unet_64 --load-size 72 --crop-size 64 --ngf 4 --ndf 4 --max-steps 2 --threads 1";
  const args = [bin, "train", "--dataroot", pictures, "--name", "mine", ...options.split(" ")];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`The run "mine" of the examples: ${stderr}`);
}

/** Compiles files of a folder strictly. @returns what the compiler says, empty where all is well */
export function compile(folder: string, compilerOptions: Record<string, unknown>, include = ["*.ts"]): string {
  const strict = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true };
  const config = {
    compilerOptions: { ...strict, target: "ES2022", noEmit: true, lib: ["ES2023", "DOM"], ...compilerOptions },
    include,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  return spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" }).stdout;
}

/** Lets a folder outside the repository find its packages. */
export const linkModules = (folder: string): void =>
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
