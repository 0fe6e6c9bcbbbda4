/** Pictures on the page. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Picture } from "../../platform.ts";

/** Below this width pixels are enlarged as squares. */
const smallPicture = 200;

/**
 * Draws an 8-bit picture of any number of channels on a canvas of its size.
 * @param alpha whether the fourth channel is alpha; else the picture is opaque
 */
export function paintOn(canvas: HTMLCanvasElement, { width, height, channels, data }: Picture, alpha = false): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) pixels.data[i * 4 + c] = data[i * channels + (channels < 3 ? 0 : c)]!;
    pixels.data[i * 4 + 3] = alpha ? data[i * channels + 3]! : 255;
  }
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}

interface PictureViewProps {
  picture: Picture;
  /** What it shows, for those who cannot see it. */
  label: string;
  /** Its fourth channel is alpha. */
  alpha?: boolean;
}

export function PictureView({ picture, label, alpha = false }: PictureViewProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => paintOn(canvas.current!, picture, alpha), [picture, alpha]);
  const rendering = picture.width < smallPicture ? "pixelated" : "auto";
  return <canvas ref={canvas} role="img" aria-label={label} style={{ imageRendering: rendering }} />;
}
