/** Adapts messages of the library to the page, which has no command line and does not show paths of its storage. */
import type { Imported } from "../../web/import.ts";
import { dataDir } from "./storage.ts";

/** A clause with an option, such as ", or name another --dataset-mode". */
const clause = /(?:[,;]? or|[,;])(?: [^\s.,;]+)* --[a-zA-Z][^.,;]*/g;

/** Paths of a data set in the storage: before the name of a file, and alone after "in". */
const place = new RegExp(`${dataDir}/[^/\\s]+/| in ${dataDir}/[^/\\s,;:]+(?= )`, "g");

/** Removes the path of the data set in the storage, and advice that names options of the command line. */
export function pageWords(message: string): string {
  const plain = message.replaceAll(place, "").replaceAll(clause, "");
  const kept = plain.split(/(?<=\.) /).filter((sentence) => !/ --[a-zA-Z]/.test(sentence));
  return kept.length > 0 ? kept.join(" ") : plain;
}

/** Replaces A and B, the names under which the folders of a set are stored, by the names that the user gave them. */
export function folderWords(message: string, folders: Imported["folders"]): string {
  if (!folders) return message;
  return message.replaceAll(/\b[AB](?=\/| without )|(?<= without )[AB]\b/g, (side) => folders[side === "A" ? 0 : 1]);
}
