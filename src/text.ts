/** Short texts for terminals and pages: what comes from outside made safe, sizes, durations, counts, words of a command line. */

const named: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * One line of text for a terminal. Control characters become escapes, such as \x1b for ESC, \x07 for BEL and \n for a
 * line break. So the name of a file or a run cannot move the cursor, change the terminal or begin another line.
 */
export function visible(text: string): string {
  // C0, DEL and C1. Of C1, the single character U+009B has the effect of ESC [.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression looks for control characters
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => {
    return named[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/** "217 MB", "1.9 GB", "512 bytes": a size in units of 1000, with one decimal below 10. */
export function byteCount(bytes: number): string {
  const power = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** power;
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${["bytes", "kB", "MB", "GB"][power]}`;
}

/**
 * "12s", "3m 5s", "4h 12m", "3d 4h": a duration in its two largest units, with zeros left out. Below 0 it is "0s"; "unknown" where it
 * is not finite.
 */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "unknown";
  const whole = Math.max(0, Math.round(seconds));
  const counts = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ] as const;
  const largest = counts.findIndex(([count]) => count > 0);
  if (largest === -1) return "0s";
  const shown = counts.slice(largest, largest + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count}${unit}`).join(" ");
}

/** The spelling that all spellings of a name share: `--lambda_L1`, `lambda-l1` and `lambdaL1` are all "lambdal1". */
export const plainName = (name: string): string => name.toLowerCase().replace(/[-_]/g, "");

/** "1 pair", "2 pairs" */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** A word for a command line to copy, in quotes where a shell would change it. */
export function shellWord(word: string): string {
  return /^[\w./=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * An option with its value for a command line to copy: "--name facades". A value that begins with a dash follows an equals
 * sign, because after a space it would be read as another option.
 */
export function shellOption(flag: string, value: string): string {
  return `${flag}${value.startsWith("-") ? "=" : " "}${shellWord(value)}`;
}

/**
 * The command that translates, for a command line to copy.
 * @param run the options that name the run or its weights
 */
export function translateCommand(run: string, { inputInstances = false }: { inputInstances?: boolean }): string {
  const instances = inputInstances ? " --instances FILE|FOLDER" : "";
  return `npx pix2pix translate ${run} --input FILE|FOLDER${instances} --out FOLDER`;
}
