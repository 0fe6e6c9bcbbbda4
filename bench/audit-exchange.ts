/**
 * How many pairs with A and B exchanged `pix2pix data audit` finds: the table of docs/data.md.
 *
 * `node --import tsx bench/audit-exchange.ts DATA [--sets facades,maps] [--pairs all,24] [--draws 4]` reads data sets below DATA. In each draw
 * it exchanges the sides of other pairs, and prints how many of these and of the remaining pairs are reported. Below each set there are three
 * sets made from its photographs: A is the photograph, B is A with the colours of night (`night`), of another light (`light`) or of another
 * exposure (`exposure`). `--pairs`: numbers of consecutive pairs that are taken from a set.
 */
import { scriptOptions, usageError } from "../scripts/options.ts";
import { resize } from "../src/data/resize.ts";
import { reduceChannels } from "../src/data/transforms.ts";
import type { Picture } from "../src/platform.ts";
import { Random } from "../src/random.ts";
import { sampleOf } from "../src/tools/audit/audit.ts";
import { ExchangeTest, type Styles } from "../src/tools/audit/exchange.ts";
import { styleOf } from "../src/tools/audit/style.ts";
import { pairsOf, usualSets } from "./audit-sets.ts";
import { markdown } from "./table.ts";

const { positionals, values } = scriptOptions(import.meta.url, {
  allowPositionals: true,
  options: {
    sets: { type: "string", default: usualSets },
    pairs: { type: "string", default: "all,24" },
    draws: { type: "string", default: "4" },
  },
});
const [data] = positionals;
if (!data) usageError("name the folder of the data sets (--help lists the options)");

const shares = [0, 0.1, 0.5];
/** The side with the photographs. */
const photoOf: Record<string, "A" | "B"> = { edges2shoes: "B" };

/** A photograph in another light: factors of red, green and blue, and an exponent. */
function lit(photo: Picture, gains: readonly number[], exponent = 1): Picture {
  const level = (value: number, c: number) => Math.min(255, 255 * gains[c]! * (value / 255) ** exponent);
  return { ...photo, data: photo.data.map((value, i) => level(value, i % photo.channels)) };
}

/** Each function draws side B of a pair from the photograph on side A. */
const changes: Record<string, (photo: Picture, random: Random) => Picture> = {
  night: (photo) => lit(photo, [0.55, 0.6, 0.8], 1.3),
  light: (photo, random) => {
    const gain = () => 0.6 + random.int(800) / 1000;
    return lit(photo, [gain(), gain(), gain()], gain());
  },
  exposure: (photo, random) => lit(photo, random.int(2) === 0 ? [0.5, 0.5, 0.5] : [1.6, 1.6, 1.6]),
};

/** Counts the exchanged pairs, those that the test finds, and the other pairs that it reports. */
function trial(
  all: readonly Styles[],
  count: number,
  share: number,
  random: Random,
): { found: number; exchanged: number; reported: number } {
  const start = random.int(all.length - count + 1);
  const part = all.slice(start, start + count);
  const chosen = new Set(random.permutation(part.length).slice(0, Math.round(share * part.length)));
  const mixed = part.map(({ a, b }, i): Styles => (chosen.has(i) ? { a: b, b: a } : { a, b }));
  const test = new ExchangeTest(sampleOf(mixed));
  const reported = mixed.map((pair) => test.exchanged(pair));
  const right = reported.filter((each, i) => each && chosen.has(i)).length;
  const wrong = reported.filter(Boolean).length - right;
  // If half of the pairs are exchanged, the test may report either half.
  const others = share === 0.5 && wrong > right;
  return {
    found: others ? wrong : right,
    exchanged: others ? part.length - chosen.size : chosen.size,
    reported: others ? right : wrong,
  };
}

function rowsOf(name: string, all: readonly Styles[]): string[][] {
  const counts = values.pairs
    .split(",")
    .map((count) => (count === "all" ? all.length : Math.min(all.length, Number(count))));
  return [...new Set(counts)].map((count) => {
    const cells = shares.map((share, kind) => {
      const trials = Array.from({ length: Number(values.draws) }, (_, draw) =>
        trial(all, count, share, new Random(draw, "exchanged sides", kind)),
      );
      const sum = (of: (one: ReturnType<typeof trial>) => number) => trials.reduce((total, one) => total + of(one), 0);
      const reported = sum((one) => one.reported);
      return share === 0
        ? String(reported)
        : `${sum(({ found }) => found)} of ${sum(({ exchanged }) => exchanged)}, ${reported}`;
    });
    return [`${name} (${count})`, ...cells];
  });
}

const rows: string[][] = [];
for (const set of values.sets.split(",")) {
  const pairs = await pairsOf(`${data}/${set}`);
  const sides = pairs.map(({ A, B }) => ({ a: styleOf(A), b: styleOf(B) }));
  rows.push(...rowsOf(set, sides));
  const photos = pairs.map((pair) => resize(reduceChannels(pair[photoOf[set] ?? "A"], 3), 128, 128, "area"));
  for (const [name, change] of Object.entries(changes)) {
    const random = new Random(1, name, 0);
    const changed = photos.map((photo) => ({ a: styleOf(photo), b: styleOf(change(photo, random)) }));
    rows.push(...rowsOf(`${set}, ${name}`, changed));
  }
}
const [none, ...others] = shares.map((share) => `${100 * share} % exchanged`);
const heads = [`${none}: reported`, ...others.map((head) => `${head}: found, others reported`)];
console.log(markdown(["set (pairs)", ...heads], rows));
