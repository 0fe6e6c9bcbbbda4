/** Bodies of requests, up to a size. */
import { joined } from "../formats/streams.ts";
import { Refusal } from "./problem.ts";

/** The memory that requests hold while they wait and are answered: their bodies, and outputs until an answer has all of them. */
export class Bodies {
  readonly #most: { body: number; held: number };
  #held = 0;

  /** @param most bytes of one body, and of all requests together */
  constructor(most: { body: number; held: number }) {
    this.#most = most;
  }

  /**
   * Reads the body of a request for `work`.
   * @param work `count` adds bytes that the request holds from now on
   * @throws Refusal as bodyOf, 429 where the bytes find no room beside those of other requests, 413 where they find none alone
   */
  async use<T>(
    request: Request,
    work: (bytes: Uint8Array<ArrayBuffer>, count: (bytes: number) => void) => Promise<T>,
  ): Promise<T> {
    const { body, held } = this.#most;
    let own = 0;
    const check = (bytes: number) => {
      if (own + bytes > held) {
        throw new Refusal(413, `the request and its outputs take more than ${held} bytes; send fewer pictures at once`);
      }
      if (this.#held + bytes <= held) return;
      throw new Refusal(429, `other requests hold ${this.#held - own} bytes, all may hold ${held}; try again`, 5);
    };
    const count = (bytes: number) => {
      check(bytes);
      own += bytes;
      this.#held += bytes;
    };
    try {
      // A body above its own limit is refused by bodyOf, which says so.
      check(Math.min(Number(request.headers.get("content-length") ?? 0) || 0, body));
      return await work(await bodyOf(request, body, count), count);
    } finally {
      this.#held -= own;
    }
  }
}

/**
 * The body of a request, inflated where it came compressed.
 * @param count called with the bytes of each piece; what it throws ends the reading
 * @throws Refusal 413 for more than `most` bytes, before or after inflating; 415 for an unknown compression, 422 for
 *   one that is not as announced, 400 where the client has gone
 */
export async function bodyOf(
  request: Request,
  most: number,
  count?: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > most) throw tooLarge(most);
  if (!request.body) return new Uint8Array();
  const encoding = request.headers.get("content-encoding")?.toLowerCase() ?? "identity";
  if (encoding === "identity") return collect(request.body, most, count);
  if (encoding !== "gzip" && encoding !== "deflate") {
    throw new Refusal(415, `the body's encoding is ${encoding}; expected gzip, deflate or none`);
  }
  try {
    return await collect(request.body.pipeThrough(new DecompressionStream(encoding)), most, count);
  } catch (error) {
    throw error instanceof Refusal && (error.status === 413 || error.status === 429)
      ? error
      : new Refusal(422, `the body is not ${encoding}, as its headers say`);
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  most: number,
  count: (bytes: number) => void = () => {},
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { value, done } = await reader.read().catch(() => {
      throw new Refusal(400, "the body ended before all of it had come");
    });
    if (done) break;
    length += value.length;
    try {
      if (length > most) throw tooLarge(most);
      count(value.length);
    } catch (error) {
      await reader.cancel().catch(() => {});
      throw error;
    }
    parts.push(value);
  }
  return joined(parts);
}

const tooLarge = (most: number) => new Refusal(413, `the body is larger than ${most} bytes`);

/** The body as JSON; an empty one is {}. @throws Refusal 422 for anything that is no object */
export async function jsonOf(request: Request, most: number): Promise<Record<string, unknown>> {
  return objectIn(new TextDecoder().decode(await bodyOf(request, most)));
}

/** @throws Refusal 422 */
export function objectIn(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // The refusal below says it.
  }
  throw new Refusal(422, "the body is not a JSON object");
}
