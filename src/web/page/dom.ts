/** Small things that every part of the page needs. */
import type { Picture } from "../../platform.ts";

/** An element of index.html. */
export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

export function show(visible: boolean, ...ids: string[]): void {
  for (const id of ids) part(id).hidden = !visible;
}

export function paint(canvas: HTMLCanvasElement, { width, height, channels, data }: Picture): HTMLCanvasElement {
  canvas.width = width;
  canvas.height = height;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) pixels.data[i * 4 + c] = data[i * channels + (channels < 3 ? 0 : c)]!;
    pixels.data[i * 4 + 3] = 255;
  }
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}

/** Hands the user a file. */
export function save(bytes: Uint8Array, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Says what went wrong, or with no error takes the last message away. */
export function problem(error?: unknown): void {
  const box = part("problem");
  box.hidden = error === undefined;
  box.textContent = error instanceof Error ? error.message : String(error ?? "");
  if (error === undefined) return;
  box.scrollIntoView({ block: "nearest" });
  console.error(error);
}

/** Tells something that is good to know, once. */
export function note(text: string): void {
  const known = [...part("notes").children].some(({ textContent }) => textContent === text);
  if (!known)
    part("notes").append(Object.assign(document.createElement("p"), { className: "notice", textContent: text }));
}

/** Work that a user asked for: a failure is shown. */
export async function attempt(work: () => Promise<unknown>): Promise<void> {
  problem();
  await work().catch(problem);
}

/** Work for each click of a button, which rests while it is under way. */
export function onClick(id: string, work: () => Promise<unknown>): void {
  const button = part<HTMLButtonElement>(id);
  button.addEventListener("click", async () => {
    button.disabled = true;
    await attempt(work);
    button.disabled = false;
  });
}
