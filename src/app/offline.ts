/** Registers the service worker (sw.ts) some seconds after the page has loaded: its downloads must not delay the first picture. */

/** Milliseconds between the load event and the registration. */
const delay = 4000;

export function workOffline(): void {
  // Absent on pages that are not on https or localhost.
  const workers: ServiceWorkerContainer | undefined = navigator.serviceWorker;
  if (!workers) return;
  const register = () => setTimeout(() => workers.register("sw.js").catch(console.warn), delay);
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}

/**
 * Waits for the service worker, which adds the headers of cross-origin isolation to the next load of the page.
 * @returns whether a reload will isolate this page, so that WASM can use threads
 */
export async function isolatedByReload(): Promise<boolean> {
  const workers: ServiceWorkerContainer | undefined = navigator.serviceWorker;
  if (crossOriginIsolated || !workers) return false;
  await workers.ready;
  return true;
}
