/** The pairs of the sets on which the audit is measured. */
import { listAll } from "../src/data/listing.ts";
import { UserError } from "../src/errors.ts";
import { files } from "../src/node/files.ts";
import { images } from "../src/node/images.ts";
import type { Picture } from "../src/platform.ts";
import { readPair } from "../src/tools/audit/read.ts";
import { wholeSet } from "../src/tools/layout.ts";

export const usualSets = "cmp-base,edges2shoes,maps,cityscapes,facades";

export interface Sides {
  A: Picture;
  B: Picture;
}

/** All pairs of a set, of all its phases. @param change applied to each side after it is decoded */
export async function pairsOf(root: string, change = (side: Picture): Picture => side): Promise<Sides[]> {
  const listing = await listAll(files, root);
  const whole = listing && wholeSet(listing.pictures);
  if (!whole) throw new UserError(`${root} has no pairs`);
  const out: Sides[] = [];
  for (const pair of whole.phases.flatMap(({ found }) => found.pairs)) {
    const { A, B } = await readPair({ files, images }, root, pair);
    out.push({ A: change(A), B: change(B) });
  }
  return out;
}
