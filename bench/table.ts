/** A comparison as Markdown, and its place in docs/performance.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Comparison, type Measured, medianOf, ratio, titleOf } from "./sides.ts";

const document = fileURLToPath(new URL("../docs/performance.md", import.meta.url));

type Kind = "step" | "forward";

/** The fastest float32 side but the first, which is ours. */
export function best({ sides }: Comparison, kind: Kind): Measured | undefined {
  const rows = sides.slice(1).filter((side) => side.float32 && medianOf(side, `${kind}_s`) !== undefined);
  return rows.sort((a, b) => medianOf(a, `${kind}_s`)! - medianOf(b, `${kind}_s`)!)[0];
}

/** One row a side. Bold: the fastest float32 peer. */
export function comparisonTable(comparison: Comparison): string {
  const [ours] = comparison.sides as [Measured];
  const cells = comparison.sides.map((side) => [
    side === ours ? side.name : titleOf(side),
    ...(["step", "forward"] as const).flatMap((kind) => {
      const [wall, cpu] = [medianOf(side, `${kind}_s`), medianOf(side, `${kind}_cpu_s`)];
      const share = side === ours ? undefined : ratio(ours, side, `${kind}_s`);
      const bold = side === best(comparison, kind) ? "**" : "";
      return [seconds(wall), seconds(cpu), share === undefined ? "" : `${bold}${share.toFixed(2)}${bold}`];
    }),
    side.runs.some((run) => run.step_s !== undefined) ? peak(side) : "",
  ]);
  return markdown(["", "step", "its CPU", "ours / it", "forward", "its CPU", "ours / it", "peak"], cells);
}

const seconds = (value: number | undefined) => (value === undefined ? "" : `${value.toFixed(value < 0.1 ? 3 : 2)} s`);
const peak = ({ runs }: Measured) => `${(Math.max(...runs.map((run) => run.rss_mb)) / 1000).toFixed(2)} GB`;

/** A table of Markdown; numbers are aligned to the right by their column. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i ? "--:" : "---"))), ...rows.map(line)].join("\n");
}

/**
 * Puts a section into docs/performance.md: in place of the section of the same kind and machine, else above the mark of the kind.
 * @param kind a mark `<!-- bench KIND -->` of the document
 */
export function writeSection(kind: string, machine: string, text: string): void {
  const page = readFileSync(document, "utf8");
  const [begin, end, mark] = [
    `<!-- bench ${kind}: ${machine} -->`,
    `<!-- end of ${kind} -->`,
    `<!-- bench ${kind} -->`,
  ];
  const section = `${begin}\n${text}\n${end}`;
  const at = page.indexOf(begin);
  const place = at < 0 ? page.indexOf(mark) : at;
  if (place < 0) throw new Error(`${document}: expected the line ${mark}, above which tables of this kind go.`);
  const after = at < 0 ? `\n\n${page.slice(place)}` : page.slice(page.indexOf(end, at) + end.length);
  writeFileSync(document, page.slice(0, place) + section + after);
}
