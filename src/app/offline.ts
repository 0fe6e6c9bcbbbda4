/** Registers the service worker (sw.ts), once the page is at rest: what it fetches must not delay the first picture. */

/** Milliseconds after the page has loaded. */
const rest = 4000;

export function workOffline(): void {
  // Absent on pages that are not on https or localhost.
  const workers: ServiceWorkerContainer | undefined = navigator.serviceWorker;
  if (!workers) return;
  const register = () => setTimeout(() => workers.register("sw.js").catch(console.warn), rest);
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}

/**
 * Whether a reload gives this page the headers of isolation, and so WASM its threads: the host sends none, and the service worker,
 * which adds them, has been installed since the page was loaded.
 */
export async function isolatedByReload(): Promise<boolean> {
  const workers: ServiceWorkerContainer | undefined = navigator.serviceWorker;
  if (crossOriginIsolated || !workers) return false;
  await workers.ready;
  return true;
}
