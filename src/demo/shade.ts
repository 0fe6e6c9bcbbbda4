/**
 * Paints the "photo" of a layout. Fixed rules for each class and place give bricks, panes, gradients and the shadows of
 * a sun at the upper left, so a network can learn them from label maps.
 */
import { covers, type Kind, type Part } from "./parts.ts";

type Rgb = readonly [number, number, number];

/**
 * A point of a part: s, t from the corner of the part, X, Y from that of the picture; width and height of the part. In
 * units.
 */
interface Place {
  s: number;
  t: number;
  X: number;
  Y: number;
  width: number;
  height: number;
}

/** Kinds with holes, through which the parts behind them show. */
const withHoles = ["balcony", "awning"] as const satisfies readonly Kind[];
type WithHoles = (typeof withHoles)[number];
const hasHoles = (kind: Kind) => (withHoles as readonly Kind[]).includes(kind);

/** The colour at a point, 0..255; undefined in a hole. */
type Paint<K extends Kind> = (place: Place) => K extends WithHoles ? Rgb | undefined : Rgb;

const mix = (a: Rgb, b: Rgb, t: number): Rgb => [
  a[0] + (b[0] - a[0]) * t,
  a[1] + (b[1] - a[1]) * t,
  a[2] + (b[2] - a[2]) * t,
];
const lit = (color: Rgb, light: number): Rgb => [color[0] * light, color[1] * light, color[2] * light];
const clamp = (value: number, low = 0, high = 1) => Math.min(high, Math.max(low, value));
const smooth = (from: number, to: number, value: number) => {
  const t = clamp((value - from) / (to - from));
  return t * t * (3 - 2 * t);
};
const modulo = (value: number, period: number) => value - period * Math.floor(value / period);
/** Brightness of flat walls, which falls a little to the right and towards the street. */
const daylight = ({ X, Y }: Place) => 1.06 - 0.1 * (X / 64) - 0.12 * smooth(20, 62, Y);

const ivory: Rgb = [240, 234, 222];
const sandstone: Rgb = [214, 203, 184];
const iron: Rgb = [46, 46, 52];

function glass(s: number, t: number, width: number, height: number): Rgb {
  const depth = mix([30, 44, 66], [112, 146, 174], smooth(0, 1, t / height));
  const streak = modulo(s / width + 0.55 * (t / height), 1);
  return mix(depth, [206, 226, 240], streak > 0.3 && streak < 0.5 ? 0.3 : 0);
}

/**
 * Centre and radii of the parts of the clouds, in units. They are the same in every picture, so a network can learn
 * them.
 */
const puffs = [
  { x: 9, y: 11, rx: 6, ry: 3 },
  { x: 14, y: 9, rx: 5, ry: 4 },
  { x: 19, y: 11.5, rx: 6, ry: 2.6 },
  { x: 42, y: 19, rx: 5, ry: 2.4 },
  { x: 47, y: 16.5, rx: 6, ry: 4 },
  { x: 53, y: 18.5, rx: 7, ry: 3 },
  { x: 30, y: 3, rx: 6, ry: 2 },
  { x: 35, y: 2, rx: 5, ry: 2.4 },
];

function cloud(X: number, Y: number): number {
  let clear = 1;
  for (const { x, y, rx, ry } of puffs) {
    const far = ((X - x) / rx) ** 2 + ((Y - y) / ry) ** 2;
    if (far < 4) clear *= 1 - 0.75 * Math.exp(-far);
  }
  return 1 - clear;
}

const paints: { [K in Kind]: Paint<K> } = {
  sky: ({ X, Y }) => {
    const base = mix([84, 140, 206], [226, 234, 238], smooth(0, 46, Y));
    return mix(base, [250, 251, 252], smooth(0.12, 0.95, cloud(X, Y)) * 0.85);
  },
  street: ({ X, t }) => {
    if (t < 1.6) return lit([178, 174, 168], modulo(X, 8) < 0.5 || t < 0.3 ? 0.84 : 1);
    if (t < 2.2) return [206, 202, 194];
    return mix([78, 80, 86], [98, 100, 106], (t - 2.2) / 1.8);
  },
  plaster: (place) => lit([232, 202, 146], daylight(place)),
  brick: (place) => {
    const row = Math.floor(place.Y / 2);
    const along = place.X + (row % 2) * 2;
    const joint = modulo(place.Y, 2) < 0.5 || modulo(along, 4) < 0.5;
    const tone = 0.92 + 0.05 * ((row * 3 + Math.floor(along / 4) * 5) % 4);
    return lit(joint ? [206, 186, 168] : lit([172, 82, 60], tone), daylight(place));
  },
  stone: (place) => {
    const row = Math.floor(place.Y / 4);
    const across = modulo(place.Y, 4);
    const along = modulo(place.X + (row % 2) * 4, 8);
    const edge = across < 0.6 || along < 0.5 ? 0.78 : across < 1.2 ? 1.06 : 1;
    return lit([196, 190, 182], edge * daylight(place));
  },
  roof: (place) => {
    const row = Math.floor(place.Y / 2);
    const down = modulo(place.Y, 2) / 2;
    const bow = Math.abs(modulo(place.X + (row % 2), 2) - 1);
    return lit([176, 88, 62], (0.78 + 0.3 * down - 0.14 * bow) * daylight(place));
  },
  tree: ({ s, t, X, Y, width, height }) => {
    if (width <= 1) return mix([104, 78, 56], [70, 52, 40], s);
    const light = clamp(1 - Math.hypot(s / width - 0.34, t / height - 0.3) * 1.15);
    const leaves = Math.sin(X * 2.6 + Math.sin(Y * 1.9) * 1.7) * Math.sin(Y * 2.4 + Math.sin(X * 1.7) * 1.5);
    return mix([34, 62, 34], [134, 164, 70], clamp(light * 0.95 + 0.14 * leaves));
  },
  window: ({ s, t, width, height }) => {
    const frame = 0.5;
    const inside = Math.min(s, width - s, t, height - t) > frame;
    const bar = Math.abs(s - width / 2) < 0.25 || Math.abs(t - height * 0.36) < 0.25;
    if (!inside || bar) return lit(ivory, t < 0.5 ? 0.7 : s > width - 0.5 ? 0.84 : 0.98);
    return lit(glass(s, t, width, height), 0.62 + 0.38 * smooth(frame, frame + 1.4, t));
  },
  door: ({ s, t, width, height }) => {
    if (Math.min(s, width - s, t) < 0.6) return lit(sandstone, 0.9);
    const fan = Math.min(3.2, height * 0.3);
    if (t < fan) return t > fan - 0.5 ? [84, 50, 30] : glass(s, t, width, fan);
    const leaf = width / 2 - Math.abs(s - width / 2);
    const down = modulo(t - fan, (height - fan) / 2);
    const panel = Math.min(leaf - 0.9, width / 2 - 0.4 - leaf, down - 0.6, (height - fan) / 2 - down - 0.4);
    if (Math.abs(s - width / 2) < 0.2) return [58, 34, 22];
    const wood: Rgb = lit([126, 74, 44], 1.08 - 0.22 * (t / height));
    return panel > 0.5 ? lit(wood, 1.14) : panel > 0 ? lit(wood, 0.72) : wood;
  },
  cornice: ({ t, X, height }) => {
    if (t < 0.7) return [250, 245, 234];
    if (height > 2 && t > height * 0.55) return modulo(X, 2) < 1 ? lit(sandstone, 1.02) : lit(sandstone, 0.66);
    return lit(sandstone, t > height - 0.5 ? 0.8 : 1.04);
  },
  sill: ({ t, height }) => mix([248, 242, 230], lit(sandstone, 0.86), t / height),
  balcony: ({ s, t, width, height }) => {
    if (t > height - 1.2) return mix([238, 230, 214], lit(sandstone, 0.78), (t - height + 1.2) / 1.2);
    const bar = t < 0.6 || modulo(s, 1) < 0.4 || Math.min(s, width - s) < 0.5;
    return bar ? iron : undefined;
  },
  shutter: ({ s, t, width, height }) => {
    const rim = Math.min(s, width - s, t, height - t) < 0.35;
    return lit([62, 108, 88], rim ? 0.8 : 0.9 + 0.3 * (1 - modulo(t, 1)));
  },
  deco: ({ t, s, width, height }) =>
    lit(mix(ivory, sandstone, t / height), Math.abs(s - width / 2) < 0.8 ? 1.02 : 0.96),
  pillar: ({ s, t, width, height }) => {
    const end = t < 1.5 || t > height - 1.5 ? 1.06 : 1;
    return lit(sandstone, end * (1.12 - 0.34 * (s / width)));
  },
  awning: ({ t, X, height }) => {
    const hem = height - 0.9 + 0.6 * Math.abs(Math.sin((X * Math.PI) / 2));
    if (t > hem) return undefined;
    const stripe: Rgb = modulo(X, 4) < 2 ? [198, 44, 46] : [246, 240, 230];
    return lit(stripe, t > height - 1.3 ? 0.8 : 1.08 - 0.16 * (t / height));
  },
  shop: ({ s, t, X, width, height }) => {
    if (t < 2.2) return modulo(X, 2) < 1.1 && t > 0.8 && t < 1.5 ? [226, 190, 110] : [40, 62, 56];
    if (t > height - 1.3 || Math.min(s, width - s) < 0.6 || Math.abs(s - width / 2) < 0.3) return [52, 44, 40];
    const down = (t - 2.2) / (height - 3.5);
    const warm = mix([255, 222, 158], [112, 90, 80], smooth(0, 0.9, down));
    return mix(warm, [210, 226, 236], modulo(s / width + 0.4 * down, 1) < 0.2 ? 0.3 : 0);
  },
};

/** Direction of the sun: a shadow moves so many units to the right per unit down. */
const slant = 0.45;

/** How far a part protrudes from the wall, in units: the length of its shadow. */
const depths: Partial<Record<Kind, number>> = {
  roof: 1.5,
  cornice: 2.4,
  balcony: 3.4,
  awning: 3.2,
  sill: 1.2,
  deco: 1,
  pillar: 1,
  shutter: 0.7,
  tree: 1,
};

/**
 * The painted layout, size * size * 3 values of about 0..255, not rounded. Each pixel is the mean of several points.
 */
export function shade(parts: readonly Part[], size: number): Float32Array {
  const points = Math.max(2, Math.ceil(192 / size));
  const side = size * points;
  const unit = side / 64;
  const canvas = new Float32Array(side * side * 3);
  const solid = new Uint8Array(side * side);
  /** The last part without holes that covers each point: earlier parts and their shadows are not seen there. */
  const front = new Int16Array(side * side);

  /** Visits the points of a rectangle, which is in units. */
  const visit = (x0: number, y0: number, x1: number, y1: number, at: (X: number, Y: number, index: number) => void) => {
    for (let j = Math.max(0, Math.floor(y0 * unit)); j < Math.min(side, Math.ceil(y1 * unit)); j++) {
      for (let i = Math.max(0, Math.floor(x0 * unit)); i < Math.min(side, Math.ceil(x1 * unit)); i++) {
        at((i + 0.5) / unit, (j + 0.5) / unit, j * side + i);
      }
    }
  };

  for (const [order, part] of parts.entries()) {
    const { x, y, width, height } = part;
    if (hasHoles(part.kind)) continue;
    visit(x, y, x + width, y + height, (X, Y, index) => {
      if (covers(part, X - x, Y - y)) front[index] = order;
    });
  }
  for (const [order, part] of parts.entries()) {
    const { kind, x, y, width, height } = part;
    const depth = depths[kind] ?? 0;
    if (depth > 0) {
      visit(x, y, x + width + depth, y + height + depth, (X, Y, index) => {
        if (order < front[index]! || solid[index] === 0) return;
        // Distance of this point from the lower or right edge of the part, along the light.
        const behind = Math.max(Y - (y + height), (X - (x + width)) / slant);
        if (behind <= 0 || behind >= depth) return;
        if (!covers(part, X - x - slant * behind, Y - y - behind - 1e-6)) return;
        const light = 1 - 0.5 * (1 - (behind / depth) ** 2);
        for (let c = 0; c < 3; c++) canvas[index * 3 + c]! *= light;
      });
    }
    const paint = paints[kind];
    const place: Place = { s: 0, t: 0, X: 0, Y: 0, width, height };
    visit(x, y, x + width, y + height, (X, Y, index) => {
      if (order < front[index]!) return;
      place.s = X - x;
      place.t = Y - y;
      place.X = X;
      place.Y = Y;
      const color = covers(part, place.s, place.t) ? paint(place) : undefined;
      if (!color) return;
      for (let c = 0; c < 3; c++) canvas[index * 3 + c] = color[c]!;
      solid[index] = kind === "sky" ? 0 : 1;
    });
  }
  return shrink(canvas, size, points);
}

/** Means of squares of points x points. */
function shrink(canvas: Float32Array, size: number, points: number): Float32Array {
  const out = new Float32Array(size * size * 3);
  const side = size * points;
  for (let j = 0; j < side; j++) {
    for (let i = 0; i < side; i++) {
      const to = (Math.floor(j / points) * size + Math.floor(i / points)) * 3;
      for (let c = 0; c < 3; c++) out[to + c]! += canvas[(j * side + i) * 3 + c]!;
    }
  }
  return out.map((sum) => sum / points ** 2);
}
