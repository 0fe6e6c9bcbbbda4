/** Answers that clients have not read yet: what they take together is limited, however slowly clients read. */
import type { Limits } from "./limits.ts";
import { brokenOff, Refusal } from "./problem.ts";

/** Bytes of a piece. A few of them are with the socket while a client reads slowly. */
const piece = 2 ** 18;

type Content = Uint8Array | ReadableStream<Uint8Array>;

export class Unread {
  readonly #what: string;
  readonly #limits: Pick<Limits, "unread" | "stall">;
  #held = 0;

  /** @param what the answers are, for messages */
  constructor(what: string, limits: Pick<Limits, "unread" | "stall">) {
    this.#what = what;
    this.#limits = limits;
  }

  /**
   * Counts bytes until the returned function is called. An answer that is alone finds room however large it is.
   * @throws Refusal 429 where they find no room beside those of other clients
   */
  hold(bytes: number): () => void {
    const { unread } = this.#limits;
    if (this.#held > 0 && this.#held + bytes > unread) {
      throw new Refusal(
        429,
        `${this.#what} that other clients have not read yet take ${this.#held} bytes, all may take ${unread}; try again`,
        10,
      );
    }
    this.#held += bytes;
    let isHeld = true;
    return () => {
      if (isHeld) this.#held -= bytes;
      isHeld = false;
    };
  }

  /** The content of an answer, which counts until it is read. @param bytes that it takes. @throws Refusal as `hold` */
  send(content: Content, bytes: number): ReadableStream<Uint8Array> {
    return this.untilRead(content, this.hold(bytes));
  }

  /**
   * The content in pieces.
   * @param over called once: when all is read, the client has gone, or it has taken nothing for a while and is dropped
   */
  untilRead(content: Content, over: () => void): ReadableStream<Uint8Array> {
    const source = streamOf(content).getReader();
    let rest: Uint8Array = new Uint8Array();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const end = () => {
      clearTimeout(timer);
      rest = new Uint8Array();
      if (!isOver) over();
      isOver = true;
    };
    const watch = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      timer = setTimeout(() => {
        end();
        controller.error(
          brokenOff(`a client has read nothing for ${this.#limits.stall} seconds: its answer is broken off`),
        );
        void source.cancel().catch(() => {});
      }, this.#limits.stall * 1000);
    };
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      clearTimeout(timer);
      try {
        if (rest.length === 0) rest = (await nextPart(source)) ?? rest;
      } catch (error) {
        end();
        throw error;
      }
      if (isOver) return;
      if (rest.length === 0) {
        end();
        return controller.close();
      }
      // A copy: a view would keep all of the answer as long as the socket has its last piece.
      controller.enqueue(rest.slice(0, piece));
      rest = rest.subarray(piece);
      watch(controller);
    };
    const cancel = async () => {
      end();
      await source.cancel().catch(() => {});
    };
    return new ReadableStream<Uint8Array>({ start: watch, pull, cancel }, { highWaterMark: 0 });
  }
}

/** The next part that is not empty; undefined after the last one. */
async function nextPart(source: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  const { value, done } = await source.read();
  return done || value.length > 0 ? value : nextPart(source);
}

function streamOf(content: Content): ReadableStream<Uint8Array> {
  if (content instanceof ReadableStream) return content;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(content);
      controller.close();
    },
  });
}
