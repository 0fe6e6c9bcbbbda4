/** The worker's end: answers each message by a method of `Service`. Made into a file of its own by the page's build. */
import { type Question, type Reply, sendable } from "./protocol.ts";
import { type Context, Service } from "./service.ts";

/** A worker's own scope, which TypeScript's library for pages lacks. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Question>) => void;
  postMessage(message: Reply): void;
};

const service = new Service() as unknown as Record<string, (context: Context, ...args: unknown[]) => unknown>;
const running = new Map<number, AbortController>();

scope.onmessage = async ({ data }) => {
  const { id } = data;
  if ("abort" in data) return running.get(id)?.abort();
  const controller = new AbortController();
  running.set(id, controller);
  const emit: Context["emit"] = (event, value) => scope.postMessage({ id, event, value });
  try {
    const result = await service[data.method]!({ emit, signal: controller.signal }, ...data.args);
    scope.postMessage({ id, result });
  } catch (error) {
    scope.postMessage({ id, error: sendable(error) });
  } finally {
    running.delete(id);
  }
};
