/** Where the parts of a facade stand: floors of bays with windows, balconies, shops; a roof, neighbours, trees. */
import type { Random } from "../random.ts";
import type { Kind, Part } from "./parts.ts";

/** Top of the street, in units of 1/64 of the picture's side, as all lengths here. */
const street = 60;
const walls = ["plaster", "brick", "stone"] as const;

/**
 * A facade, back to front, within 64 x 64 units. All steps draw from one sequence of random numbers, so moving or changing a
 * step changes the facades of a seed.
 */
export function layOut(random: Random): Part[] {
  const drawing = new Drawing(random);
  drawing.put("sky", 0, 0, 64, 64);
  const plan = planned(drawing);
  for (const [from, to] of sides(plan)) if (to - from >= 4) neighbour(drawing, plan, from, to);
  if (plan.roof > 0) roof(drawing, plan);
  drawing.put("street", 0, street, 64, 64 - street);
  drawing.put(plan.wall, plan.left, plan.top, plan.width, street - plan.top);
  const base = plan.wall === "brick" || drawing.chance(0.5) ? "stone" : plan.wall;
  drawing.put(base, plan.left, plan.foot, plan.width, plan.ground);
  const style = styled(drawing, plan);
  if (style.pillars) pillars(drawing, plan);
  for (let level = 0; level < plan.upper; level++) upperFloor(drawing, plan, style, level);
  cornices(drawing, plan, base);
  groundFloor(drawing, plan, style.glass);
  for (const [from, to] of sides(plan)) {
    if (to - from >= 5 && drawing.chance(0.6)) tree(drawing, Math.floor((from + to) / 2), drawing.between(9, 13));
  }
  return drawing.parts;
}

/** The parts so far, and the random choices of the next ones. */
class Drawing {
  readonly parts: Part[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  put(kind: Kind, x: number, y: number, width: number, height: number, shape?: Part["shape"]): void {
    this.parts.push({ kind, x, y, width, height, shape });
  }

  /** A whole number from low to high. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** A whole number from 0, below `limit`. */
  below(limit: number): number {
    return this.#random.int(limit);
  }

  chance(p: number): boolean {
    return this.#random.float() < p;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

/** Sizes of a facade. */
interface Plan {
  columns: number;
  /** Width of a column of windows. */
  bay: number;
  /** Wall beside the first and the last column. */
  edge: number;
  left: number;
  width: number;
  /** Floors above the ground floor, and the height of each. */
  upper: number;
  floor: number;
  /** Height of the ground floor. */
  ground: number;
  /** Height of the roof, 0 for none. */
  roof: number;
  /** Top of the ground floor, and of the wall. */
  foot: number;
  top: number;
  wall: (typeof walls)[number];
}

function planned(drawing: Drawing): Plan {
  const columns = drawing.between(2, 5);
  const bay = Math.min(drawing.between(11, 16), Math.floor(58 / columns));
  const edge = drawing.between(1, 3);
  const width = columns * bay + 2 * edge;
  const left = Math.floor((64 - width) / 2) + drawing.between(-2, 2) * (width < 56 ? 1 : 0);
  const upper = drawing.pick([1, 2, 2, 3, 3]);
  const floor = upper === 3 ? drawing.between(10, 12) : drawing.between(12, 15);
  const ground = drawing.between(13, 15);
  const roof = drawing.chance(0.65) ? Math.min(drawing.between(6, 9), street - ground - upper * floor - 1) : 0;
  const foot = street - ground;
  return {
    columns,
    bay,
    edge,
    left,
    width,
    upper,
    floor,
    ground,
    roof,
    foot,
    top: foot - upper * floor,
    wall: drawing.pick(walls),
  };
}

/** The horizontal ranges left and right of the facade. */
function sides({ left, width }: Plan): readonly (readonly [from: number, to: number])[] {
  return [
    [0, left],
    [left + width, 64],
  ];
}

/** Left edge of something `width` wide in the middle of a column. */
function middleOf({ left, edge, bay }: Plan, column: number, width: number): number {
  return left + edge + column * bay + Math.floor((bay - width) / 2);
}

function neighbour(drawing: Drawing, { wall }: Plan, from: number, to: number): void {
  if (drawing.chance(0.35)) return;
  const height = drawing.between(26, 46);
  const [y, wide] = [street - height, to - from];
  drawing.put(drawing.pick(walls.filter((kind) => kind !== wall)), from, y, wide, height);
  for (let at = y + 5; at < street - 10 && wide >= 7; at += 11) {
    drawing.put("window", from + Math.floor(wide / 2) - 2, at, 4, 6);
    drawing.put("sill", from + Math.floor(wide / 2) - 3, at + 6, 6, 1);
  }
  drawing.put("cornice", from, y - 1, wide, 2);
}

/** The roof, sometimes with a chimney. A high roof has dormers over every other column. */
function roof(drawing: Drawing, { left, width, top, roof, columns, edge, bay }: Plan): void {
  drawing.put("roof", left, top - roof, width, roof + 1, "hip");
  if (drawing.chance(0.6)) {
    drawing.put("brick", left + Math.floor(width * drawing.pick([0.25, 0.7])), top - roof - 3, 4, 5);
  }
  if (roof <= 7 || columns <= 2) return;
  for (let i = 0; i < columns; i += 2) {
    const x = left + edge + i * bay + Math.floor(bay / 2) - 2;
    drawing.put("stone", x - 1, top - 7, 6, 6);
    drawing.put("window", x, top - 6, 4, 5);
    drawing.put("roof", x - 1, top - 9, 6, 2, "gable");
  }
}

/** How the windows and what belongs to them look on all upper floors. */
interface Style {
  /** Width and height of a window. */
  glass: number;
  tall: number;
  /** Ornament above a window. */
  crowned: "flat" | "gable" | undefined;
  shuttered: boolean;
  arched: boolean;
  pillars: boolean;
  /** The floor with balconies, -1 for none, and its columns that have one. */
  balconyFloor: number;
  balconies: "all" | "middle" | "sides";
}

function styled(drawing: Drawing, { bay, floor, upper }: Plan): Style {
  const glass = Math.min(bay - 4, drawing.between(5, 8));
  const tall = drawing.between(floor - 6, floor - 4);
  const crowned = drawing.chance(0.5) ? drawing.pick(["flat", "gable"] as const) : undefined;
  const shuttered = !crowned && bay - glass >= 6 && drawing.chance(0.6);
  const arched = !crowned && !shuttered && glass >= 5 && drawing.chance(0.4);
  const pillars = drawing.chance(0.35);
  const balconyFloor = drawing.chance(0.65) ? drawing.below(upper) : -1;
  const balconies = drawing.pick(["all", "middle", "sides"] as const);
  return { glass, tall, crowned, shuttered, arched, pillars, balconyFloor, balconies };
}

/** Pillars between the columns, from the ground floor to the top. */
function pillars(drawing: Drawing, { columns, left, edge, bay, width, top, foot }: Plan): void {
  for (let i = 0; i <= columns; i++) {
    const x = i === 0 ? left : left + edge + i * bay - (i === columns ? 2 - edge : 1);
    drawing.put("pillar", Math.min(x, left + width - 2), top, 2, foot - top);
  }
}

function upperFloor(drawing: Drawing, plan: Plan, style: Style, level: number): void {
  const { columns, top, floor } = plan;
  const { glass, tall, crowned, shuttered, arched } = style;
  const y = top + level * floor + Math.floor((floor - tall) / 2) + 1;
  const below = top + (level + 1) * floor;
  const balconies = Array.from(
    { length: columns },
    (_, i) => level === style.balconyFloor && hasBalcony(i, plan, style),
  );
  for (const [i, balcony] of balconies.entries()) {
    const x = middleOf(plan, i, glass);
    drawing.put("window", x, y, glass, balcony ? below - y - 1 : tall, arched ? "arch" : undefined);
    if (crowned === "flat") drawing.put("deco", x - 1, y - 2, glass + 2, 1);
    if (crowned === "gable") drawing.put("deco", x - 1, y - 2, glass + 2, 2, "gable");
    if (shuttered) for (const at of [x - 2, x + glass]) drawing.put("shutter", at, y, 2, tall);
    if (!balcony) drawing.put("sill", x - 1, y + tall, glass + 2, 1);
  }
  for (const [i, balcony] of balconies.entries()) {
    if (balcony) drawing.put("balcony", middleOf(plan, i, glass) - 2, below - 5, glass + 4, 5);
  }
}

function hasBalcony(column: number, { columns }: Plan, { balconies }: Style): boolean {
  const middle = Math.min(column, columns - 1 - column) === Math.floor((columns - 1) / 2);
  return balconies === "all" || (balconies === "middle" ? middle : !middle);
}

function cornices(drawing: Drawing, { roof, left, top, width, foot, wall }: Plan, base: Kind): void {
  if (roof > 0 || drawing.chance(0.5)) drawing.put("cornice", left - 1, top - 1, width + 2, 3);
  else drawing.put("cornice", left - 1, top - 2, width + 2, 4);
  if (base !== wall || drawing.chance(0.7)) drawing.put("cornice", left, foot - 1, width, 2);
}

/** The door, and shops or windows beside it. */
function groundFloor(drawing: Drawing, plan: Plan, glass: number): void {
  const { columns, left, edge, bay, foot, ground } = plan;
  const door = drawing.pick([0, Math.floor(columns / 2), columns - 1]);
  const shops = drawing.chance(0.55);
  const awnings = drawing.chance(0.6);
  const arch = drawing.chance(0.4);
  for (let i = 0; i < columns; i++) {
    const x = left + edge + i * bay;
    if (i === door) {
      const wide = Math.min(bay - 4, 7);
      const at = middleOf(plan, i, wide);
      const high = arch ? 5 : 3;
      drawing.put("door", at, foot + 3, wide, ground - 3, arch ? "arch" : undefined);
      for (const side of [at - 1, at + wide]) drawing.put("pillar", side, foot + high, 1, ground - high);
      if (!arch) drawing.put("deco", at - 1, foot + 2, wide + 2, 1);
    } else if (shops) {
      drawing.put("shop", x + 1, foot + 3, bay - 2, ground - 4);
      if (awnings) drawing.put("awning", x, foot + 3, bay, 4);
    } else {
      const wide = Math.min(bay - 4, glass + 1);
      const at = middleOf(plan, i, wide);
      drawing.put("window", at, foot + 4, wide, 6, arch ? "arch" : undefined);
      drawing.put("sill", at - 1, foot + 10, wide + 2, 1);
    }
  }
}

function tree(drawing: Drawing, middle: number, size: number): void {
  const y = street - size - drawing.between(4, 7);
  drawing.put("tree", middle - 0.5, y + size - 2, 1, street - y - size + 3);
  drawing.put("tree", middle - Math.floor(size / 2), y, size, size, "round");
}
