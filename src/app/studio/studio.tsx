/** Draws inputs for a generator and shows its outputs. */
import { useEffect, useState } from "preact/hooks";
import type { DrawingTool } from "../../data/drawing.ts";
import { messageOf } from "../../errors.ts";
import type { Home, OpenRun, RunEntry, StudioPair } from "../home.ts";
import type { PageProps } from "../page.ts";
import { Button, Note } from "../parts/basics.tsx";
import { isModelFile } from "../parts/model-files.ts";
import { addressOf, type Route } from "../routes.ts";
import { keptDrawing } from "./kept.ts";
import { OpenModel } from "./open-model.tsx";
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
  const [looks, setLooks] = useState(0);
  const { runs, error: failed } = useRuns(home, shown, `${route.run} ${looks}`);
  // The files of a model that is about to be opened: undefined where there is none, empty where they are yet to be chosen.
  const [model, setModel] = useState<readonly File[]>();
  const { opened, error = failed } = useOpened(home, route, runs);
  const usable = runs?.filter((run) => run.usable) ?? [];
  const title = opened?.run.title ?? "Studio";
  useEffect(() => {
    if (shown) document.title = `${title} · pix2pix`;
  }, [shown, title]);
  const look = () => setLooks((before) => before + 1);
  /** Opens or closes the dialog, and reads the runs again: it refuses their names, and makes one. */
  const take = (files: readonly File[] | undefined) => {
    setModel(files);
    look();
  };
  const dropped = (event: DragEvent) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!home.openModel || !files.some(isModelFile)) return;
    event.preventDefault();
    event.stopPropagation();
    take(files);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a place to drop files; the button "Open a model" does the same by the keyboard
    <div class="studio" onDropCapture={dropped} onDragOver={(event) => event.preventDefault()}>
      <div class="title">
        <div>
          <h1>{title}</h1>
          {opened && <p class="hint">{hints[opened.run.drawing.tool]}</p>}
        </div>
        <div class="row">
          {usable.length > 1 && <Generators usable={usable} current={opened?.run.name} />}
          {home.openModel && (
            <Button id="open-model" onClick={() => take([])}>
              Open a model…
            </Button>
          )}
        </div>
      </div>
      {error ? <Note bad>{error}</Note> : <Standing usable={runs && usable} opened={opened !== undefined} />}
      {opened && (
        <Workbench key={`${opened.run.name} ${opened.run.made}`} {...opened} shown={shown && !model} renewed={look} />
      )}
      {model && (
        <OpenModel
          {...{ home, given: model, taken: runs?.map(({ name }) => name) ?? [] }}
          opened={(name) => {
            take(undefined);
            show(name);
          }}
          close={() => take(undefined)}
        />
      )}
    </div>
  );
}

/** What the studio waits for, if anything. @param usable undefined until the runs are known */
function Standing({ usable, opened }: { usable: readonly RunEntry[] | undefined; opened: boolean }) {
  if (usable?.length === 0) {
    return <Note>No run has weights yet. Train one; after its first checkpoint you can draw with it here.</Note>;
  }
  if (opened) return null;
  return (
    <p class="soft" role="status">
      {usable ? "Opening the run…" : "Looking for runs…"}
    </p>
  );
}

/** Shows a run by the address, so that the browser's back button returns to the one before. */
function show(name: string): void {
  location.hash = addressOf({ page: "studio", run: name });
}

function Generators({ usable, current }: { usable: readonly RunEntry[]; current: string | undefined }) {
  return (
    <select aria-label="Generator" value={current} onChange={({ currentTarget }) => show(currentTarget.value)}>
      {usable.map(({ name, title }) => (
        <option key={name} value={name}>
          {title}
        </option>
      ))}
    </select>
  );
}

/** The runs; read again when the page is shown, and when `wanted` changes: the address names another run, or one was made. */
function useRuns(home: Home, shown: boolean, wanted: string) {
  const [found, set] = useState<{ runs?: readonly RunEntry[]; error?: string }>({});
  useEffect(() => {
    if (!shown) return;
    home.runs().then(
      (runs) => set({ runs }),
      (error) => set({ error: messageOf(error) }),
    );
  }, [home, shown, wanted]);
  return found;
}

/** Opens the run of the address; without one it keeps the opened run while there is one, else it takes the first that can be drawn with. */
function useOpened(home: Home, route: Route, runs: readonly RunEntry[] | undefined) {
  const [opened, set] = useState<Opened>();
  const [error, setError] = useState<string>();
  const asked = route.page === "studio" ? route.run : undefined;
  const entry = opened && runs?.find(({ name }) => name === opened.run.name);
  const name = asked ?? (runs && !entry ? undefined : opened?.run.name) ?? runs?.find(({ usable }) => usable)?.name;
  // Another run has taken the name of the opened one.
  const replaced = entry?.made !== undefined && entry.made !== opened?.run.made;
  useEffect(() => {
    // The error of another run does not hold for this one.
    setError(undefined);
    if (!name || (name === opened?.run.name && !replaced)) return;
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
  }, [home, name, replaced]);
  return { opened, error };
}
