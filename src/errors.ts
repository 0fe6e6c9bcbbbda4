import { plainName } from "./text.ts";

/**
 * An error that a user can act on. The message says what failed, the value found and the value expected, where, and
 * what to do next. The command line prints it without a stack trace.
 */
export class UserError extends Error {
  override name = "UserError";
}

/** A wrong option or value on the command line or in a config. The command line exits with 2. */
export class ConfigError extends UserError {
  override name = "ConfigError";
  /** Each wrong option in a sentence of its own. */
  readonly problems: readonly string[];

  constructor(message: string, problems: readonly string[] = [message]) {
    super(message);
    this.problems = problems;
  }
}

/** A data set that cannot be used as it is. */
export class DatasetError extends UserError {
  override name = "DatasetError";
}

/** A checkpoint that is missing, truncated or of another network. */
export class CheckpointError extends UserError {
  override name = "CheckpointError";
}

/** A picture with more pixels than the limit of the caller. */
export class PictureSizeError extends UserError {
  override name = "PictureSizeError";
}

/** A file that cannot be written, because the disk is full or a permission is missing. The input is not the cause. */
export class WriteError extends UserError {
  override name = "WriteError";
}

/** A device that is absent, or a graph that it cannot run. */
export class DeviceError extends UserError {
  override name = "DeviceError";
}

/** A device that failed during a computation: it is out of memory or lost. */
export class DeviceLostError extends DeviceError {
  override name = "DeviceLostError";
}

/**
 * Shapes that do not fit together: a fault of the code that builds a graph or compares pictures. The message names the
 * op, the shapes and the scope. Sizes that a user chooses are refused before, as a ConfigError or UserError.
 */
export class ShapeError extends Error {
  override name = "ShapeError";
}

/**
 * What an error says. From Node 22 on, an error of a web stream that unpacks has an empty message, and its cause has the reason.
 */
export function messageOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : { message: String(error), cause: undefined };
  return message === "" && cause instanceof Error ? cause.message : message;
}

/**
 * A value as JSON for a message, cut to `most` characters. NaN and infinities are written as such; JSON would write null.
 * For a value that is nested too deeply for JSON in Node 20 to 24 the text says so.
 */
export function quoted(value: unknown, most = 100): string {
  if (typeof value === "number") return String(value);
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, most);
  } catch {
    return "a value that is nested too deeply";
  }
}

/** @throws ConfigError for a number that is no whole number from 1 @param what it counts: "threads" */
export function checkCount(what: string, count: number): void {
  if (Number.isInteger(count) && count >= 1) return;
  throw new ConfigError(`${what}: got ${count}, expected a whole number, at least 1`);
}

/** Throws a ConfigError that lists every problem; does nothing when there is none. */
export function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const [first] = problems;
  throw new ConfigError(
    problems.length === 1 && first
      ? first
      : `${problems.length} options are wrong:\n${problems.map((p) => `  ${p}`).join("\n")}`,
    problems,
  );
}

/**
 * The choice that a misspelt word most probably means: the only one that begins with it, or else the nearest by edit
 * distance; undefined where more than half of the word differs.
 */
export function nearest(word: string, choices: readonly string[]): string | undefined {
  const plain = plainName(word);
  const [longer, ...more] = plain.length > 1 ? choices.filter((choice) => plainName(choice).startsWith(plain)) : [];
  if (longer !== undefined && more.length === 0) return longer;
  const ranked = choices
    .map((choice) => ({ choice, distance: editDistance(plain, plainName(choice)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  // At least one letter has to be right: for a word of two letters, two changes would reach any other such word.
  const { length } = plain;
  const most = Math.min(Math.max(2, Math.floor(length / 2)), Math.max(1, length - 1));
  return best && best.distance <= most ? best.choice : undefined;
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const [above, before] = [rows[i - 1]!, rows[i - 2]];
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (before && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
