/** Where the parts of a facade stand: floors of bays with windows, balconies, shops; a roof, neighbours, trees. */
import type { Random } from "../random.ts";
import type { Kind, Part } from "./parts.ts";

const street = 60;
const walls = ["plaster", "brick", "stone"] as const;

/** A facade, back to front, within 64 x 64 units. */
export function layOut(random: Random): Part[] {
  const parts: Part[] = [];
  const put = (kind: Kind, x: number, y: number, width: number, height: number, shape?: Part["shape"]) => {
    parts.push({ kind, x, y, width, height, shape });
  };
  const between = (low: number, high: number) => low + random.int(high - low + 1);
  const chance = (p: number) => random.float() < p;
  const pick = <T>(choices: readonly T[]): T => choices[random.int(choices.length)]!;

  put("sky", 0, 0, 64, 64);
  const columns = between(2, 5);
  const bay = Math.min(between(11, 16), Math.floor(58 / columns));
  const edge = between(1, 3);
  const width = columns * bay + 2 * edge;
  const left = Math.floor((64 - width) / 2) + between(-2, 2) * (width < 56 ? 1 : 0);
  const upper = pick([1, 2, 2, 3, 3]);
  const floor = upper === 3 ? between(10, 12) : between(12, 15);
  const ground = between(13, 15);
  const roof = chance(0.65) ? Math.min(between(6, 9), street - ground - upper * floor - 1) : 0;
  const foot = street - ground;
  const top = foot - upper * floor;
  const wall = pick(walls);

  for (const [from, to] of [
    [0, left],
    [left + width, 64],
  ] as const) {
    if (to - from >= 4) neighbour(from, to);
  }
  if (roof > 0) {
    put("roof", left, top - roof, width, roof + 1, "hip");
    if (chance(0.6)) put("brick", left + Math.floor(width * pick([0.25, 0.7])), top - roof - 3, 4, 5);
    if (roof > 7 && columns > 2) {
      for (let i = 0; i < columns; i += 2) {
        const x = left + edge + i * bay + Math.floor(bay / 2) - 2;
        put("stone", x - 1, top - 7, 6, 6);
        put("window", x, top - 6, 4, 5);
        put("roof", x - 1, top - 9, 6, 2, "gable");
      }
    }
  }
  put("street", 0, street, 64, 64 - street);
  put(wall, left, top, width, street - top);
  const base = wall === "brick" || chance(0.5) ? "stone" : wall;
  put(base, left, foot, width, ground);

  const glass = Math.min(bay - 4, between(5, 8));
  const tall = between(floor - 6, floor - 4);
  const crowned = chance(0.5) ? pick(["flat", "gable"] as const) : undefined;
  const shuttered = !crowned && bay - glass >= 6 && chance(0.6);
  const arched = !crowned && !shuttered && glass >= 5 && chance(0.4);
  const pillars = chance(0.35);
  const balconyFloor = chance(0.65) ? random.int(upper) : -1;
  const balconies = pick(["all", "middle", "sides"] as const);

  if (pillars) {
    for (let i = 0; i <= columns; i++) {
      const x = i === 0 ? left : left + edge + i * bay - (i === columns ? 2 - edge : 1);
      put("pillar", Math.min(x, left + width - 2), top, 2, foot - top);
    }
  }
  for (let level = 0; level < upper; level++) {
    const y = top + level * floor + Math.floor((floor - tall) / 2) + 1;
    for (let i = 0; i < columns; i++) {
      const x = left + edge + i * bay + Math.floor((bay - glass) / 2);
      const mid = Math.min(i, columns - 1 - i) === Math.floor((columns - 1) / 2);
      const balcony = level === balconyFloor && (balconies === "all" || (balconies === "middle" ? mid : !mid));
      put("window", x, y, glass, balcony ? top + (level + 1) * floor - y - 1 : tall, arched ? "arch" : undefined);
      if (crowned === "flat") put("deco", x - 1, y - 2, glass + 2, 1);
      if (crowned === "gable") put("deco", x - 1, y - 2, glass + 2, 2, "gable");
      if (shuttered) for (const at of [x - 2, x + glass]) put("shutter", at, y, 2, tall);
      if (!balcony) put("sill", x - 1, y + tall, glass + 2, 1);
    }
    for (let i = 0; i < columns && level === balconyFloor; i++) {
      const mid = Math.min(i, columns - 1 - i) === Math.floor((columns - 1) / 2);
      if (balconies === "all" || (balconies === "middle" ? mid : !mid)) {
        const x = left + edge + i * bay + Math.floor((bay - glass) / 2);
        put("balcony", x - 2, top + (level + 1) * floor - 5, glass + 4, 5);
      }
    }
  }
  if (roof > 0 || chance(0.5)) put("cornice", left - 1, top - 1, width + 2, 3);
  else put("cornice", left - 1, top - 2, width + 2, 4);
  if (base !== wall || chance(0.7)) put("cornice", left, foot - 1, width, 2);
  groundFloor();
  for (const [from, to] of [
    [0, left],
    [left + width, 64],
  ] as const) {
    if (to - from >= 5 && chance(0.6)) tree(Math.floor((from + to) / 2), between(9, 13));
  }
  return parts;

  function groundFloor(): void {
    const door = pick([0, Math.floor(columns / 2), columns - 1]);
    const shops = chance(0.55);
    const awnings = chance(0.6);
    const arch = chance(0.4);
    for (let i = 0; i < columns; i++) {
      const x = left + edge + i * bay;
      if (i === door) {
        const wide = Math.min(bay - 4, 7);
        const at = x + Math.floor((bay - wide) / 2);
        put("door", at, foot + 3, wide, ground - 3, arch ? "arch" : undefined);
        for (const side of [at - 1, at + wide]) put("pillar", side, foot + (arch ? 5 : 3), 1, ground - (arch ? 5 : 3));
        if (!arch) put("deco", at - 1, foot + 2, wide + 2, 1);
      } else if (shops) {
        put("shop", x + 1, foot + 3, bay - 2, ground - 4);
        if (awnings) put("awning", x, foot + 3, bay, 4);
      } else {
        const wide = Math.min(bay - 4, glass + 1);
        const at = x + Math.floor((bay - wide) / 2);
        put("window", at, foot + 4, wide, 6, arch ? "arch" : undefined);
        put("sill", at - 1, foot + 10, wide + 2, 1);
      }
    }
  }

  function neighbour(from: number, to: number): void {
    if (chance(0.35)) return;
    const height = between(26, 46);
    const [y, wide] = [street - height, to - from];
    put(pick(walls.filter((kind) => kind !== wall)), from, y, wide, height);
    for (let at = y + 5; at < street - 10 && wide >= 7; at += 11) {
      put("window", from + Math.floor(wide / 2) - 2, at, 4, 6);
      put("sill", from + Math.floor(wide / 2) - 3, at + 6, 6, 1);
    }
    put("cornice", from, y - 1, wide, 2);
  }

  function tree(middle: number, size: number): void {
    const y = street - size - between(4, 7);
    put("tree", middle - 0.5, y + size - 2, 1, street - y - size + 3);
    put("tree", middle - Math.floor(size / 2), y, size, size, "round");
  }
}
