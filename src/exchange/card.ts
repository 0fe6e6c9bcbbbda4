/** The model card of an export: what the generator is, how it is used, and whose it is. */
import type { WrittenFile } from "./format.ts";
import type { ExportModel } from "./model.ts";

export interface CardFacts {
  format: string;
  /** Markdown. */
  usage: string;
  licence?: string | undefined;
  written: readonly WrittenFile[];
}

export async function modelCard(
  { name }: ExportModel,
  { format, usage, licence, written }: CardFacts,
): Promise<string> {
  return [
    `# ${name}`,
    `Made by \`pix2pix export --format ${format}\`.`,
    usage,
    ...(licence ? ["## Licence", licence] : []),
    "## Files",
    written.map(({ path, bytes }) => `* \`${path}\`: ${bytes} bytes`).join("\n"),
  ]
    .filter(Boolean)
    .join("\n\n")
    .concat("\n");
}
