/** --format site: a folder for any web host, with the studio and this generator. It works without a network after the first visit. */
import * as z from "zod";
import { namesOf } from "../config/names.ts";
import { option } from "../config/options.ts";
import { type DrawingKit, drawingKit, knownInputs } from "../data/drawing.ts";
import { UserError } from "../errors.ts";
import { sha256 } from "../formats/sha256.ts";
import { drawingOf, type ExamplePair, openExamples } from "../inference/examples.ts";
import { type PublishedIndex, publishRun } from "../inference/publish.ts";
import type { Platform } from "../platform.ts";
import { byteCount } from "../text.ts";
import { type ExportContext, exportFormat } from "./format.ts";
import { type ExportModel, fileStem } from "./model.ts";
import { withHome } from "./page-home.ts";

/** The files of the built web app, by their paths. */
export type AppFiles = ReadonlyMap<string, Uint8Array>;

const indexFile = "index.html";
const workerFile = "sw.js";
const models = "models";
/** Channels that a drawing or a photograph can have. */
const drawable = [1, 3];

const siteOptions = {
  precision: option(z.enum(["float16", "int8", "float32"]).default("float16"), {
    group: "site",
    help: "precision of the stored weights; the page computes in float32",
    kinds: {
      float16: { help: "half the bytes" },
      int8: { help: "a quarter of the bytes, a scale for each filter" },
      float32: { help: "as trained" },
    },
  }),
  examples: option(z.int().min(0).max(100).default(6), {
    group: "site",
    unit: "pairs",
    help: "pairs of the data set to include as examples to draw on; every visitor can download them",
  }),
  drawing: option(z.enum(namesOf(knownInputs)).optional(), {
    group: "site",
    absent: "found from the data set of the run",
    help: "what visitors draw: the tool and its colours",
    kinds: knownInputs,
  }),
  title: option(z.string().min(1).optional(), {
    group: "site",
    value: "TEXT",
    absent: "the name of the run",
    help: "heading of the page",
  }),
};

export const site = exportFormat({
  help: "a folder for any web host: the studio, with this generator, in the visitor's browser",
  options: siteOptions,
  problems({ config: { inputNc } }) {
    if (drawable.includes(inputNc)) return [];
    return [
      `--format site: the generator takes ${inputNc} channels, expected 1 or 3, which a page can draw; use --format onnx`,
    ];
  },
  async write(model, { precision, examples, drawing: kind, title }, context) {
    const app = await appOf(context);
    const found = await dataOf(model, examples, context.platform);
    const { pairs } = found;
    const drawing = kind ? knownInputs[kind].kit : found.drawing;
    if (pairs.length < examples) {
      context.note(
        `${pairs.length} of ${examples} example pairs: the data set of the run is ${pairs.length ? "smaller" : "not here"}`,
      );
    }
    const source = { name: fileStem(model), config: model.config, tensors: model.tensors };
    const published = await publishRun(source, { precision, title, drawing, examples: pairs }, context.platform);
    const index: PublishedIndex = { runs: [published.entry] };
    const all = new Map([...app].filter(([path]) => path !== workerFile && !path.startsWith(`${models}/`)));
    all.set(indexFile, withHome(app.get(indexFile)!, "site"));
    all.set(`${models}/index.json`, new TextEncoder().encode(`${JSON.stringify(index)}\n`));
    for (const [path, bytes] of published.files) all.set(`${models}/${published.entry.name}/${path}`, bytes);
    all.set(workerFile, await serviceWorker(new TextDecoder().decode(app.get(workerFile)), all));
    for (const [path, bytes] of all) await context.write(path, bytes);
    tellSizes(all, context);
  },
  usage: () => `Copy the folder to any web host with https, or try it here:

\`\`\`sh
npx serve .          # or: python3 -m http.server
\`\`\`

Opened as a file (file://) a browser loads no scripts, so the page then only says how to serve it.`,
});

async function appOf({ app }: ExportContext): Promise<AppFiles> {
  const files = await app?.();
  if (files?.has(indexFile) && files.has(workerFile)) return files;
  throw new UserError("--format site: the web app is not built; in a checkout, npm run build:web builds it");
}

/** What the data set of the run gives: examples, and the palette of its inputs. */
async function dataOf({ run, config }: ExportModel, count: number, platform: Platform) {
  const pairs: ExamplePair[] = [];
  if (!run) return { pairs, drawing: drawingKit([]) satisfies DrawingKit };
  const found = await openExamples(config, platform);
  for (let i = 0; i < Math.min(count, found?.count ?? 0); i++) pairs.push(await found!.pair(i));
  return { pairs, drawing: await drawingOf(run.run, config, platform) };
}

/** Files that only a page with a GPU loads, in place of those for the CPU, and files that no page loads. */
const onRequest = /jspi|asyncify|\.map$|\.br$|^README\.md$/;

/**
 * The script of the service worker, with the list of files that it keeps and their digest in its first line.
 * @param script as built, or with an earlier list
 * @param files all files of the page, by their paths
 */
export async function serviceWorker(script: string, files: AppFiles): Promise<Uint8Array> {
  const kept = [...files].filter(([path]) => !onRequest.test(path) && path !== workerFile);
  const digests = await Promise.all(kept.map(async ([path, bytes]) => `${path} ${await sha256(bytes)}`));
  const version = (await sha256(new TextEncoder().encode(digests.join("\n")))).slice(0, 16);
  const page = { version, files: ["./", ...kept.map(([path]) => path)] };
  const code = script.replace(/^self\.pix2pixPage = .*\n/, "");
  return new TextEncoder().encode(`self.pix2pixPage = ${JSON.stringify(page)};\n${code}`);
}

/** Notes how many bytes a visitor loads, by their purpose. */
function tellSizes(files: AppFiles, { note }: ExportContext): void {
  const size = (wanted: (path: string) => boolean) =>
    [...files].reduce((sum, [path, bytes]) => sum + (wanted(path) ? bytes.length : 0), 0);
  const [runtime, model] = [/\/ort-[^/]+\//, new RegExp(`^${models}/`)];
  const page = size((path) => !runtime.test(path) && !model.test(path));
  const cpu = size((path) => runtime.test(path) && !onRequest.test(path));
  const [gpu, older] = [/jspi/, /asyncify/].map((build) =>
    byteCount(size((path) => runtime.test(path) && build.test(path))),
  );
  note(
    `a visitor loads the page (${byteCount(page)}), the generator with its examples (${byteCount(size((path) => model.test(path)))}) and the ` +
      `runtime (${byteCount(cpu)}; with a GPU ${gpu}, without JSPI ${older}) once`,
  );
}
