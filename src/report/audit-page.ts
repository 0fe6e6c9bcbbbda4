/** The page of `data audit`: what was found in a data set, with pictures. */
import { count, escapeHtml, htmlPage, terms, timeTag } from "./html.ts";

/** Pictures that belong together, as addresses: a data URI each, or a path relative to the page. */
export interface AuditPicture {
  source: string;
  /** Under the picture, and its text for those who do not see it. */
  label: string;
}

export interface AuditItem {
  /** Names of the files or pairs. */
  names: readonly string[];
  /** What is the matter, as a sentence without its stop. */
  text: string;
  pictures: readonly AuditPicture[];
}

export interface AuditSection {
  title: string;
  /** What it means and what to do. */
  advice: string;
  items: readonly AuditItem[];
  /** Files of further findings, without pictures. */
  more: readonly string[];
}

export interface AuditPageInfo {
  title: string;
  facts: readonly (readonly [label: string, value: string])[];
  sections: readonly AuditSection[];
  /** Said where there is no section, and below them: what was looked for. */
  lookedFor: string;
  updated?: Date;
}

/** The whole file, self-contained where the pictures are data URIs. */
export function auditPage(info: AuditPageInfo): string {
  const total = info.sections.reduce((sum, { items, more }) => sum + items.length + more.length, 0);
  const facts = info.facts.map(([label, value]) => [label, escapeHtml(value)] as const);
  const links = info.sections.map(({ title, items, more }, i) => {
    return `<li><a href="#s${i}">${escapeHtml(title)}</a> <b>${count(items.length + more.length)}</b></li>`;
  });
  const body = `<header>
<h1>${escapeHtml(info.title)}</h1>
<p>${total === 0 ? "Nothing to complain of." : `${count(total)} ${total === 1 ? "finding" : "findings"}.`}</p>
${info.updated ? `<p class="soft small">${timeTag(info.updated)}</p>` : ""}
</header>
<dl class="facts">${terms(facts)}</dl>
${links.length > 0 ? `<ul class="card kinds">${links.join("")}</ul>` : ""}
${info.sections.map(section).join("\n")}
<p class="soft small looked">${escapeHtml(info.lookedFor)}</p>`;
  return htmlPage({ title: info.title, body, css });
}

function section({ title, advice, items, more }: AuditSection, index: number): string {
  const rest =
    more.length > 0
      ? `<details><summary class="soft small">${count(more.length)} more</summary><ul class="small names">
${more.map((name) => `<li>${escapeHtml(name)}</li>`).join("\n")}
</ul></details>`
      : "";
  return `<section id="s${index}">
<h2>${escapeHtml(title)} <span class="soft">${count(items.length + more.length)}</span></h2>
<p class="soft">${escapeHtml(advice)}</p>
<div class="items">
${items.map(card).join("\n")}
</div>
${rest}
</section>`;
}

function card({ names, text, pictures }: AuditItem): string {
  const figures = pictures.map(({ source, label }) => {
    const text = escapeHtml(label);
    return `<figure><img src="${escapeHtml(source)}" alt="${text}" loading="lazy"><figcaption>${text}</figcaption></figure>`;
  });
  return `<article class="card">
${figures.length > 0 ? `<div class="pictures">${figures.join("")}</div>` : ""}
<h3>${names.map(escapeHtml).join("<br>")}</h3>
<p class="small">${escapeHtml(text)}</p>
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
