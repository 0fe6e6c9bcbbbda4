/** The page of `data audit`: the findings in a data set, with pictures. */
import { count, type Html, html, htmlPage, lines, pageHeader, terms } from "./html.ts";

/** A picture of a finding. */
export interface AuditPicture {
  /** Address: a data URI, or a path relative to the page. */
  source: string;
  /** Text below the picture, and its alternative text. */
  label: string;
}

export interface AuditItem {
  /** Names of the files or pairs. */
  names: readonly string[];
  /** The finding as a sentence without a full stop. */
  text: string;
  pictures: readonly AuditPicture[];
}

export interface AuditSection {
  title: string;
  /** Meaning of the findings, and what to do. */
  advice: string;
  items: readonly AuditItem[];
  /** Names of further findings, shown without pictures. */
  more: readonly string[];
}

export interface AuditPageInfo {
  title: string;
  facts: readonly (readonly [label: string, value: string])[];
  sections: readonly AuditSection[];
  /** The checks that were made, as a sentence below the sections. */
  lookedFor: string;
  /** What could not be judged, as a sentence. It follows the number of findings, so that none does not seem to mean a sound set. */
  caveat?: string | undefined;
  updated?: Date;
}

/** The text of the page. It is self-contained where the pictures are data URIs. */
export function auditPage({ title, facts, sections, lookedFor, caveat, updated }: AuditPageInfo): string {
  const total = sections.reduce((sum, section) => sum + size(section), 0);
  const links = sections.map((section, i) => {
    return html`<li><a href="#s${i}">${section.title}</a> <b>${count(size(section))}</b></li>`;
  });
  const body = html`${pageHeader(title, updated, html`<p>${verdict(total, caveat)}</p>`)}
<dl class="facts">${terms(facts)}</dl>
${links.length > 0 ? html`<ul class="card kinds">${links}</ul>` : ""}
${lines(sections.map(sectionOf))}
<p class="soft small looked">${lookedFor}</p>`;
  return htmlPage({ title, body, css });
}

function verdict(total: number, caveat: string | undefined): string {
  const nothing = caveat ? "No other findings." : "No findings.";
  const found = total === 0 ? nothing : `${count(total)} ${total === 1 ? "finding" : "findings"}.`;
  return caveat ? `${found} ${caveat}` : found;
}

/** The number of findings in a section. */
function size({ items, more }: AuditSection): number {
  return items.length + more.length;
}

function sectionOf(section: AuditSection, index: number): Html {
  const { title, advice, items, more } = section;
  const rest = html`<details><summary class="soft small">${count(more.length)} more</summary><ul class="small names">
${lines(more.map((name) => html`<li>${name}</li>`))}
</ul></details>`;
  return html`<section id="s${index}">
<h2>${title} <span class="soft">${count(size(section))}</span></h2>
<p class="soft">${advice}</p>
<div class="items">
${lines(items.map(card))}
</div>
${more.length > 0 ? rest : ""}
</section>`;
}

function card({ names, text, pictures }: AuditItem): Html {
  const figures = pictures.map(({ source, label }) => {
    return html`<figure><img src="${source}" alt="${label}" loading="lazy"><figcaption>${label}</figcaption></figure>`;
  });
  return html`<article class="card">
${figures.length > 0 ? html`<div class="pictures">${figures}</div>` : ""}
<h3>${names.map((name, i) => (i === 0 ? name : html`<br>${name}`))}</h3>
<p class="small">${text}</p>
</article>`;
}

const css = `.facts { display: flex; flex-wrap: wrap; gap: 10px 40px; margin-top: 18px; }
.kinds { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 28px; padding: 14px 20px; margin: 22px 0 0; }
.kinds a { color: var(--accent); text-decoration: none; }
.items { display: flex; flex-wrap: wrap; gap: 14px; margin-top: 16px; align-items: flex-start; }
article { padding: 12px; max-width: 100%; }
article h3 { font-size: 14px; margin: 8px 0 2px; overflow-wrap: anywhere; }
article p { margin: 0; max-width: 34em; }
.pictures { display: flex; flex-wrap: wrap; gap: 6px; }
figure { margin: 0; }
figure img { border-radius: 4px; border: 1px solid var(--line); background: var(--grid); }
figcaption { color: var(--soft); font-size: 12px; }
.names { columns: 3 220px; padding-left: 18px; overflow-wrap: anywhere; }
details { margin-top: 14px; }
.looked { margin-top: 56px; max-width: 60em; }
`;
