/** Alarms of a run: a sentence on what is wrong in its training, and one on what to do. */
import type { Files } from "../platform.ts";
import { Log } from "./logs.ts";

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

/** @param dir the folder of the run */
export const alarmLog = (files: Files, dir: string): Log<AlarmLine> =>
  new Log<AlarmLine>(files, `${dir}/${alarmFile}`, ["epoch", "step"]);

/** The alarms that hold after all lines, oldest first. */
export function alarmsNow(lines: readonly AlarmLine[]): AlarmLine[] {
  const now = new Map<string, AlarmLine>();
  for (const line of lines) {
    if (line.over) now.delete(line.kind);
    else now.set(line.kind, line);
  }
  return [...now.values()];
}
