/**
 * The service worker: after the first visit the page works without a network, and on hosts that send no headers of cross-origin
 * isolation it has them from the second visit on, so that WASM has threads.
 */

/** In the line before this script: the digest of the files, and those that are kept, relative to the page. */
declare const pix2pixPage: { version: string; files: readonly string[] };

/** What TypeScript's library for pages does not declare. */
interface WorkerEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface RequestEvent extends WorkerEvent {
  request: Request;
  respondWith(response: Promise<Response>): void;
}
interface WorkerScope {
  registration: { scope: string };
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(name: "install" | "activate", handler: (event: WorkerEvent) => void): void;
  addEventListener(name: "fetch", handler: (event: RequestEvent) => void): void;
}
declare const self: WorkerScope;

const prefix = `pix2pix ${self.registration.scope} `;
const cacheName = prefix + pix2pixPage.version;
/** Files with a digest or a version in their name: a cached copy is never out of date. */
const unchanging = /\/assets\//;

self.addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(cacheName);
    await cache.addAll(pix2pixPage.files);
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith(prefix) && name !== cacheName);
    await Promise.all(names.map((name) => caches.delete(name)));
  };
  event.waitUntil(clean());
  // Not awaited: in Firefox it ends when all workers of the page have answered, which the runtime's threads never do. Until this event
  // ends, all requests of the page would wait.
  void self.clients.claim();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  event.respondWith(answer(request).then(isolated));
});

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(cacheName);
  const kept = () => cache.match(request, { ignoreSearch: true });
  if (unchanging.test(request.url)) {
    const found = await kept();
    if (found) return found;
    const response = await fetch(request);
    // The page works without the cache where the storage is full.
    if (response.ok) await cache.put(request, response.clone()).catch(() => {});
    return response;
  }
  try {
    return await fetch(request);
  } catch (error) {
    const found = await kept();
    if (found) return found;
    throw error;
  }
}

/** Cross-origin isolation: https://web.dev/articles/coop-coep */
function isolated(response: Response): Response {
  if (response.status === 0 || response.redirected) return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
