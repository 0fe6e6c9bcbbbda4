/** Folders of runs and data sets in the browser's storage, and the description of a data set. */

export const checkpointsDir = "runs";
export const dataDir = "data";

export interface DataSet {
  /** Becomes the name of a run. */
  title: string;
  /** Its folder; undefined for the built-in set, which is drawn at the size of the run. */
  root: string | undefined;
  /** Pairs to train on. */
  pairs: number;
  /** Number of pairs that have been set aside from training. */
  held?: number | undefined;
  /** The share to set aside when the first training begins; undefined where that has been done, or the set is too small. */
  share?: number | undefined;
  direction: "AtoB" | "BtoA";
  /** The user has confirmed that each picture holds both sides of a pair, although it is not wider than high. */
  halves?: true | undefined;
}

/** The built-in set: pairs to train on, pairs to test with, and the seed of the drawings. */
export const builtIn = { train: 250, test: 12, seed: 0 };

/** Shares of the pairs that can be set aside, the default, and the least number of pairs for it. */
export const shares = [0, 0.05, 0.1, 0.2];
export const usualShare = 0.1;
export const leastPairs = 10;

/** Keys in localStorage: the data set that was chosen last, and the run that was shown last. */
export const remembered = { data: "pix2pix data", run: "pix2pix run" };
