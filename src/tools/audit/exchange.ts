/**
 * Finds the pairs whose A and B are exchanged, as where two downloads were mixed. It is not known which side is right. So the test
 * looks for a direction in the space of styles (style.ts) along which the two sides of every pair differ clearly, with one sign in
 * most pairs and with the other sign in some.
 *
 * Such a direction is not enough: pictures before and after a change of exposure also differ with either sign. Exchanged sides are of
 * two kinds: along the direction, the pictures of all pairs form two clusters, and A of the exchanged pairs lies in the cluster of the
 * other pairs' B. Sides that differ only within a pair, such as two photographs, are not judged.
 */
import { deviation, mean } from "../../statistics.ts";
import { fewestPairs } from "./alignment.ts";
import { product } from "./correlation.ts";
import { styleCount } from "./style.ts";

/** Styles of both sides of a pair. */
export interface Styles {
  a: Float64Array;
  b: Float64Array;
}

/** Standard deviations by which the two sides of a pair, and the two kinds of pictures, must differ. */
const apart = { pairs: 3, kinds: 3.5 };
/** A pair is exchanged if its sides differ by more than this share of the usual difference, with the other sign. */
const clear = 0.5;
/** A of most pairs and B of the exchanged ones may differ by at most this share of the distance between the kinds. */
const sameKind = 0.35;
/** Added to standard deviations, so that a number that is equal in all pictures of a kind does not get an unbounded weight. */
const least = 0.02;

interface Found {
  direction: Float64Array;
  /** The mean difference between the sides of a pair, in standard deviations of the difference. */
  pairs: number;
}

export class ExchangeTest {
  /** A of most pairs lies above B along this direction; undefined where the sides are not of two kinds. */
  readonly #direction: Float64Array | undefined;
  readonly #usual: number = 0;

  constructor(sample: readonly Styles[]) {
    if (sample.length < fewestPairs) return;
    const differences = sample.map(({ a, b }) => a.map((value, k) => value - b[k]!));
    let best: Found = { direction: new Float64Array(styleCount), pairs: 0 };
    for (let k = 0; k < styleCount; k++) {
      const found = directionFrom(differences, k);
      if (found.pairs > best.pairs) best = found;
    }
    const along = differences.map((difference) => product(difference, best.direction));
    if (2 * along.filter((value) => value < 0).length > along.length) best.direction = best.direction.map((w) => -w);
    if (best.pairs < apart.pairs || kindsApart(sample, best.direction) < apart.kinds) return;
    this.#direction = best.direction;
    this.#usual = mean(along.map(Math.abs));
  }

  /** Whether the sides are of two kinds, so that exchanged ones can be found. */
  get judges(): boolean {
    return this.#direction !== undefined;
  }

  /** Whether the sides of a pair are exchanged, compared with most pairs of the sample. */
  exchanged({ a, b }: Styles): boolean {
    if (!this.#direction) return false;
    return product(a, this.#direction) - product(b, this.#direction) < -clear * this.#usual;
  }
}

/**
 * The direction along which the two sides of all pairs differ most, with either sign. The signs are first those of number k of the
 * styles; then direction and signs are computed from each other in turn until the signs stay.
 */
function directionFrom(differences: readonly Float64Array[], k: number): Found {
  let signs = differences.map((each) => Math.sign(each[k]!) || 1);
  let direction = new Float64Array(styleCount);
  for (let round = 0; round < 20; round++) {
    direction = Float64Array.from({ length: styleCount }, (_, i) => {
      const values = differences.map((each, j) => each[i]! * signs[j]!);
      return mean(values) / (deviation(values) + least) ** 2;
    });
    const next = differences.map((each) => Math.sign(product(each, direction)) || 1);
    const done = next.every((sign, j) => sign === signs[j]);
    signs = next;
    if (done) break;
  }
  const along = differences.map((each) => Math.abs(product(each, direction)));
  return { direction, pairs: mean(along) / (deviation(along) || 1) };
}

/**
 * The distance of the two kinds of pictures along the direction, in their standard deviations; 0 where A of most pairs and B of the
 * exchanged ones are not of one kind.
 */
function kindsApart(sample: readonly Styles[], direction: Float64Array): number {
  const of = (exchanged: boolean) =>
    sample
      .map(({ a, b }) => [product(a, direction), product(b, direction)] as const)
      .filter(([a, b]) => exchanged === a < b);
  const [usual, others] = [of(false), of(true)];
  const upper = [...usual.map(([a]) => a), ...others.map(([, b]) => b)];
  const lower = [...usual.map(([, b]) => b), ...others.map(([a]) => a)];
  const distance = mean(upper) - mean(lower);
  if (others.length >= 4) {
    const moved = (x: readonly number[], y: readonly number[]) => Math.abs(mean(x) - mean(y)) / distance;
    const first = moved(
      usual.map(([a]) => a),
      others.map(([, b]) => b),
    );
    const second = moved(
      usual.map(([, b]) => b),
      others.map(([a]) => a),
    );
    if (Math.max(first, second) > sameKind) return 0;
  }
  return distance / (Math.sqrt((deviation(upper) ** 2 + deviation(lower) ** 2) / 2) || 1);
}
