/** Draws inputs for a generator and shows its outputs. */
import { useEffect, useState } from "preact/hooks";
import type { DrawingTool } from "../../data/drawing.ts";
import { messageOf } from "../../errors.ts";
import type { Home, OpenRun, RunEntry, StudioPair } from "../home.ts";
import type { PageProps } from "../page.ts";
import { Note } from "../parts/basics.tsx";
import { addressOf, type Route } from "../routes.ts";
import { keptDrawing } from "./kept.ts";
import type { SheetState } from "./sheet.ts";
import { Workbench } from "./workbench.tsx";

/** A run, with what its sheet shows first. */
interface Opened {
  run: OpenRun;
  /** The drawing of the last visit. */
  kept: SheetState | undefined;
  /** A pair of its data set, where no drawing is kept. */
  first: StudioPair | undefined;
}

const hints: Record<DrawingTool, string> = {
  regions: "Change the drawing; the network paints the picture beside it.",
  lines: "Draw lines; the network fills them in.",
  photographs: "Upload a picture or take one; the network translates it.",
};

export function Studio({ home, route }: PageProps) {
  const shown = route.page === "studio";
  const { runs, error: failed } = useRuns(home, shown);
  const { opened, error = failed } = useOpened(home, route, runs);
  const usable = runs?.filter((run) => run.usable) ?? [];
  const title = opened?.run.title ?? "Studio";
  useEffect(() => {
    if (shown) document.title = `${title} · pix2pix`;
  }, [shown, title]);
  return (
    <div class="studio">
      <div class="title">
        <div>
          <h1>{title}</h1>
          {opened && <p class="hint">{hints[opened.run.drawing.tool]}</p>}
        </div>
        {usable.length > 1 && (
          <select
            aria-label="Generator"
            value={opened?.run.name}
            onChange={({ currentTarget }) => {
              location.hash = addressOf({ page: "studio", run: currentTarget.value });
            }}
          >
            {usable.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        )}
      </div>
      {error && <Note bad>{error}</Note>}
      {!opened && !error && (!runs || usable.length > 0) && (
        <p class="soft" role="status">
          {runs ? "Opening the run…" : "Looking for runs…"}
        </p>
      )}
      {runs && usable.length === 0 && !error && (
        <Note>No run has weights yet. Train one; after its first checkpoint you can draw with it here.</Note>
      )}
      {opened && <Workbench key={opened.run.name} {...opened} shown={shown} />}
    </div>
  );
}

function useRuns(home: Home, shown: boolean) {
  const [found, set] = useState<{ runs?: readonly RunEntry[]; error?: string }>({});
  useEffect(() => {
    if (!shown) return;
    home.runs().then(
      (runs) => set({ runs }),
      (error) => set({ error: messageOf(error) }),
    );
  }, [home, shown]);
  return found;
}

/** Opens the run of the address, or the first that can be drawn with. */
function useOpened(home: Home, route: Route, runs: readonly RunEntry[] | undefined) {
  const [opened, set] = useState<Opened>();
  const [error, setError] = useState<string>();
  const asked = route.page === "studio" ? route.run : undefined;
  const name = asked ?? opened?.run.name ?? runs?.find(({ usable }) => usable)?.name;
  useEffect(() => {
    // The error of another run does not hold for this one.
    setError(undefined);
    if (!name || name === opened?.run.name) return;
    let current = true;
    const open = async () => {
      const run = await home.open(name);
      const kept = await keptDrawing(run);
      const first = kept ? undefined : await run.pair().catch(() => undefined);
      if (!current) return run.close();
      set({ run, kept, first });
      await opened?.run.close();
    };
    open().catch((thrown) => current && setError(messageOf(thrown)));
    return () => {
      current = false;
    };
  }, [home, name]);
  return { opened, error };
}
