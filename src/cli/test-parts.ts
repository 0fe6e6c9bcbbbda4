/** Parts of a test: the file of each in <results>/<run>/<phase>_<epoch>/parts/, and how they are combined. */
import { createHash } from "node:crypto";
import type { Palette } from "../data/palette.ts";
import type { Shard } from "../data/shard.ts";
import { ConfigError, UserError } from "../errors.ts";
import type { FeatureScoring } from "../features/scorer.ts";
import { readText } from "../formats/read-text.ts";
import { Tally, type TallyState } from "../inference/tally.ts";
import { files } from "../node/files.ts";
import type { ResultRow } from "../report/results-page.ts";
import { partsFolder, refuseOtherResults } from "../run/results.ts";
import { Run } from "../run/run.ts";
import { visible } from "../text.ts";
import { featureFacts } from "./feature-scores.ts";
import { type Heading, type Results, writeSummary } from "./results.ts";

/** What all parts of one test have in common. */
interface Common extends Heading {
  /** SHA-256 of the weights in use. */
  weights: string;
  /** Names of all pairs of the set, in order. */
  names: readonly string[];
  colours: boolean;
  palette?: Palette | undefined;
}

/** The file of a part. Values that are not finite are stored as text, features as the base64 of their bytes. */
export interface Part extends Common {
  shard: Shard;
  tally: TallyState;
  rows: readonly ResultRow[];
  /** Files that could not be decoded, and why. */
  skipped: readonly (readonly [file: string, reason: string])[];
}

const folderOf = (results: string) => `${results}/${partsFolder}`;
/** The name of a part in the folder of results. */
export const partName = ({ index, count }: Shard) => `${index}-of-${count}`;
const fileOf = (results: string, shard: Shard) => `${folderOf(results)}/${partName(shard)}.json`;
/** The file that names the source of a part in progress. It is removed when the part is done. */
const begunFile = (results: string, shard: Shard) => `${folderOf(results)}/${partName(shard)}.begun.json`;

/**
 * Reserves the folder of results for a part before pictures are written there.
 * @param results the folder <phase>_<epoch>
 * @param source the folder of the run that is tested, or the file of weights
 * @throws UserError where there are parts or results of another source
 */
export async function beginPart(results: string, shard: Shard, source: string): Promise<void> {
  await refuseOtherResults(files, results, source, `${partName(shard)}.json`);
  await files.write(begunFile(results, shard), `${JSON.stringify({ source })}\n`);
}

/** @param results the folder <phase>_<epoch> */
export async function writePart(results: string, part: Part): Promise<void> {
  const text = JSON.stringify(part, (_, value: unknown) => {
    if (value instanceof Float32Array)
      return { floats: Buffer.from(new Float32Array(value).buffer).toString("base64") };
    return typeof value === "number" && !Number.isFinite(value) ? { number: String(value) } : value;
  });
  await files.write(fileOf(results, part.shard), `${text}\n`);
  await files.remove(begunFile(results, part.shard));
}

/** The part, where it is done and belongs to the same test; else undefined. */
export async function donePart(results: string, shard: Shard, common: Common): Promise<Part | undefined> {
  const path = fileOf(results, shard);
  if (!(await files.exists(path))) return undefined;
  const part = await readPart(path);
  return differences(part, common).length === 0 ? part : undefined;
}

async function readPart(path: string): Promise<Part> {
  const text = await readText(files, path);
  try {
    return JSON.parse(text, (_, value: unknown) => {
      if (!(value instanceof Object)) return value;
      if ("floats" in value) return new Float32Array(new Uint8Array(Buffer.from(`${value.floats}`, "base64")).buffer);
      return "number" in value ? Number(value.number) : value;
    });
  } catch {
    throw new UserError(`${visible(path)} is not JSON; do this part again, by pix2pix test --shard`);
  }
}

/** The names of the facts and fields in which two parts differ. */
function differences(a: Common, b: Common): string[] {
  // Each machine may have its own copy of the data.
  const facts = new Set([...Object.keys(a.facts), ...Object.keys(b.facts)].filter((key) => key !== "dataroot"));
  const different = [...facts].filter((key) => a.facts[key] !== b.facts[key]);
  const others = ["weights", "names", "palette"] as const;
  return [...different, ...others.filter((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]))];
}

/**
 * Combines the parts of a test and writes metrics.json and the page, with the scores of a test without parts.
 * @param results the folder <phase>_<epoch>
 * @param features the network and the set with which the parts were scored
 * @throws UserError for parts that are missing or of different tests
 */
export async function mergeParts(
  results: string,
  features: FeatureScoring | undefined,
): Promise<Results & { skipped: Part["skipped"]; parts: number }> {
  const found = (await files.list(folderOf(results))) ?? [];
  const names = found.flatMap(({ name }) => (/^\d+-of-\d+\.json$/.test(name) ? [name] : []));
  const parts = await Promise.all(names.map((name) => readPart(`${folderOf(results)}/${name}`)));
  checkWhole(parts, folderOf(results));
  const [first] = parts as [Part, ...Part[]];
  for (const part of parts) {
    const different = differences(part, first);
    if (different.length === 0) continue;
    const which = `${part.shard.index} and ${first.shard.index} of ${first.shard.count} differ in ${different.join(", ")}`;
    throw new UserError(`the parts in ${folderOf(results)} are of different tests: ${which}. Do them again.`);
  }
  checkFeatures(first, features);
  const tally = new Tally({ ...first, features });
  for (const part of parts) tally.merge(part.tally);
  tally.sort(first.names);
  const rows = parts.flatMap((part) => part.rows);
  const end = await writeSummary(files, results, first, tally, rows);
  return { ...end, skipped: parts.flatMap(({ skipped }) => skipped), parts: parts.length };
}

/** FID and KID are computed again from all pictures, so --merge needs the options of the parts: they do not store the set of --reference. */
function checkFeatures({ facts }: Part, features: FeatureScoring | undefined): void {
  const given: Record<string, string> = featureFacts(features);
  const different = ["features", "lpips", "reference"].filter((key) => facts[key] !== given[key]);
  if (different.length === 0) return;
  const was = different.map((key) => `--${key}: ${facts[key] ?? "none"}`).join(", ");
  throw new ConfigError(`--merge: the parts were scored with ${was}; give the same options with --merge`);
}

function checkWhole(parts: readonly Part[], folder: string): void {
  const counts = [...new Set(parts.map(({ shard }) => shard.count))];
  const command = "pix2pix test --shard I/N";
  if (counts.length === 0) throw new UserError(`--merge: there are no parts in ${folder}; each comes from ${command}`);
  if (counts.length > 1) {
    const kinds = counts.map((count) => `of ${count}`).join(" and ");
    throw new UserError(`--merge: ${folder} has parts ${kinds}; remove the files that do not belong to this test`);
  }
  const done = new Set(parts.map(({ shard }) => shard.index));
  const missing = Array.from({ length: counts[0]! }, (_, i) => i + 1).filter((index) => !done.has(index));
  if (missing.length === 0) return;
  throw new UserError(
    `--merge: ${missing.length} of ${counts[0]} parts are not done yet: ${missing.slice(0, 20).join(", ")}. ` +
      `Do them by ${command}, such as --shard ${missing[0]}/${counts[0]}.`,
  );
}

/** SHA-256 of the weights in use: of a run's generator or its running average, or of the file of --weights. */
export async function weightsDigest(from: {
  checkpointsDir: string;
  name: string;
  epoch: string;
  weights?: string | undefined;
  rawWeights: boolean;
}): Promise<string> {
  const path = from.weights ?? (await new Run(files, from).generator(from.epoch, { raw: from.rawWeights })).path;
  return createHash("sha256")
    .update(await files.read(path))
    .digest("hex");
}
