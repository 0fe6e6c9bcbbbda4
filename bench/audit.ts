/**
 * How reliably `pix2pix data audit` detects pairs whose sides were cropped or mirrored independently.
 *
 * `node --import tsx bench/audit.ts DATA [--sets facades,maps] [--pairs 24] [--draws 20]` reads data sets below DATA, damages
 * all pairs of a set in memory, and prints how often each verdict occurs. Without `--pairs` the whole set is used.
 */
import { scriptOptions, usageError } from "../scripts/options.ts";
import { resize } from "../src/data/resize.ts";
import { reduceChannels } from "../src/data/transforms.ts";
import type { Picture } from "../src/platform.ts";
import { Random } from "../src/random.ts";
import { sampleOf } from "../src/tools/audit/audit.ts";
import { outlines } from "../src/tools/audit/features.ts";
import { type Placement, PlacementTest, percent } from "../src/tools/audit/placement.ts";
import { pairsOf, type Sides, usualSets } from "./audit-sets.ts";

const { positionals, values } = scriptOptions(import.meta.url, {
  allowPositionals: true,
  options: {
    sets: { type: "string", default: usualSets },
    pairs: { type: "string" },
    draws: { type: "string", default: "1" },
  },
});
const [data] = positionals;
if (!data) usageError("name the folder of the data sets (--help lists the options)");

interface Damage {
  flip?: boolean;
  crop?: boolean;
  mix?: boolean;
}

const damages: Record<string, Damage> = {
  "as it is": {},
  flipped: { flip: true },
  cropped: { crop: true },
  "flipped and cropped": { flip: true, crop: true },
  "partners mixed": { mix: true },
};
const [load, crop] = [286, 256];

/** The window of a picture at (x, y), mirrored left to right or not. */
function part({ width, channels, data }: Picture, x: number, y: number, size: number, flip: boolean): Picture {
  const out = new Uint8Array(size * size * channels);
  for (let row = 0, to = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const from = ((y + row) * width + x + (flip ? size - 1 - column : column)) * channels;
      for (let c = 0; c < channels; c++) out[to++] = data[from + c]!;
    }
  }
  return { width: size, height: size, channels, data: out };
}

function damaged(picture: Picture, { flip, crop: cropped }: Damage, random: Random): Picture {
  const [x, y] = cropped ? [random.int(load - crop + 1), random.int(load - crop + 1)] : [0, 0];
  return part(picture, x, y, cropped ? crop : load, Boolean(flip) && random.int(2) === 1);
}

function trial(all: readonly Sides[], damage: Damage, draw: number): Placement {
  const random = new Random(draw, "audit", 0);
  const start = values.pairs ? random.int(Math.max(1, all.length - Number(values.pairs) + 1)) : 0;
  const part = values.pairs ? all.slice(start, start + Number(values.pairs)) : all;
  const order = part.map((_, i) => i);
  if (damage.mix) for (let i = order.length - 1; i > 0; i--) swap(order, i, random.int(i));
  const sample = sampleOf(part.map((_, i) => i)).map((i) => {
    const a = outlines(damaged(part[i]!.A, damage, random));
    return { a, b: outlines(damaged(part[order[i]!]!.B, damage, random)) };
  });
  const test = new PlacementTest();
  for (const each of sample) test.add(each);
  return test.judge();
}

function swap(list: number[], i: number, j: number): void {
  [list[i], list[j]] = [list[j]!, list[i]!];
}

console.log(
  "| set | pairs | damage | sound | moved | exchanged | cannot tell | telling | mirrored | shifted | spread |",
);
console.log("|---|---|---|---|---|---|---|---|---|---|---|");
for (const set of values.sets.split(",")) {
  const all = await pairsOf(`${data}/${set}`, (side) => resize(reduceChannels(side, 3), load, load));
  for (const [name, damage] of Object.entries(damages)) {
    const results = Array.from({ length: Number(values.draws) }, (_, draw) => trial(all, damage, draw));
    const counts = (["sound", "moved", "exchanged", "unknown"] as const).map((verdict) => {
      return results.filter((result) => result.verdict === verdict).length;
    });
    const mean = (of: (result: Placement) => number) => results.reduce((sum, r) => sum + of(r) / results.length, 0);
    const shares = [
      mean(({ telling, pairs }) => telling / pairs),
      mean(({ mirrored }) => mirrored.value),
      mean(({ shifted }) => shifted.value),
      mean(({ spread }) => spread),
    ].map(percent);
    console.log(`| ${[set, Number(values.pairs ?? all.length), name, ...counts, ...shares].join(" | ")} |`);
  }
}
