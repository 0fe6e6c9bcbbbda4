/** Text that comes from outside, such as file names, made safe for a terminal. */

/**
 * Text for a terminal: control characters as escapes, such as \\x1b for ESC and \\x07 for BEL, so that a file name cannot
 * move the cursor or change the terminal. Line breaks and tabs stay.
 */
export function visible(text: string): string {
  // C0 without tab and line feed, DEL, and C1, where one byte (0x9b) begins what ESC [ does.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/** A name of a file or run within a line of text: as `visible`, and line breaks and tabs as escapes too. */
export function visibleName(name: string): string {
  return visible(name.replace(/\n/g, "\\n").replace(/\t/g, "\\t"));
}
