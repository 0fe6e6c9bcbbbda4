/** The layout of a data set over all of its phases; findPairs looks at one phase only. */
import type { Found } from "../data/layouts.ts";
import { isPhaseName, topFolders } from "../data/listing.ts";
import { layoutNames, layoutTable, rankedLayouts, twoSides } from "../data/pairs.ts";

export interface WholeSet {
  /** The layout's name. */
  layout: string;
  /** The pairs of each phase. A data set without phases has one named "". */
  phases: { phase: string; found: Found }[];
}

/**
 * Finds the pairs of all phases of a folder, in the layout that `auto` would choose for any of them.
 * @param pictures paths relative to the folder. @param mode a layout's name, or "auto"
 * @returns undefined where no layout fits
 */
export function wholeSet(pictures: readonly string[], mode = "auto"): WholeSet | undefined {
  const tried = mode === "auto" ? rankedLayouts : layoutNames.filter((name) => name === mode);
  for (const name of tried) {
    const layout = layoutTable[name]!;
    const names = layout.phases(pictures).sort((a, b) => place(a) - place(b));
    const phases = (names.length > 0 ? names : [""]).flatMap((phase) => {
      const found = layout.find(pictures, phase || "train");
      return found && (mode !== "auto" || found.likely) ? [{ phase, found }] : [];
    });
    if (phases.length > 0) return { layout: name, phases };
  }
  return undefined;
}

/**
 * As `wholeSet`, for commands that need all pairs of a folder.
 * @throws DatasetError where two folders have names that no layout knows, so that `auto` would take the two sides of pairs for aligned
 *   pictures, or would leave out a phase
 */
export function completeSet(root: string, pictures: readonly string[], mode = "auto"): WholeSet | undefined {
  const whole = wholeSet(pictures, mode);
  if (!whole || mode !== "auto") return whole;
  const found = new Set(whole.phases.map(({ phase }) => phase));
  const others = topFolders(pictures).filter((folder) => isPhaseName(folder) && !found.has(folder));
  const sides = twoSides(root, pictures, [...(whole.layout === "aligned" ? [""] : []), ...others]);
  if (sides) throw sides;
  return whole;
}

/** Sort key of phases: train, val, test, then others. */
function place(phase: string): number {
  const at = ["train", "val", "test"].indexOf(phase);
  return at < 0 ? 3 : at;
}
