/** How a side of a pair is computed from its picture, where it is not the picture itself. */

export interface Derivation {
  /** In words, for `pix2pix inspect`. */
  help: string;
  /** The number of channels that the side has in any case. */
  channels?: number;
  /** Shown in colour, together with the other side. */
  shownInColour?: true;
  /** A value depends on its place in the picture, so a part of the picture cannot be derived alone. */
  byPlace?: true;
}

const kinds = {
  L: { help: "its lightness, L / 50 - 1 of CIELAB", channels: 1, shownInColour: true },
  ab: {
    help: "its colours, a / 110 and b / 110 of CIELAB (shown together with the lightness)",
    channels: 2,
    shownInColour: true,
  },
  masked: { help: "with a white rectangle of half its size in the centre", byPlace: true },
  absent: { help: "nothing: there are no targets" },
} as const satisfies Readonly<Record<string, Derivation>>;

export type Derive = keyof typeof kinds;

export const derivations: Readonly<Record<Derive, Derivation>> = kinds;
