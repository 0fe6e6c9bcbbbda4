/** Messages between a page and its worker. Errors keep their class, which says what a user can do. */
import * as errors from "../errors.ts";
import type { TrainEvents } from "../training/train.ts";

export type Question = { id: number; method: string; args: unknown[] } | { id: number; abort: true };

export type Reply =
  | { id: number; event: keyof TrainEvents; value: unknown }
  | { id: number; result: unknown }
  | { id: number; error: SentError };

export interface SentError {
  name: string;
  message: string;
  stack: string | undefined;
}

export function sendable(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), stack: undefined };
  return { name: error.name, message: error.message, stack: error.stack };
}

const { nearest: _, quoted: __, ...classes } = errors;

export function received({ name, message, stack }: SentError): Error {
  const known = Object.entries(classes).find(([key]) => key === name)?.[1] ?? Error;
  return Object.assign(new known(message), stack && known === Error ? { name, stack } : {});
}
