/** Layouts such as people draw by hand: facades with parts left out, and with parts of any size at any place. */
import type { Random } from "../random.ts";
import { layOut } from "./layout.ts";
import { type Kind, type Part, palette } from "./parts.ts";

const kinds = Object.keys(palette) as Kind[];
/** Kinds of which a stroke of many round parts may consist: apart from a tree's, their paint depends only on the place in the picture. */
const brushed: readonly Kind[] = ["sky", "plaster", "brick", "stone", "roof", "tree"];
/** Kinds that are small on a facade. */
const small: readonly Kind[] = ["window", "door", "sill", "shutter", "deco", "pillar", "balcony"];

/** The parts of a drawing, back to front, within 64 x 64 units. One in four is a facade of `layOut`, unchanged. */
export function layOutScene(random: Random): Part[] {
  const facade = layOut(random);
  const share = random.float();
  if (share < 0.25) return facade;
  const kept =
    share < 0.35 ? facade.filter(({ kind }) => kind === "sky" || kind === "street") : thinned(facade, random);
  const parts = [...kept];
  const loose = random.int(9);
  for (let i = 0; i < loose; i++) parts.push(loosePart(random));
  const strokes = random.int(3);
  for (let i = 0; i < strokes; i++) parts.push(...stroke(random));
  return parts;
}

/** Leaves out up to three kinds. The sky stays, because it is the background of a drawing. */
function thinned(parts: readonly Part[], random: Random): Part[] {
  const out = new Set(Array.from({ length: random.int(4) }, () => kinds[random.int(kinds.length)]!));
  return parts.filter(({ kind }) => kind === "sky" || !out.has(kind));
}

function loosePart(random: Random): Part {
  const between = (low: number, high: number) => low + random.int(2 * (high - low) + 1) / 2;
  const kind = kinds[random.int(kinds.length)]!;
  const most = small.includes(kind) ? 12 : 28;
  const [width, height] = [between(2, most), between(2, most)];
  const shapes = [undefined, undefined, undefined, "round", "arch", "gable"] as const;
  const shape = kind === "tree" ? "round" : shapes[random.int(shapes.length)];
  return { kind, x: between(-4, 60), y: between(-4, 60), width, height, ...(shape && { shape }) };
}

/** A curved line of round parts, such as a brush draws. */
function stroke(random: Random): Part[] {
  const kind = brushed[random.int(brushed.length)]!;
  const width = 2 + random.int(9);
  let [x, y, angle] = [random.float() * 64, random.float() * 64, random.float() * 2 * Math.PI];
  const turn = (random.float() - 0.5) * 0.4;
  return Array.from({ length: 4 + random.int(30) }, () => {
    x += Math.cos(angle) * width * 0.3;
    y += Math.sin(angle) * width * 0.3;
    angle += turn;
    return { kind, x: x - width / 2, y: y - width / 2, width, height: width, shape: "round" as const };
  });
}
