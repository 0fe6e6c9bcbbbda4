/** Matches pictures of two folders by name. */
import { byStem } from "../data/listing.ts";
import { DatasetError } from "../errors.ts";

export interface Matching {
  /** `name` is the common stem of A and B with its folders, without _A and _B where those are used. */
  pairs: { name: string; A: string; B: string }[];
  onlyA: string[];
  onlyB: string[];
  /** With useAB: pictures that are not named <name>_A or <name>_B. */
  other: string[];
}

/**
 * Pairs pictures of equal stems; endings may differ. All paths are relative to their folders.
 * @param options `useAB`: the stems end in _A and _B; `train/1_A.jpg` belongs to `train/1_B.png`, and the two folders may be one
 * @throws DatasetError where two pictures of one side share a stem
 */
export function matchFolders(a: readonly string[], b: readonly string[], { useAB = false } = {}): Matching {
  const stems = (paths: readonly string[], side: "A" | "B") => {
    const found = new Map<string, string>();
    for (const [stem, path] of byStem(useAB ? withSuffix(paths, side) : paths, `the folder of ${side}`)) {
      found.set(useAB ? stem.slice(0, -"_A".length) : stem, path);
    }
    const other = useAB ? paths.filter((path) => !/_[AB]\.[^./]+$/.test(path)) : [];
    return { found, other };
  };
  const [left, right] = [stems(a, "A"), stems(b, "B")];
  const pairs: Matching["pairs"] = [];
  const onlyA: string[] = [];
  for (const [name, path] of left.found) {
    const partner = right.found.get(name);
    if (partner === undefined) onlyA.push(path);
    else pairs.push({ name, A: path, B: partner });
  }
  const onlyB = [...right.found].filter(([name]) => !left.found.has(name)).map(([, path]) => path);
  return { pairs, onlyA, onlyB, other: [...new Set([...left.other, ...right.other])] };
}

function withSuffix(paths: readonly string[], side: "A" | "B"): string[] {
  return paths.filter((path) => new RegExp(`_${side}\\.[^./]+$`).test(path));
}

/**
 * The message about pictures without a partner; undefined where there are none.
 * @throws DatasetError where there is no pair at all
 */
export function unmatched({ pairs, onlyA, onlyB, other }: Matching): string | undefined {
  const some = (label: string, paths: readonly string[]) =>
    paths.length === 0
      ? []
      : [`${label} (${paths.length}): ${paths.slice(0, 5).join(", ")}${paths.length > 5 ? ", ..." : ""}`];
  const parts = [...some("A without B", onlyA), ...some("B without A", onlyB), ...some("neither _A nor _B", other)];
  if (pairs.length === 0) {
    throw new DatasetError(
      `no two pictures share a stem${parts.length > 0 ? `. ${parts.join("; ")}` : ""}. The pictures of a pair need ` +
        "equal names below the two folders (endings may differ), or --use-AB where they are called name_A and name_B.",
    );
  }
  return parts.length > 0 ? parts.join("; ") : undefined;
}
