/** Documents and comments name files, folders, functions, links and npm scripts that exist. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { upstreamScript } from "../src/cli/upstream.ts";
import { root } from "./paths.ts";

/** Folders of the repository whose files documents may name. */
const folders = ["src", "test", "docs", "examples", "bench", "scripts", "bin", ".github"];

const files = [
  ...readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : [])),
  ...folders.filter((folder) => existsSync(join(root, folder))).flatMap(filesBelow),
];

function filesBelow(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** Without the changelog, which may name files of earlier versions. */
const documents = [
  ...["README.md", "CONTRIBUTING.md", "examples/README.md"].filter((path) => existsSync(join(root, path))),
  ...readdirSync(join(root, "docs")).flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
];

/** Documents about the code: a folder in backticks is one of the repository, not one of a data set. */
const aboutCode = new Set(["docs/overview.md", "CONTRIBUTING.md"]);

/** A file of this project by its extension. Other extensions are mostly a user's files: pictures, weights, reports. */
const sourceFile = /^[\w@.-]+(\/[\w@.-]+)*\.(ts|js|mjs|wat|py|yml|css|md)$/;
const inFolder = new RegExp(`^(${folders.map((folder) => folder.replace(".", "\\.")).join("|")})/[\\w./@-]+$`);
const folder = /^[a-z][\w-]*\/([\w-]+\/)*$/;
/** A folder that a build or an install creates. */
const createdFolder = /^(dist|node_modules)\//;
/** A file of a data set, also where its folder is called test/. */
const dataFile = /\.(png|jpe?g|npy)$/;

interface Mention {
  line: number;
  text: string;
}

/** The words in backticks and in code blocks. */
function codeWords(text: string): Mention[] {
  const words: Mention[] = [];
  let inBlock = false;
  for (const [i, line] of text.split("\n").entries()) {
    if (/^\s*```/.test(line)) {
      inBlock = !inBlock;
      continue;
    }
    const spans = inBlock ? [line] : [...line.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
    for (const word of spans.flatMap((span) => span.split(/\s+/))) words.push({ line: i + 1, text: word });
  }
  return words;
}

/** Whether a word is meant as a path of the repository. */
function isPath(word: string, document: string): boolean {
  // Scripts of the PyTorch repository lie there.
  if (dataFile.test(word) || createdFolder.test(word) || upstreamScript([word])) return false;
  return inFolder.test(word) || sourceFile.test(word) || (aboutCode.has(document) && folder.test(word));
}

/** A path is named from the root, from the document, or by its last parts: `ops/conv.ts` for src/graph/ops/conv.ts. */
function isThere(word: string, document: string): boolean {
  const path = word.replace(/\/$/, "");
  if ([path, posix.join(posix.dirname(document), path)].some((candidate) => existsSync(join(root, candidate))))
    return true;
  return files.some((file) => `/${file}/`.includes(`/${path}/`));
}

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/ /g, "-");

const anchorsOf = (text: string): string[] =>
  [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1]!));

/** The relative links of a document that lead nowhere. */
function brokenLinks(document: string, text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path, anchor] = link.split("#") as [string, string?];
    const target = path === "" ? join(root, document) : join(root, dirname(document), path);
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(readFileSync(target, "utf8")).includes(anchor);
  });
}

const scripts: Record<string, string> = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts;

describe.each(documents)("%s", (document) => {
  const text = readFileSync(join(root, document), "utf8");

  it("names files and folders that exist", () => {
    const missing = codeWords(text)
      .map(({ line, text: word }) => ({ line, word: word.replace(/^["'(]+|["'),;:]+$/g, "") }))
      .filter(({ word }) => isPath(word, document) && !isThere(word, document))
      .map(({ line, word }) => `${document}:${line}: ${word}`);
    expect(missing).toEqual([]);
  });

  it("names npm scripts that exist", () => {
    const named = [...text.matchAll(/npm (?:run ([\w:-]+)|(test|start))/g)].map((match) => (match[1] ?? match[2])!);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it("names functions that are in the file that it names", () => {
    const named = [...text.matchAll(/`(\w+)` in `((?:src|test|bench|examples|bin)\/[\w./-]+\.\w+)`/g)];
    const missing = named.filter(([, name, path]) => !readFileSync(join(root, path!), "utf8").includes(name!));
    expect(missing.map(([sentence]) => sentence)).toEqual([]);
  });

  it("has relative links that lead somewhere", () => {
    expect(brokenLinks(document, text)).toEqual([]);
  });
});

/** Lines of comments and docstrings. */
const comment = /^\s*(\/\/|\/?\*|#|;;|""")|\s\/\/ /;
/** A file in a comment, by its extension. Without a word or a slash in front, so that addresses are left out. */
const namedFile = /(?<![\w/:.*-])((?:\.{1,2}\/)*[\w@.-]+(?:\/[\w@.-]+)*\.(?:ts|wat|py|md))(?![\w/])/g;

function staleComments(path: string, text: string): string[] {
  return text.split("\n").flatMap((line, i) => {
    if (!comment.test(line)) return [];
    const named = [...line.matchAll(namedFile)].map((match) => match[1]!);
    return named.filter((word) => !isThere(word, path)).map((word) => `${path}:${i + 1}: ${word}`);
  });
}

it("comments name files that exist", () => {
  const code = files.filter((path) => /^(src|test|bench|examples|scripts|bin)\/.*\.(ts|js|py|wat)$/.test(path));
  const sources = code.filter((path) => path !== "test/docs.test.ts");
  expect(sources.length).toBeGreaterThan(100);
  expect(sources.flatMap((path) => staleComments(path, readFileSync(join(root, path), "utf8")))).toEqual([]);
  const stale = "/** See ./lowerings.ts. */\nconst x = 1; // ../onnx/for-cpu.ts and src/index.ts";
  expect(staleComments("src/graph/graph.ts", stale)).toEqual([
    "src/graph/graph.ts:1: ./lowerings.ts",
    "src/graph/graph.ts:2: ../onnx/for-cpu.ts",
  ]);
});

describe("the check of documents", () => {
  it.each(["onnx/for-cpu.ts", "src/onnx/prepared.ts", "test/conformance.test.ts", "bench/peers/tensorflow.py"])(
    "finds that there is no %s",
    (word) => {
      expect(isPath(word, "docs/performance.md")).toBe(true);
      expect(isThere(word, "docs/performance.md")).toBe(false);
    },
  );

  it.each(["README.md", "src/index.ts", "graph/graph.ts", "graph.ts", "graph/ops/"])("finds %s", (word) => {
    expect(isPath(word, "docs/overview.md")).toBe(true);
    expect(isThere(word, "docs/overview.md")).toBe(true);
  });

  it.each(["data/facades", "train/", "test/copy.png", "runs/mine/index.html", "loss_log.jsonl"])(
    "leaves %s alone, which is a user's file",
    (word) => {
      expect(isPath(word, "docs/data.md")).toBe(false);
    },
  );

  it("knows GitHub's anchors", () => {
    expect(anchorOf("split: train, val, test")).toBe("split-train-val-test");
    expect(
      brokenLinks("README.md", "[a](docs/data.md#no-such-heading) [b](nowhere.md) [c](https://example.org)"),
    ).toEqual(["docs/data.md#no-such-heading", "nowhere.md"]);
  });
});
