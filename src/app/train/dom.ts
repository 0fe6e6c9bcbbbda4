/** Helpers for the elements of the page. */
import type { Picture } from "../../platform.ts";
import { pageWords } from "./words.ts";

/** The element of index.html with this id. */
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

/** Downloads a file to the user's disk. */
export function save(bytes: Uint8Array, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Shows an error; without one hides the last. */
export function problem(error?: unknown): void {
  const box = part("problem");
  box.hidden = error === undefined;
  box.textContent = pageWords(error instanceof Error ? error.message : String(error ?? ""));
  if (error === undefined) return;
  box.scrollIntoView({ block: "nearest" });
  console.error(error);
}

/** Shows a note, unless it is shown already. */
export function note(text: string): void {
  const known = [...part("notes").children].some(({ textContent }) => textContent === text);
  if (!known)
    part("notes").append(Object.assign(document.createElement("p"), { className: "notice", textContent: text }));
}

/** Runs work that the user asked for, and shows its failure. */
export async function attempt(work: () => Promise<unknown>): Promise<void> {
  problem();
  await work().catch(problem);
}

/** Runs work for each click of a button. The button is disabled while the work runs. */
export function onClick(id: string, work: () => Promise<unknown>): void {
  const button = part<HTMLButtonElement>(id);
  button.addEventListener("click", async () => {
    button.disabled = true;
    await attempt(work);
    button.disabled = false;
  });
}
