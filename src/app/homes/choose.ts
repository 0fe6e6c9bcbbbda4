/** Chooses the home of this page by the kind that its deliverer has written into index.html. */
import type { Home } from "../home.ts";

/** Loads only the module of the chosen home. */
export async function chooseHome(): Promise<Home> {
  const kind = document.querySelector<HTMLMetaElement>('meta[name="pix2pix-home"]')?.content;
  if (kind === "server") return new (await import("./server.ts")).ServerHome();
  if (kind === "site") return new (await import("./site.ts")).SiteHome();
  return new (await import("./browser.ts")).BrowserHome();
}
