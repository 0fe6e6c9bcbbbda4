/** Thinning of binary pictures: 1 on a line, 0 elsewhere. */

/** Offsets (column, row) of the eight neighbours, counter-clockwise from the right one. */
const around = [
  [1, 0],
  [1, -1],
  [0, -1],
  [-1, -1],
  [-1, 0],
  [-1, 1],
  [0, 1],
  [1, 1],
] as const;

/**
 * For each of the 256 neighbourhoods (bit k is set where neighbour k is), bit 1 where the first pass removes the pixel
 * and bit 2 where the second does. Conditions G1 to G3 of Guo and Hall 1989 in the form of Lam, Lee and Suen 1992, the
 * algorithm of bwmorph "thin" and of skimage.morphology.thin.
 */
const removals = Uint8Array.from({ length: 256 }, (_, bits) => {
  const x = (k: number) => ((bits >> ((k - 1) & 7)) & 1) === 1; // x1 ... x8, and x9 is x1
  const pairs = [1, 3, 5, 7];
  const crossings = pairs.filter((k) => !x(k) && (x(k + 1) || x(k + 2))).length;
  const [n1, n2] = [pairs.filter((k) => x(k) || x(k + 1)).length, pairs.filter((k) => x(k + 1) || x(k + 2)).length];
  const least = Math.min(n1, n2);
  if (crossings !== 1 || least < 2 || least > 3) return 0;
  const first = (x(2) || x(3) || !x(8)) && x(1) ? 0 : 1;
  const second = (x(6) || x(7) || !x(4)) && x(5) ? 0 : 2;
  return first + second;
});

/** Lines thinned to a width of one pixel. Connected pixels stay connected. */
export function thin(lines: Uint8Array, width: number, height: number): Uint8Array {
  let now = lines;
  for (let changed = true; changed; ) {
    changed = false;
    for (const pass of [1, 2]) {
      const next = now.slice();
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          if (!now[y * width + x]) continue;
          let bits = 0;
          around.forEach(([dx, dy], k) => {
            const [column, row] = [x + dx, y + dy];
            if (column >= 0 && row >= 0 && column < width && row < height && now[row * width + column]) bits |= 1 << k;
          });
          if (!(removals[bits]! & pass)) continue;
          next[y * width + x] = 0;
          changed = true;
        }
      }
      now = next;
    }
  }
  return now;
}

/** Removes pieces of fewer than `least` pixels. Pixels that touch at a corner are connected. */
export function withoutSmall(lines: Uint8Array, width: number, height: number, least: number): Uint8Array {
  const out = lines.slice();
  const seen = new Uint8Array(lines.length);
  for (let start = 0; start < lines.length; start++) {
    if (!lines[start] || seen[start]) continue;
    const piece = [start];
    seen[start] = 1;
    for (let done = 0; done < piece.length; done++) {
      const [x, y] = [piece[done]! % width, Math.floor(piece[done]! / width)];
      for (const [dx, dy] of around) {
        const [column, row] = [x + dx, y + dy];
        const i = row * width + column;
        if (column < 0 || row < 0 || column >= width || row >= height || !lines[i] || seen[i]) continue;
        seen[i] = 1;
        piece.push(i);
      }
    }
    if (piece.length < least) for (const i of piece) out[i] = 0;
  }
  return out;
}
