/** What axe finds on a page. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { root } from "../../paths.ts";

const source = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");

interface Axe {
  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
}

/** Each rule that is broken, with the first element that breaks it; and each id that two elements have. */
export async function violationsOf(page: Page): Promise<string[]> {
  // Not addScriptTag: the page may have a policy.
  await page.evaluate(source);
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: Axe }).axe.run();
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    const twice = ids.filter((id, i) => ids.indexOf(id) < i).map((id) => `the id ${id} twice`);
    return [...violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`), ...twice];
  });
}
