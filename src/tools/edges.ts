/**
 * Edges of pictures: Canny's detector (Canny 1986), and thin lines from the edge strengths of a network. The paper's
 * edge data sets are such lines from HED's strengths.
 */
import { reduceChannels } from "../data/transforms.ts";
import type { Picture } from "../platform.ts";
import { gaussian, type Plane, sobel } from "./filters.ts";
import { thin, withoutSmall } from "./lines.ts";

export interface CannyOptions {
  /** Standard deviation of the Gaussian filter before, in pixels; 0 for none. */
  sigma: number;
  /**
   * Thresholds of the slope: an edge begins at `high` and continues down to `low`. The slope is the norm of Sobel's two
   * derivatives of grey from 0 to 1; a sharp step of the full range has slope 4. skimage.feature.canny uses 0.2 and
   * 0.1.
   */
  high: number;
  low: number;
}

/** Luminance, 0 to 1. */
function luminance(picture: Picture): Plane {
  const { data, width, height, channels } = reduceChannels(picture, 1);
  const out = new Float64Array(width * height);
  for (let i = 0; i < out.length; i++) out[i] = data[i * channels]! / 255;
  return { width, height, data: out };
}

/**
 * Edges as width * height values, 1 on an edge and 0 elsewhere; the outermost pixels are never edges. The steps are
 * those of skimage.feature.canny: Gaussian filter normalised inside the picture, Sobel, non-maximum suppression with
 * neighbours interpolated along the gradient, hysteresis over 8 neighbours.
 */
export function canny(picture: Picture, { sigma, high, low }: CannyOptions): Uint8Array {
  const grey = luminance(picture);
  const { width, height } = grey;
  const { dx, dy, slope } = sobel({ width, height, data: gaussian(grey, sigma) });
  const candidates = peaks({ width, height, data: slope }, (i) => (slope[i]! > 0 ? [dx[i]!, dy[i]!] : undefined), 1);
  const weak = candidates.map((peak, i) => (peak && slope[i]! >= low ? 1 : 0));
  const out = new Uint8Array(weak.length);
  const open: number[] = [];
  const take = (i: number) => {
    if (!weak[i] || out[i]) return;
    out[i] = 1;
    open.push(i);
  };
  for (let i = 0; i < weak.length; i++) if (slope[i]! >= high) take(i);
  // A pixel at the border has fewer than eight neighbours, so it is no candidate.
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const row of [at - width, at, at + width]) for (const i of [row - 1, row, row + 1]) take(i);
  }
  return out;
}

/**
 * Non-maximum suppression: 1 where a value times `slack` is at least as large as the two values at one pixel's distance
 * along a direction, each interpolated between two neighbours. 0 on the border.
 * @param direction vector at pixel i, of any length; undefined for a pixel that is no candidate
 */
function peaks({ width, height, data }: Plane, direction: (i: number) => [number, number] | undefined, slack: number) {
  const out = new Uint8Array(data.length);
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * width + 1; i < (y + 1) * width - 1; i++) {
      const way = direction(i);
      if (!way) continue;
      const [dx, dy] = way;
      const [column, row] = [dx < 0 ? -1 : 1, dy < 0 ? -width : width];
      const steep = Math.abs(dy) >= Math.abs(dx);
      const straight = steep ? row : column;
      const share = steep ? Math.abs(dx) / Math.abs(dy) : Math.abs(dy) / Math.abs(dx);
      const value = data[i]! * slack;
      const beside = (sign: number) =>
        data[i + sign * (row + column)]! * share + data[i + sign * straight]! * (1 - share);
      if (beside(1) <= value && beside(-1) <= value) out[i] = 1;
    }
  }
  return out;
}

/** How edge strengths become lines. The defaults are those of the paper's scripts. */
export interface LineOptions {
  /** Smallest strength of a pixel on a line. */
  threshold: number;
  /** Smallest number of pixels of a line. */
  small: number;
}

/**
 * Lines, one pixel wide, along the crests of edge strengths from 0 to 1: non-maximum suppression across the crest,
 * threshold, thinning, removal of short pieces.
 */
export function linesOf(strength: Plane, { threshold, small }: LineOptions): Uint8Array {
  const { width, height, data } = strength;
  const smooth = gaussian({ width, height, data }, 0.7);
  const across = (i: number): [number, number] | undefined => {
    if (data[i]! < threshold) return undefined;
    const [left, right, above, below] = [smooth[i - 1]!, smooth[i + 1]!, smooth[i - width]!, smooth[i + width]!];
    const [x, y] = [(right - left) / 2, (below - above) / 2];
    const [xx, yy] = [left - 2 * smooth[i]! + right, above - 2 * smooth[i]! + below];
    const corners = smooth[i + width + 1]! + smooth[i - width - 1]! - smooth[i + width - 1]! - smooth[i - width + 1]!;
    const xy = corners / 4;
    // The direction across a crest is the main eigenvector of g g' + H H, with the gradient g and the Hessian H: the
    // curvature is largest across the crest on its top, and so is the slope on its flanks.
    const angle = Math.atan2(2 * (x * y + xy * (xx + yy)), x * x + xx * xx - y * y - yy * yy) / 2;
    return [Math.cos(angle), Math.sin(angle)];
  };
  return withoutSmall(thin(peaks(strength, across, 1.01), width, height), width, height, small);
}

/** Black lines on white, 1 channel. */
export function drawn(lines: Uint8Array, width: number, height: number): Picture {
  return { width, height, channels: 1, data: lines.map((line) => (line ? 0 : 255)) };
}
