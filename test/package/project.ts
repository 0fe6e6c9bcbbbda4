/** The package as npm packs it, and empty projects that it is installed into. Needs npm's registry. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { warningsOfNode } from "../cli/run.ts";
import { root } from "../paths.ts";

export interface Done {
  status: number | null;
  /** Standard output. */
  said: string;
  /** Standard error. */
  noted: string;
}

/** Without the settings that `npm test` hands to its children: a user has none of them. */
const plain = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(npm_|ORT_|ONNXRUNTIME_)/i.test(name) || /^npm_config_(cache|registry)$/i.test(name),
  ),
);
/** Skips the install script that downloads CUDA files, as the message in src/node/ort-missing.ts recommends. */
export const withoutScript = { ONNXRUNTIME_NODE_INSTALL: "skip" };

const windows = process.platform === "win32";

/** Runs a program of npm or Node in a folder. */
export function run(
  folder: string,
  program: string,
  args: readonly string[],
  variables: Record<string, string> = {},
): Done {
  const options = { cwd: folder, encoding: "utf8", env: { ...plain, ...variables }, maxBuffer: 1 << 26 } as const;
  // Windows starts npm, a script, through a shell alone. Node warns of arguments beside a shell, because it does not quote them.
  const { status, stdout, stderr } = windows
    ? spawnSync([program, ...args].join(" "), { ...options, shell: true })
    : spawnSync(program, args, options);
  return { status, said: stdout, noted: stderr };
}

/** Why these tests are skipped: undefined where npm's registry answers. */
export const noRegistry =
  run(tmpdir(), "npm", ["ping", "--fetch-retries=0", "--fetch-timeout=5000"]).status === 0
    ? undefined
    : "npm's registry cannot be reached";
if (noRegistry) console.warn(`Tests of the installed package are skipped: ${noRegistry}.`);

/** A folder for the tests of one file. */
export const workFolder = (name: string): { work: string; remove(): void } => {
  const work = mkdtempSync(join(tmpdir(), `pix2pix-${name}-`));
  return { work, remove: () => rmSync(work, { recursive: true, force: true }) };
};

/**
 * Packs what git would clone, which has no dist/.
 * @returns the tarball, and the paths of its files
 */
export function pack(work: string): { tarball: string; files: string[] } {
  const clone = join(work, "clone");
  const listed = run(root, "git", ["ls-files", "--cached", "--others", "--exclude-standard"]).said.split("\n");
  for (const path of listed.filter((name) => name && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    cpSync(join(root, path), join(clone, path));
  }
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"), "junction");
  const { status, said, noted } = run(clone, "npm", ["pack", "--json", "--pack-destination", work]);
  if (status !== 0 || warningsOfNode(noted).length > 0) throw new Error(`npm pack: ${noted}`);
  const [packed] = JSON.parse(said.slice(said.search(/^\[$/m))) as [{ filename: string; files: { path: string }[] }];
  return { tarball: join(work, packed.filename), files: packed.files.map(({ path }) => path) };
}

/** An empty project with these packages installed. */
export function install(
  folder: string,
  packages: readonly string[],
  variables: Record<string, string> = withoutScript,
): Done {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, "package.json"))) {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", version: "1.0.0", type: "module" }));
  }
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund", "--save-exact"];
  return run(folder, "npm", ["install", ...quiet, ...packages], variables);
}

/** The files below a folder, with / between their parts. */
export const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true }).map((path) => String(path).replaceAll("\\", "/"));
