/** The generators that are published with the page. */
import { useEffect, useState } from "preact/hooks";
import type { RunEntry } from "../home.ts";
import { addressOf } from "../routes.ts";
import { useDashboard } from "./board.ts";

export function PublishedCards({ shown }: { shown: boolean }) {
  const { home } = useDashboard();
  const [runs, setRuns] = useState<readonly RunEntry[]>([]);
  useEffect(() => {
    if (!shown) return;
    home.runs().then(
      (all) => setRuns(all.filter(({ published }) => published)),
      () => {},
    );
  }, [home, shown]);
  if (runs.length === 0) return null;
  return (
    <section aria-labelledby="published-title">
      <h2 id="published-title">Ready to use</h2>
      <ul class="cards">
        {runs.map(({ name, title }) => (
          <li key={name} class="card">
            <h3>{title}</h3>
            <p class="soft">A trained generator that came with this page.</p>
            <a href={addressOf({ page: "studio", run: name })}>Draw with it</a>
          </li>
        ))}
      </ul>
    </section>
  );
}
