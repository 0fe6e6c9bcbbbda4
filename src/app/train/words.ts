/** Messages of the library in the words of the page, which has no command line and shows no storage. */
import type { Imported } from "../../web/import.ts";
import { dataDir } from "./storage.ts";

/** A clause with an option, such as ", or name another --dataset-mode". */
const clause = /(?:[,;]? or|[,;])(?: [^\s.,;]+)* --[a-zA-Z][^.,;]*/g;

/** The folder of a data set in the storage: before a file in it, and alone. */
const place = new RegExp(`${dataDir}/[^/\\s]+/| in ${dataDir}/[^/\\s,;:]+(?= )`, "g");

/** Without the place of the data set in the storage, and without advice that names options of the command line. */
export function pageWords(message: string): string {
  const plain = message.replaceAll(place, "").replaceAll(clause, "");
  const kept = plain.split(/(?<=\.) /).filter((sentence) => !/ --[a-zA-Z]/.test(sentence));
  return kept.length > 0 ? kept.join(" ") : plain;
}

/** With the folders of a set, which are stored as A and B, by the names that the user gave them. */
export function folderWords(message: string, folders: Imported["folders"]): string {
  if (!folders) return message;
  return message.replaceAll(/\b[AB](?=\/| without )|(?<= without )[AB]\b/g, (side) => folders[side === "A" ? 0 : 1]);
}
