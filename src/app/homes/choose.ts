/** The home of this page: what delivers it writes the kind into index.html. */
import type { Home } from "../home.ts";

/** Only what this home needs is loaded. */
export async function chooseHome(): Promise<Home> {
  const kind = document.querySelector<HTMLMetaElement>('meta[name="pix2pix-home"]')?.content;
  if (kind === "server") return new (await import("./server.ts")).ServerHome();
  if (kind === "site") return new (await import("./site.ts")).SiteHome();
  return new (await import("./browser.ts")).BrowserHome();
}
