/** Basis of the pages: templates that escape their values, the frame of a self-contained file, numbers as text. */

/** HTML source. A template inserts it unchanged, and escapes all other values. */
export class Html {
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  toString(): string {
    return this.#source;
  }
}

/** Values of a template: text and numbers, which it escapes; HTML; undefined, which gives nothing; lists of these. */
export type HtmlValue = string | number | Html | undefined | readonly HtmlValue[];

/**
 * A piece of HTML, such as html`<p title="${text}">${text}</p>`. Values are escaped for content and for quoted
 * attributes.
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(parts.map((part, i) => (i === 0 ? part : sourceOf(values[i - 1]) + part)).join(""));
}

/** HTML, CSS or JavaScript without escaping. Do not use it for text from a file, a name or a user. */
export function raw(source: string): Html {
  return new Html(source);
}

/** The values, one per line. */
export function lines(values: readonly HtmlValue[]): Html {
  return new Html(values.map(sourceOf).join("\n"));
}

function sourceOf(value: HtmlValue): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.toString();
  return typeof value === "object" ? value.map(sourceOf).join("") : escaped(String(value));
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

/** The relative address of a file, from its path with forward slashes. Names may contain spaces, `#`, `?` and `%`. */
export function address(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** A count with thin spaces between groups of three digits: 80 000. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

/** A value with `digits` decimals; an infinite one as \u221e, NaN as a dash. */
export function fixed(value: number, digits: number): string {
  if (Number.isNaN(value)) return "\u2013";
  return Number.isFinite(value) ? value.toFixed(digits) : value > 0 ? "\u221e" : "\u2212\u221e";
}

/** The entries of a <dl>. */
export function terms(pairs: readonly (readonly [label: string, value: HtmlValue])[]): Html {
  return html`${pairs.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}`;
}

/** Attributes of a box that is scrolled sideways: by the arrow keys, too. */
export const scrolls: Html = raw('tabindex="0" role="group" aria-label="Table"');

/** A time as `2026-11-23 13:05 UTC`. A script in the page converts it to the reader's time zone. */
export function timeTag(time: Date): Html {
  const iso = time.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace("T", " ")} UTC</time>`;
}

/** The top of a page: its title, a note, and when it was written. */
export function pageHeader(title: string, updated: Date | undefined, note?: Html): Html {
  return html`<header>
<h1>${title}</h1>
${note && html`${note}\n`}${updated && html`<p class="soft small">${timeTag(updated)}</p>`}
</header>`;
}

export interface HtmlPage {
  title: string;
  body: Html;
  css?: string;
  script?: string;
  /** More elements of the head. */
  head?: Html | undefined;
}

/** The text of the whole file. It looks right in light and dark, and on wide and narrow screens. */
export function htmlPage({ title, body, css = "", script = "", head }: HtmlPage): string {
  return `${html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
${head}<style>
${raw(baseCss + css)}</style>
</head>
<body>
<main>
${body}
</main>
<script>
${raw(localTimes + script)}</script>
</body>
</html>
`}`;
}

const localTimes = `for (const time of document.querySelectorAll("time")) {
  time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}
`;

const baseCss = `:root {
  --page: #fbfbfa; --card: #fff; --ink: #1c2024; --soft: #5b6470; --line: #e3e5e8; --grid: #eceef0; --accent: #2563eb;
  --tone1: #2563eb; --tone2: #c2410c; --tone3: #0b8378; --tone4: #7c3aed; --mark: #fff3c4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121417; --card: #1a1d21; --ink: #e8eaed; --soft: #9aa3ad; --line: #2c3137; --grid: #262a30;
    --accent: #7aa7ff;
    --tone1: #6ea0ff; --tone2: #ff9457; --tone3: #35c9b5; --tone4: #b197fc; --mark: #43390f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", sans-serif; font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
main { max-width: 1180px; margin: 0 auto; padding: 40px 24px 80px; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -0.015em; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 19px; letter-spacing: -0.005em; margin: 48px 0 14px; }
p { max-width: 44em; margin: 8px 0; }
.soft { color: var(--soft); }
.small { font-size: 14px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
dl { margin: 0; }
dt { color: var(--soft); font-size: 13px; }
dd { margin: 0; overflow-wrap: anywhere; }
img { display: block; max-width: 100%; height: auto; }
img.pixels { image-rendering: pixelated; }
code { font: 0.9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
summary { cursor: pointer; }
@media (max-width: 640px) { main { padding: 24px 16px 64px; } h1 { font-size: 25px; } h2 { margin-top: 36px; } }
`;
