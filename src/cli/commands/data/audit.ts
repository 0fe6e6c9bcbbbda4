/** pix2pix data audit */
import * as z from "zod";
import { option } from "../../../config/options.ts";
import { configSchema } from "../../../config/schema.ts";
import { joinPath } from "../../../data/listing.ts";
import type { DatasetMode } from "../../../data/pairs.ts";
import { resize } from "../../../data/resize.ts";
import { UserError } from "../../../errors.ts";
import { files } from "../../../node/files.ts";
import type { Images, Picture } from "../../../platform.ts";
import { type AuditItem, type AuditPicture, type AuditSection, auditPage } from "../../../report/audit-page.ts";
import { shellOption } from "../../../text.ts";
import { moved, otherPair } from "../../../tools/audit/alignment.ts";
import { type AuditResult, audit as auditSet } from "../../../tools/audit/audit.ts";
import { type AuditFinding, type AuditKind, type AuditPair, placementFact } from "../../../tools/audit/findings.ts";
import { placed } from "../../../tools/audit/pose.ts";
import { readPair } from "../../../tools/audit/read.ts";
import type { Command } from "../../command.ts";
import { pngUri, refuseFolder } from "../../pictures.ts";
import { loadImages } from "../../platform.ts";
import { Counter } from "../../progress.ts";
import { ownOptions } from "../../runs.ts";

const { dataroot, datasetMode } = configSchema.shape;

const schema = z.object({
  dataroot,
  datasetMode,
  out: option(z.string().min(1).default("results/audit.html"), {
    group: "page",
    value: "FILE",
    help: "page with all findings; it contains the pictures",
  }),
  shown: option(z.int().min(0).default(40), {
    group: "page",
    unit: "findings",
    help: "findings of each kind with pictures; the others are listed by name",
  }),
  strict: option(z.boolean().default(false), { group: "page", help: "exit with code 1 if there are findings" }),
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
    await refuseFolder(out);
    let counter: Counter | undefined;
    const progress = (done: number, total: number) => {
      counter ??= new Counter(process.stdout, total, "pairs");
      if (done === 0) counter.start();
      else counter.done();
    };
    const images = await loadImages();
    const result = await auditSet({ files, images }, root, { datasetMode, progress });
    counter?.clear();
    const facts = factsOf(result);
    const sections = await sectionsOf(result, root, images, shown);
    const title = `Audit of ${root}`;
    const [looked, caveat] = [lookedFor(result), caveatOf(result)];
    await files.write(out, auditPage({ title, facts, sections, lookedFor: looked, caveat, updated: new Date() }));

    for (const [label, value] of facts) output.print(`${label}: ${value}`);
    for (const [kind, { title }] of Object.entries(kinds)) {
      const found = result.findings.filter((finding) => finding.kind === kind);
      if (found.length === 0) continue;
      output.print(`${title}: ${found.length}`);
      for (const { files, text } of found.slice(0, 5)) output.print(`  ${files.join(", ")}: ${text}`);
      if (found.length > 5) output.print("  ...");
      if (kind === "sides") output.print(`  ${exchangeCommand(root, datasetMode)} exchanges them`);
    }
    output.print(conclusion(result, out));
    return strict && result.findings.length > 0 ? 1 : 0;
  },
};

/** The last line. Where the alignment could not be judged, it says so. */
function conclusion({ findings, placement }: AuditResult, out: string): string {
  if (findings.length > 0) return `All with pictures: ${out}`;
  return placement.verdict === "unknown"
    ? "Nothing else found, but whether the sides line up could not be judged: look at some pairs with pix2pix inspect. " +
        `What was looked for: ${out}`
    : `Nothing found. What was looked for: ${out}`;
}

function exchangeCommand(root: string, mode: DatasetMode): string {
  const named = mode === "auto" ? "" : ` --dataset-mode ${mode}`;
  return `npx pix2pix data exchange ${shellOption("--dataroot", root)}${named} --out FOLDER`;
}

function caveatOf({ placement: { verdict, reason } }: AuditResult): string | undefined {
  return verdict === "unknown" ? `Whether the sides line up could not be judged: ${reason}.` : undefined;
}

async function sectionsOf(
  { findings }: AuditResult,
  root: string,
  images: Images,
  shown: number,
): Promise<AuditSection[]> {
  const sections: AuditSection[] = [];
  for (const [kind, { title, advice }] of Object.entries(kinds)) {
    const found = findings.filter((finding) => finding.kind === kind);
    if (found.length === 0) continue;
    const items: AuditItem[] = [];
    for (const finding of found.slice(0, shown)) items.push(await itemOf(root, finding, images));
    sections.push({ title, advice, items, more: found.slice(shown).map((finding) => finding.files.join(", ")) });
  }
  return sections;
}

const kinds: Record<AuditKind, { title: string; advice: string }> = {
  unreadable: {
    title: "Unreadable files",
    advice: "Training stops at these files, or leaves them out with --skip-bad-images. Repair or remove them.",
  },
  form: {
    title: "Pictures of a form that cannot be read",
    advice: "Training leaves these out. Convert them to PNG if they belong to the set.",
  },
  orphan: {
    title: "Pictures without a partner",
    advice: "Training stops at these, or leaves them out with --skip-unpaired. Add the partner, or remove the picture.",
  },
  size: {
    title: "Sides of different sizes",
    advice: "Training resizes both to one size. That is right only where they show the same scene.",
  },
  same: {
    title: "Both sides are the same picture",
    advice: "From such pairs the network learns to copy its input. Were the files of one side copied from the other?",
  },
  turned: {
    title: "Pictures that viewers turn",
    advice:
      "A camera stores in EXIF how a picture is to be turned. Viewers do it; training takes the pixels as they are stored, as the " +
      "PyTorch code does. A side that was drawn over the upright picture does not line up. Save the pictures upright, for example with " +
      "mogrify -auto-orient of ImageMagick.",
  },
  placement: {
    title: "The whole set does not line up",
    advice:
      "A network that learns from such pairs learns blur. If the sides were augmented, draw each crop and each flip once " +
      "and use it for both sides, or give the original pairs: training crops and mirrors both sides together.",
  },
  sides: {
    title: "Pairs with A and B exchanged",
    advice:
      "A network that learns from such a set learns both directions at once. This comes from mixing two data sets. pix2pix data exchange " +
      "writes the set with the sides of these pairs exchanged; if these are the ones that are right, --pairs others exchanges those of " +
      "all others. Or leave the pairs out.",
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
  classes: {
    title: "Label maps of class numbers",
    advice:
      "A network sees values from 0 to the largest of the range. Numbers as small as these are nearly the same for it, and " +
      "neighbouring numbers do not mean similar classes. Give each class a colour far from the others, and train with " +
      "--resize-filter nearest, so that no mixed colours arise.",
  },
  empty: {
    title: "Pictures that show nothing, or hardly anything",
    advice:
      "There is nothing to learn from one flat colour, and a narrow range of values looks like one to a network. Stretch " +
      "values to the whole range (files of 16 bits with values of 10 or 12 bits), and remove blank pictures.",
  },
};

function factsOf({ layout, phases, sizes, placement, judged }: AuditResult): (readonly [string, string])[] {
  const total = phases.reduce((sum, { pairs }) => sum + pairs, 0);
  const parts = phases.filter(({ phase }) => phase).map(({ phase, pairs }) => `${pairs} ${phase}`);
  const shown = sizes.slice(0, 3).map(({ size, pairs }) => (sizes.length > 1 ? `${size} (${pairs})` : size));
  const more = sizes.length > 3 ? `, and ${sizes.length - 3} more` : "";
  const single =
    judged.length > 0 || placement.verdict !== "sound" ? "" : "; single pairs cannot be judged in this set";
  return [
    ["pairs", `${total}${parts.length > 0 ? ` (${parts.join(", ")})` : ""}, layout ${layout}`],
    ["size of A", `${shown.join(", ") || "none"}${more}`],
    ["lining up", `${placementFact(placement)}${single}`],
  ];
}

/** The faults that were looked for, and those that this set does not allow to find, with the reason. */
function lookedFor({ judged, judgesSides, placement }: AuditResult): string {
  const searched = [
    "unreadable files, pictures without a partner, sides of two sizes, sides that are the same picture, pictures that viewers turn, equal and similar pairs within and across phases, " +
      "one picture with two partners, blank pictures, class numbers",
  ];
  const omitted: string[] = [];
  const whole = "sides that were cropped, mirrored or exchanged throughout the set";
  if (placement.verdict === "unknown") omitted.push(`${whole} (${placement.reason})`);
  else searched.push(whole);
  if (judgesSides) searched.push("pairs with A and B exchanged");
  else omitted.push("pairs with A and B exchanged (the two sides are not different enough)");
  if (judged.length > 0) {
    const moves = judged.filter((move) => move !== otherPair).join(", ");
    searched.push(
      `single pairs that line up better when B is moved (${moves}), or that fit their own partner no better than others`,
    );
  } else omitted.push("single pairs that do not line up (in this set the sides do not correspond place by place)");
  return `Looked for: ${searched.join("; ")}.${omitted.length > 0 ? ` Not looked for: ${omitted.join("; ")}.` : ""}`;
}

async function itemOf(
  root: string,
  { kind, text, files: paths, pairs, move, fits }: AuditFinding,
  images: Images,
): Promise<AuditItem> {
  const pictures: AuditPicture[] = [];
  for (const [i, pair] of pairs.entries()) {
    const { A, B } = await readPair({ files, images }, root, pair);
    pictures.push(await picture(A, "A"), await picture(B, "B"));
    if (fits?.[i]) pictures.push(await picture(placed(B, fits[i]), "B where it fits"));
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
