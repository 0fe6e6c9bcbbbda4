/** Failures of a request, as a status and a sentence. */
import { PictureSizeError, UserError } from "../errors.ts";

/** The statuses that mean a failed request here. */
export type FailedStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 429 | 500 | 501 | 503;

/** A request that is refused. */
export class Refusal extends UserError {
  override name = "Refusal";
  readonly status: FailedStatus;
  /** Seconds after which the request may be sent again. */
  readonly retryAfter: number | undefined;

  constructor(status: FailedStatus, message: string, retryAfter?: number) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The status of any error: those that a user can act on are faults of the request. */
export function statusOf(error: unknown): FailedStatus {
  if (error instanceof Refusal) return error.status;
  if (error instanceof PictureSizeError) return 413;
  if (error instanceof UserError) return 422;
  return 500;
}

/** What breaks off an answer that is under way. The adapter of Node prints it to the log, where a stack would say nothing more. */
export function brokenOff(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}

/** The answer to a request that failed. A fault of the server is not described: its text could hold paths. */
export function failure(error: unknown): Response {
  const status = statusOf(error);
  const text = status === 500 ? "a fault of the server; its log has the details" : (error as Error).message;
  const headers = new Headers({ "Content-Type": "application/json", "Cache-Control": "no-store" });
  if (error instanceof Refusal && error.retryAfter !== undefined) headers.set("Retry-After", String(error.retryAfter));
  if (status === 401) headers.set("WWW-Authenticate", 'Bearer realm="pix2pix"');
  return new Response(`${JSON.stringify({ error: text })}\n`, { status, headers });
}
