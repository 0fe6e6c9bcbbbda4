/** pix2pix data audit */
import * as z from "zod";
import { option } from "../../../config/options.ts";
import { configSchema } from "../../../config/schema.ts";
import { joinPath } from "../../../data/listing.ts";
import { resize } from "../../../data/resize.ts";
import { UserError } from "../../../errors.ts";
import { files } from "../../../node/files.ts";
import type { Images, Picture } from "../../../platform.ts";
import { type AuditItem, type AuditPicture, type AuditSection, auditPage } from "../../../report/audit-page.ts";
import { moved, otherPair } from "../../../tools/audit/alignment.ts";
import {
  type AuditFinding,
  type AuditKind,
  type AuditPair,
  type AuditResult,
  audit as auditSet,
  readPair,
} from "../../../tools/audit/audit.ts";
import type { Command } from "../../command.ts";
import { pngUri } from "../../pictures.ts";
import { loadImages } from "../../platform.ts";
import { Counter } from "../../progress.ts";
import { ownOptions } from "../../runs.ts";

const { dataroot, datasetMode } = configSchema.shape;

const schema = z.object({
  dataroot,
  datasetMode,
  out: option(z.string().min(1).default("audit.html"), {
    group: "page",
    value: "FILE",
    help: "the page with all findings; pictures are inside it",
  }),
  shown: option(z.int().min(0).default(40), {
    group: "page",
    unit: "findings",
    help: "findings of each kind with pictures; the others are listed by name",
  }),
  strict: option(z.boolean().default(false), { group: "page", help: "exit code 1 when anything was found" }),
});

/** The larger side of a thumbnail, in pixels. */
const thumbnail = 144;

export const audit: Command = {
  name: "data audit",
  summary: "check a data set for faults that spoil training, and write a page",
  schema,
  argument: "dataroot",
  examples: [
    "npx pix2pix data audit --dataroot data/facades",
    "npx pix2pix data audit --dataroot data/mine --out check.html --strict",
  ],
  async run(given, output) {
    const { dataroot: root, datasetMode, out, shown, strict } = ownOptions(schema, given);
    let counter: Counter | undefined;
    const progress = (_: number, total: number) => {
      counter ??= new Counter(process.stdout, total, "pairs");
      counter.done();
    };
    const images = await loadImages();
    const result = await auditSet({ files, images }, root, { datasetMode, progress });
    counter?.clear();
    const sections: AuditSection[] = [];
    for (const [kind, { title, advice }] of Object.entries(kinds)) {
      const found = result.findings.filter((finding) => finding.kind === kind);
      if (found.length === 0) continue;
      const items: AuditItem[] = [];
      for (const finding of found.slice(0, shown)) items.push(await itemOf(root, finding, images));
      sections.push({ title, advice, items, more: found.slice(shown).map((finding) => finding.files.join(", ")) });
    }
    const facts = factsOf(result);
    const page = { title: `Audit of ${root}`, facts, sections, lookedFor: lookedFor(result), updated: new Date() };
    await files.write(out, auditPage(page));

    for (const [label, value] of facts) output.print(`${label}: ${value}`);
    for (const [kind, { title }] of Object.entries(kinds)) {
      const found = result.findings.filter((finding) => finding.kind === kind);
      if (found.length === 0) continue;
      output.print(`${title}: ${found.length}`);
      for (const { files, text } of found.slice(0, 5)) output.print(`  ${files.join(", ")}: ${text}`);
      if (found.length > 5) output.print("  ...");
    }
    output.print(result.findings.length === 0 ? `Nothing found; ${out}` : `All with pictures: ${out}`);
    return strict && result.findings.length > 0 ? 1 : 0;
  },
};

const kinds: Record<AuditKind, { title: string; advice: string }> = {
  unreadable: {
    title: "Unreadable files",
    advice: "Training stops at these files, or leaves them out with --skip-bad-images. Repair or remove them.",
  },
  orphan: {
    title: "Pictures without a partner",
    advice: "Training stops at these, or leaves them out with --skip-unpaired. Add the partner, or remove the picture.",
  },
  size: {
    title: "Sides of different sizes",
    advice: "Training resizes both to one size. That is right only where they show the same scene.",
  },
  misaligned: {
    title: "Sides that do not seem to line up",
    advice:
      "The sides correspond less than in the other pairs, and as well as there after the move of B that is shown. Look, and " +
      "repair the file: a few such pairs teach blur. Symmetrical scenes may be right as they are.",
  },
  leak: {
    title: "Pairs in two phases at once",
    advice: "A test on pairs that were trained on gives metrics that are too good. Keep one of the two.",
  },
  contradiction: {
    title: "One picture with two partners",
    advice: "The network cannot output both, and outputs their mean. Check which partner is right.",
  },
  duplicate: {
    title: "Pairs that occur twice",
    advice: "They count twice in training. A few do no harm; remove one if it is not intended.",
  },
  empty: {
    title: "Pictures that show nothing",
    advice: "One flat colour, or nearly. There is nothing to learn, and instance statistics are noise. Check them.",
  },
};

function factsOf({ layout, phases, sizes, judged }: AuditResult): (readonly [string, string])[] {
  const total = phases.reduce((sum, { pairs }) => sum + pairs, 0);
  const parts = phases.filter(({ phase }) => phase).map(({ phase, pairs }) => `${pairs} ${phase}`);
  const shown = sizes.slice(0, 3).map(({ size, pairs }) => (sizes.length > 1 ? `${size} (${pairs})` : size));
  const more = sizes.length > 3 ? `, and ${sizes.length - 3} more` : "";
  return [
    ["pairs", `${total}${parts.length > 0 ? ` (${parts.join(", ")})` : ""}, layout ${layout}`],
    ["size of A", `${shown.join(", ") || "none"}${more}`],
    ["lining up", judged.length > 0 ? "checked" : "cannot be checked in this set"],
  ];
}

function lookedFor({ judged }: AuditResult): string {
  const alignment =
    judged.length > 0
      ? `sides that line up better when B is moved (${judged.filter((move) => move !== otherPair).join(", ")}), or that ` +
        "fit their own partner no better than others"
      : "not whether sides line up: there are too few pairs, or their sides do not correspond place by place";
  return (
    "Looked for: unreadable files, pictures without a partner, sides of two sizes, equal and similar pairs within and " +
    `across phases, one picture with two partners, flat pictures; ${alignment}.`
  );
}

async function itemOf(
  root: string,
  { kind, text, files: paths, pairs, move }: AuditFinding,
  images: Images,
): Promise<AuditItem> {
  const pictures: AuditPicture[] = [];
  for (const pair of pairs) {
    const { A, B } = await readPair({ files, images }, root, pair);
    pictures.push(await picture(A, "A"), await picture(B, "B"));
    if (move && move !== otherPair) pictures.push(await picture(moved(B, move), `B ${move}`));
  }
  if (kind === "orphan") {
    for (const path of paths) pictures.push(...(await single(joinPath(root, path), images)));
  }
  const names = pairs.length > 0 ? pairs.map(nameOf) : paths;
  return { names, text, pictures };
}

function nameOf({ A, B }: AuditPair): string {
  return A.file === B.file ? A.file : `${A.file} + ${B.file}`;
}

/** The picture of an orphan; none where it cannot be read. */
async function single(path: string, images: Images): Promise<AuditPicture[]> {
  try {
    return [await picture(await images.decode(await files.read(path)), "the picture")];
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

async function picture(full: Picture, label: string): Promise<AuditPicture> {
  const scale = Math.min(1, thumbnail / Math.max(full.width, full.height));
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return { source: await pngUri(resize(full, side(full.width), side(full.height), "area")), label };
}
