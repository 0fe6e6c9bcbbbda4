/** The worker: answers each call of the page by a method of `Service`. The page's build bundles it into one file. */
import {
  type Call,
  type Context,
  type EventReply,
  type EventValues,
  type Handlers,
  type Method,
  type Question,
  type Reply,
  sendable,
} from "./protocol.ts";
import { Service } from "./service.ts";

const handlers: Handlers = new Service();
const running = new Map<number, AbortController>();
const reply = (message: Reply) => postMessage(message);

function handle<M extends Method>({ method, args }: Call<M>, context: Context) {
  return handlers[method](context, ...args);
}

addEventListener("message", async ({ data }: MessageEvent<Question>) => {
  const { id } = data;
  if ("abort" in data) return running.get(id)?.abort();
  const controller = new AbortController();
  running.set(id, controller);
  const emit = <E extends keyof EventValues>(event: E, value: EventValues[E]) => {
    const message: EventReply<E> = { id, event, value };
    postMessage(message);
  };
  try {
    reply({ id, result: await handle(data, { emit, signal: controller.signal }) });
  } catch (error) {
    reply({ id, error: sendable(error) });
  } finally {
    running.delete(id);
  }
});
