/** Messages of the library in the words of the page, which has no command line and shows no storage. */
import { dataDir } from "./storage.ts";

/** A clause with an option, such as ", or name another --dataset-mode". */
const clause = /(?:[,;]? or|[,;])(?: [^\s.,;]+)* --[a-zA-Z][^.,;]*/g;

/** Without the place of the data set in the storage, and without advice that names options of the command line. */
export function pageWords(message: string): string {
  const plain = message.replaceAll(new RegExp(`${dataDir}/[^/\\s]+/`, "g"), "").replaceAll(clause, "");
  const kept = plain.split(/(?<=\.) /).filter((sentence) => !/ --[a-zA-Z]/.test(sentence));
  return kept.length > 0 ? kept.join(" ") : plain;
}
