/** Adapts messages of the library to the page, which has no command line and does not show paths of its storage. */
import { UserError } from "../../errors.ts";
import type { Imported } from "../../web/import.ts";
import { checkpointsDir, dataDir } from "./storage.ts";

/** A clause with an option, such as ", or name another --dataset-mode". */
const clause = /(?:[,;]? or|[,;])(?: [^\s.,;]+)* --[a-zA-Z][^.,;]*/g;

/** Paths of a data set in the storage: before the name of a file, and alone after "in". */
const place = new RegExp(`${dataDir}/[^/\\s]+/| in ${dataDir}/[^/\\s,;:]+(?= )`, "g");

/** The sentences on a run that exists. */
const exists = new RegExp(
  `The run ${checkpointsDir}/(.*?) exists already\\. Choose another --name, or remove the folder\\.`,
);
const existsHere =
  'There is a run "$1" already. Delete it on the page Train, or give the new one another name: "Open a model" in the studio asks for it.';

/** A run that is not there, with what the folder of all runs holds. */
const missing = /(There is no run ".*?"): .*? does not exist\. .*/s;
const missingHere = "$1. It may have been deleted.";

/** Advice for a zip that is no project; on the page it is often one of pictures. */
const zipAdvice = "Files of weights from elsewhere are given without a zip around them.";
const zipAdviceHere =
  "Choose files of weights without a zip around them. A zip of pictures to train on is for the page Train.";

/** A run as a clause names it, and the folder of a run before the name of a file. */
const aRun = new RegExp(`\\b(run|of) ${checkpointsDir}/(.*?) (?=(?:is being|has|have)\\b)`, "g");
const runFolder = new RegExp(`${checkpointsDir}/[^/]{1,200}?/(?=[\\w./-]+\\.(?:jsonl?|safetensors|png))`, "g");

/** Advice that a user of the page can follow: these options are behind "More options", by the names of their fields. */
const advised: readonly (readonly [RegExp, string])[] = [
  [/a smaller --lr\b/g, "a smaller \u201clr\u201d"],
  [/, --clip-grad 1\b/g, ", \u201cclip grad\u201d 1"],
  [/ with pix2pix inspect\b| \(pix2pix inspect\)/g, ""],
  [new RegExp(`(is intact) in ${checkpointsDir}/[^:]*(?=: continue)`, "g"), "$1"],
];

/** Removes paths of the storage, and advice that names other options of the command line. */
export function pageWords(message: string): string {
  const named = advised
    .reduce((text, [found, words]) => text.replaceAll(found, words), message)
    .replace(exists, existsHere)
    .replace(missing, missingHere)
    .replace(zipAdvice, zipAdviceHere)
    .replaceAll(aRun, '$1 "$2" ')
    .replaceAll(runFolder, "");
  const plain = named.replaceAll(place, "").replaceAll(clause, "");
  const kept = plain.split(/(?<=\.) /).filter((sentence) => !/ --[a-zA-Z]/.test(sentence));
  return kept.length > 0 ? kept.join(" ") : plain;
}

/** @throws UserError in the words of the page */
export const inPageWords = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error) => {
    throw error instanceof UserError ? new UserError(pageWords(error.message)) : error;
  });

/** Replaces A and B, the names under which the folders of a set are stored, by the names that the user gave them. */
export function folderWords(message: string, folders: Imported["folders"]): string {
  if (!folders) return message;
  return message.replaceAll(/\b[AB](?=\/| without )|(?<= without )[AB]\b/g, (side) => folders[side === "A" ? 0 : 1]);
}
