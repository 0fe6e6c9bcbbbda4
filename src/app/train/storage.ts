/** Where runs and data sets are in the browser's storage, and the data set that the page works with. */

export const checkpointsDir = "runs";
export const dataDir = "data";

export interface DataSet {
  /** Becomes the name of a run. */
  title: string;
  /** Its folder; undefined for the built-in set, which is drawn at the size of the run. */
  root: string | undefined;
  /** Pairs to train on. */
  pairs: number;
  /** Pairs that are kept from training, by the user's wish. */
  held?: number | undefined;
  /** The share that is to be kept when a training begins; undefined where the data set is divided already, or too small. */
  share?: number | undefined;
  direction: "AtoB" | "BtoA";
  /** The user says that its pictures hold both sides, although they are not wider than high. */
  halves?: true | undefined;
}

/** The built-in set: pairs to train on, pairs to test with, and the seed of the drawings. */
export const builtIn = { train: 250, test: 12, seed: 0 };

/** Shares of the pairs that can be kept from training, and how few pairs are too few for that. */
export const shares = [0, 0.05, 0.1, 0.2];
export const usualShare = 0.1;
export const leastPairs = 10;

/** Keys in localStorage: the data set that was chosen last, and the run that was shown last. */
export const remembered = { data: "pix2pix data", run: "pix2pix run" };
