/** The runs in this browser. */
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import type { RunEntry } from "../home.ts";
import type { PageProps } from "../page.ts";
import { Note } from "../parts/basics.tsx";
import { addressOf } from "../routes.ts";

export function StoredRuns({ home, route }: PageProps) {
  const [runs, setRuns] = useState<readonly RunEntry[]>();
  const [error, setError] = useState<string>();
  const shown = route.page === "runs";
  useEffect(() => {
    if (shown) home.runs().then(setRuns, (thrown) => setError(messageOf(thrown)));
  }, [home, shown]);
  return (
    <div class="page">
      <h1>Runs</h1>
      {error && <Note bad>{error}</Note>}
      <ul class="cards">
        {runs?.map(({ name, title, state, step, steps, usable }) => (
          <li key={name} class="card">
            <h2>{title}</h2>
            <p class="soft">
              {state}
              {step !== undefined && `, step ${step}${steps ? ` of ${steps}` : ""}`}
            </p>
            {usable && <a href={addressOf({ page: "studio", run: name })}>Draw with it</a>}
          </li>
        ))}
      </ul>
    </div>
  );
}
