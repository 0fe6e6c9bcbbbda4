/** The frame of all pages: the head with its links, and the page of the route. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../errors.ts";
import type { Home } from "./home.ts";
import type { PageProps } from "./page.ts";
import { Note } from "./parts/basics.tsx";
import { addressOf, type Page, type Route, useRoute } from "./routes.ts";
import { Studio } from "./studio/studio.tsx";

/** The pages that are loaded when they are first opened. */
const loaders: Record<Exclude<Page, "studio">, () => Promise<ComponentType<PageProps>>> = {
  train: async () => (await import("./train/page.tsx")).Train,
  runs: async () => (await import("./dashboard/page.tsx")).Dashboard,
};

const titles: Record<Page, string> = { studio: "Studio", train: "Train", runs: "Runs" };

export function App({ home }: { home: Home }) {
  const asked = useRoute();
  const pages = (Object.keys(titles) as Page[]).filter((page) => page === "studio" || home.abilities[page]);
  // A page that this home does not have, such as #/train on a server, is replaced by the studio, which all have.
  const route: Route = pages.includes(asked.page) ? asked : { page: "studio" };
  useEffect(() => {
    // The studio's title is that of its run.
    if (route.page !== "studio") document.title = `${titles[route.page]} · pix2pix`;
  }, [route.page]);
  // An opened page stays in the document while another is shown: training goes on, a drawing is kept.
  const [opened, open] = useState<readonly Page[]>([]);
  if (!opened.includes(route.page)) open([...opened, route.page]);
  return (
    <>
      <header class="head">
        <a class="brand" href={addressOf({ page: "studio" })}>
          pix<span>2</span>pix
        </a>
        {pages.length > 1 && (
          <nav aria-label="Pages">
            {pages.map((page) => (
              <a key={page} href={addressOf({ page })} aria-current={page === route.page ? "page" : undefined}>
                {titles[page]}
              </a>
            ))}
          </nav>
        )}
      </header>
      {opened.map((page) => (
        <main key={page} id={page} hidden={page !== route.page}>
          {page === "studio" ? (
            <Studio home={home} route={route} />
          ) : (
            <Loaded load={loaders[page]} home={home} route={route} />
          )}
        </main>
      ))}
    </>
  );
}

function Loaded({ load, ...props }: PageProps & { load(): Promise<ComponentType<PageProps>> }) {
  // A function as state must be wrapped: setState would call it.
  const [found, set] = useState<{ View?: ComponentType<PageProps>; error?: unknown }>({});
  useEffect(() => {
    load().then(
      (View) => set({ View }),
      (error) => set({ error }),
    );
  }, []);
  if (found.error) return <Note bad>This part of the page cannot be loaded: {messageOf(found.error)}</Note>;
  return found.View ? <found.View {...props} /> : null;
}
