/**
 * Text in pictures: the usual 5x7 dot-matrix shapes of printable ASCII (g j p q y reach one pixel lower), so that no
 * font file and no canvas is needed.
 */
import type { Picture } from "../platform.ts";

/** Five columns per character from space to ~, two hex digits each, bit 0 on top. */
const glyphs = `
0000000000 00005F0000 0007000700 147F147F14 242A7F2A12 2313086462 3649552250 0005030000 001C224100 0041221C00
14083E0814 08083E0808 0050300000 0808080808 0060600000 2010080402 3E5149453E 00427F4000 4261514946 2141454B31
1814127F10 2745454539 3C4A494930 0171090503 3649494936 064949291E 0036360000 0056360000 0814224100 1414141414
0041221408 0201510906 324979413E 7E1111117E 7F49494936 3E41414122 7F4141221C 7F49494941 7F09090901 3E4149497A
7F0808087F 00417F4100 2040413F01 7F08142241 7F40404040 7F020C027F 7F0408107F 3E4141413E 7F09090906 3E4151215E
7F09192946 4649494931 01017F0101 3F4040403F 1F2040201F 3F4038403F 6314081463 0708700807 6151494543 007F414100
0204081020 0041417F00 0402010204 4040404040 0001020400 2054545478 7F48444438 3844444420 384444487F 3854545418
087E090102 18A4A4A47C 7F08040478 00447D4000 4080847D00 7F10284400 00417F4000 7C04180478 7C08040478 3844444438
FC24242418 18242424FC 7C08040408 4854545420 043F444020 3C4040207C 1C2040201C 3C4030403C 4428102844 1CA0A0A07C
4464544C44 0008364100 00007F0000 0041360800 0201020402`
  .trim()
  .split(/\s+/)
  .map((columns) => columns.match(/../g)!.map((column) => Number.parseInt(column, 16)));

/** Height of a line of text in pixels, at scale 1. */
export const lineHeight = 10;

/** Width of `text` in pixels: 6 per character, less the last gap. */
export function textWidth(text: string, scale = 1): number {
  return Math.max(0, [...text].length * 6 - 1) * scale;
}

/** Draws `text` into an RGB picture, top left corner at (x, y), less what falls outside. Other letters become `?`. */
export function drawText(
  picture: Picture,
  text: string,
  x: number,
  y: number,
  options: { scale?: number; color?: readonly [number, number, number] } = {},
): void {
  const { scale = 1, color = [0, 0, 0] } = options;
  let left = x;
  for (const character of text) {
    const glyph = glyphs[(character.codePointAt(0) ?? 0) - 0x20] ?? glyphs["?".charCodeAt(0) - 0x20]!;
    for (let i = 0; i < 5 * scale; i++) {
      for (let j = 0; j < 8 * scale; j++) {
        const on = (glyph[Math.floor(i / scale)]! >> Math.floor(j / scale)) & 1;
        const [px, py] = [left + i, y + j];
        if (on && px >= 0 && py >= 0 && px < picture.width && py < picture.height) {
          picture.data.set(color, (py * picture.width + px) * 3);
        }
      }
    }
    left += 6 * scale;
  }
}

/** `text`, or as much of its start and end as `width` pixels hold, joined by `..`. */
export function shortened(text: string, width: number, scale = 1): string {
  const letters = [...text];
  const fit = Math.floor((width / scale + 1) / 6);
  if (letters.length <= fit) return text;
  const end = Math.max(0, Math.floor((fit - 2) / 2));
  const start = Math.max(0, fit - 2 - end);
  return `${letters.slice(0, start).join("")}..${letters.slice(letters.length - end).join("")}`;
}
