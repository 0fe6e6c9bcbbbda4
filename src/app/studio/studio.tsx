/** Draws inputs for a generator and shows its outputs. */
import { useEffect, useState } from "preact/hooks";
import type { OpenRun } from "../home.ts";
import type { PageProps } from "../page.ts";
import { messageOf, Note } from "../parts/basics.tsx";

export function Studio({ home, route }: PageProps) {
  const [run, setRun] = useState<OpenRun>();
  const [error, setError] = useState<string>();
  useEffect(() => {
    const open = async () => {
      const name = route.run ?? (await home.runs()).find(({ usable }) => usable)?.name;
      if (name) setRun(await home.open(name));
    };
    open().catch((thrown) => setError(messageOf(thrown)));
  }, [home, route.run]);
  return (
    <div class="page">
      <h1>{run?.title ?? "Studio"}</h1>
      {error && <Note bad>{error}</Note>}
    </div>
  );
}
