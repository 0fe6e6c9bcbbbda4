/** The page of `inspect`: pairs as the network sees them, each with several random crops and flips. */
import { count, type Html, html, htmlPage, lines, pageHeader, terms } from "./html.ts";

export interface InspectPicture {
  /** Address of the picture: a data URI, or a path relative to the page. */
  source: string;
  /** Role of the picture, such as "input (A)". */
  label: string;
  /** Size in pixels. */
  width: number;
  height: number;
}

export interface InspectedPair {
  /** Name of the pair. */
  name: string;
  /** The pictures of each draw. */
  draws: readonly (readonly InspectPicture[])[];
}

export interface InspectPageInfo {
  title: string;
  facts: readonly (readonly [label: string, value: string])[];
  /** Files that cannot be used, with the reason. */
  leftOut: readonly string[];
  pairs: readonly InspectedPair[];
  /** Number of pairs in the data set. */
  total: number;
  /** When the page was written. Without it, equal data give equal pages. */
  updated?: Date;
}

/** The text of the page, self-contained where the pictures are data URIs. */
export function inspectPage({ title, facts, leftOut, pairs, total, updated }: InspectPageInfo): string {
  const names = leftOut.map((text) => html`<li>${text}</li>`);
  const body = html`${pageHeader(title, updated)}
<dl class="facts card">${terms(facts)}</dl>
${names.length > 0 ? html`<h2>Left out <span class="soft">${count(names.length)}</span></h2>\n<ul>${names}</ul>` : ""}
<h2>${count(pairs.length)} of ${count(total)} ${total === 1 ? "pair" : "pairs"}</h2>
<div class="pairs">
${lines(pairs.map(card))}
</div>`;
  return htmlPage({ title, body, css });
}

function card({ name, draws }: InspectedPair): Html {
  const groups = draws.map((pictures, i) => {
    const draw = draws.length > 1 ? `draw ${i + 1}` : "";
    const figures = pictures.map((picture) => figure(picture, [picture.label, "of", name, draw].join(" ").trim()));
    return html`<div class="draw">${figures}</div>`;
  });
  const width = (draws[0] ?? []).reduce((sum, picture) => sum + shownWidth(picture) + gap, -gap);
  return html`<article class="card">
<h3>${name}</h3>
<div class="draws" style="--draw:${Math.min(width, mostDraw)}px">${groups}</div>
</article>`;
}

/** Pixels between the pictures of a draw. */
const gap = 6;
/** The width of a draw with which three are side by side on a wide screen. */
const mostDraw = 345;

/** Pictures of less than 128 pixels are enlarged by a whole factor, so each pixel stays a square. */
const shownWidth = ({ width }: InspectPicture): number => width * Math.max(1, Math.ceil(128 / width));

function figure(picture: InspectPicture, alt: string): Html {
  const { source, label, width, height } = picture;
  const size = html`width="${width}" height="${height}"${width < 200 ? html` class="pixels"` : ""}`;
  return html`<figure style="max-width:${shownWidth(picture)}px"><img src="${source}" alt="${alt}" ${size} loading="lazy">
<figcaption class="soft small">${label}</figcaption></figure>`;
}

const css = `.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 12px 32px; }
.facts { padding: 18px 20px; margin-top: 20px; }
.pairs { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
article { padding: 14px 16px 10px; }
h3 { font-size: 15px; margin: 0 0 10px; overflow-wrap: anywhere; }
.draws { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--draw)), 1fr)); gap: 12px 24px; }
.draw { display: flex; gap: ${gap}px; }
figure { margin: 0; min-width: 0; flex: 1; }
figure img { width: 100%; border-radius: 4px; background: var(--grid); }
figcaption { overflow-wrap: anywhere; }
li { overflow-wrap: anywhere; }
`;
