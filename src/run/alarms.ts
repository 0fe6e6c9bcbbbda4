/** Alarms of a run: a sentence on what is wrong in its training, and one on what to do. */
import type { Files } from "../platform.ts";

/** A line of alarms.jsonl: an alarm that begins, or that is over. */
export interface AlarmLine {
  epoch: number;
  step: number;
  kind: string;
  /** A sentence on what was found. */
  text: string;
  /** A sentence on what to do. */
  advice: string;
  /** The alarm is over. */
  over?: boolean;
}

export const alarmFile = "alarms.jsonl";

/** The lines of the file up to a step; a line that a kill has cut short is left out. */
export async function readAlarms(files: Files, path: string, step = Number.POSITIVE_INFINITY): Promise<AlarmLine[]> {
  if (!(await files.exists(path))) return [];
  const text = new TextDecoder().decode(await files.read(path));
  return text.split("\n").flatMap((line) => {
    try {
      const alarm = JSON.parse(line) as AlarmLine;
      return typeof alarm.kind === "string" && typeof alarm.step === "number" && alarm.step <= step ? [alarm] : [];
    } catch {
      return [];
    }
  });
}

/** The alarms that hold after all lines, oldest first. */
export function alarmsNow(lines: readonly AlarmLine[]): AlarmLine[] {
  const now = new Map<string, AlarmLine>();
  for (const line of lines) {
    if (line.over) now.delete(line.kind);
    else now.set(line.kind, line);
  }
  return [...now.values()];
}
