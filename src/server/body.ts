/** Bodies of requests, up to a size. */
import { joined } from "../formats/streams.ts";
import { Refusal } from "./problem.ts";

/**
 * The body of a request, inflated where it came compressed.
 * @throws Refusal 413 for more than `most` bytes, before or after inflating; 415 for an unknown compression, 422 for
 *   one that is not as announced, 400 where the client has gone
 */
export async function bodyOf(request: Request, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > most) throw tooLarge(most);
  if (!request.body) return new Uint8Array();
  const encoding = request.headers.get("content-encoding")?.toLowerCase() ?? "identity";
  if (encoding === "identity") return collect(request.body, most);
  if (encoding !== "gzip" && encoding !== "deflate") {
    throw new Refusal(415, `the body's encoding is ${encoding}; expected gzip, deflate or none`);
  }
  try {
    return await collect(request.body.pipeThrough(new DecompressionStream(encoding)), most);
  } catch (error) {
    throw error instanceof Refusal && error.status === 413
      ? error
      : new Refusal(422, `the body is not ${encoding}, as its headers say`);
  }
}

async function collect(stream: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { value, done } = await reader.read().catch(() => {
      throw new Refusal(400, "the body ended before all of it had come");
    });
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel().catch(() => {});
      throw tooLarge(most);
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
