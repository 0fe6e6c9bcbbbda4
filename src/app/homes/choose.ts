/** The home of this page: what delivers it writes the kind into index.html. */
import type { Home } from "../home.ts";
import { BrowserHome } from "./browser.ts";
import { ServerHome } from "./server.ts";
import { SiteHome } from "./site.ts";

export function chooseHome(): Home {
  const kind = document.querySelector<HTMLMetaElement>('meta[name="pix2pix-home"]')?.content;
  if (kind === "server") return new ServerHome();
  return kind === "site" ? new SiteHome() : new BrowserHome();
}
