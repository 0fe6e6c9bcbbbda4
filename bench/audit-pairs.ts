/**
 * How many single misaligned pairs `pix2pix data audit` finds: the table of docs/data.md.
 *
 * `node --import tsx bench/audit-pairs.ts DATA [--sets facades,maps] [--draws 4]` reads data sets below DATA. In each draw it damages
 * another twentieth of the pairs in memory, and prints how many of the damaged and of the sound pairs are reported.
 */
import { scriptOptions, usageError } from "../scripts/options.ts";
import { Random } from "../src/random.ts";
import { Alignment, type Move, moved, otherPair, type Sample, suspects } from "../src/tools/audit/alignment.ts";
import { sampleOf } from "../src/tools/audit/audit.ts";
import { features } from "../src/tools/audit/features.ts";
import { pairsOf, type Sides, usualSets } from "./audit-sets.ts";
import { markdown } from "./table.ts";

const { positionals, values } = scriptOptions(import.meta.url, {
  allowPositionals: true,
  options: { sets: { type: "string", default: usualSets }, draws: { type: "string", default: "4" } },
});
const [data] = positionals;
if (!data) usageError("name the folder of the data sets (--help lists the options)");

const shifts = ["shifted to the left", "shifted to the right", "shifted up", "shifted down"] as const;
/** The damages by their title in the table, with their moves. Each damaged pair gets one of the moves at random. */
const damages: Record<string, readonly Move[]> = {
  "mirrored left to right": ["mirrored left to right"],
  "mirrored top to bottom": ["mirrored top to bottom"],
  "shifted by an eighth": shifts,
  "B of another pair": [otherPair],
};
const oneIn = 20;

interface Counts {
  damaged: number;
  found: number;
  /** Sound pairs that are reported. */
  reported: number;
}

/** @param samples features of the undamaged pairs */
function trial(pairs: readonly Sides[], samples: readonly Sample[], moves: readonly Move[], random: Random): Counts {
  const order = random.permutation(pairs.length);
  const chosen = new Set(order.slice(0, Math.max(1, Math.floor(pairs.length / oneIn))));
  const all = samples.map((sample, i): Sample => {
    if (!chosen.has(i)) return sample;
    const move = moves[random.int(moves.length)]!;
    if (move === otherPair) return { ...sample, b: samples[(i + 1 + random.int(pairs.length - 1)) % pairs.length]!.b };
    return { ...sample, b: features(moved(pairs[i]!.B, move)) };
  });
  const alignment = new Alignment(sampleOf(all));
  const { suspected } = suspects(all.map((sample) => alignment.evidence(sample)));
  const reported = suspected.flatMap((move, i) => (move === undefined ? [] : i));
  const found = reported.filter((i) => chosen.has(i)).length;
  return { damaged: chosen.size, found, reported: reported.length - found };
}

async function rowOf(set: string): Promise<string[]> {
  const pairs = await pairsOf(`${data}/${set}`);
  const samples = pairs.map(({ A, B }): Sample => ({ a: features(A), b: features(B) }));
  let reported = 0;
  const cells = Object.values(damages).map((moves, kind) => {
    const trials = Array.from({ length: Number(values.draws) }, (_, draw) =>
      trial(pairs, samples, moves, new Random(draw, "single pairs", kind)),
    );
    const sum = (of: (one: Counts) => number) => trials.reduce((total, one) => total + of(one), 0);
    reported += sum((one) => one.reported);
    return `${sum(({ found }) => found)} of ${sum(({ damaged }) => damaged)}`;
  });
  const runs = cells.length * Number(values.draws);
  return [`${set} (${pairs.length})`, ...cells, (reported / runs).toFixed(1)];
}

const rows: string[][] = [];
for (const set of values.sets.split(",")) rows.push(await rowOf(set));
console.log(markdown(["set", ...Object.keys(damages), "sound pairs reported in a run"], rows));
