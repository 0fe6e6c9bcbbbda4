/** Where runs and data sets are in the browser's storage, and the data set that the page works with. */

export const checkpointsDir = "runs";
export const dataDir = "data";

export interface DataSet {
  /** Becomes the name of a run. */
  title: string;
  /** Its folder; undefined for the built-in set, which is drawn at the size of the run. */
  root: string | undefined;
  pairs: number;
  direction: "AtoB" | "BtoA";
  /** The user says that its pictures hold both sides, although they are not wider than high. */
  halves?: true | undefined;
}
