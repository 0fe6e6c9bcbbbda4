/** One run on the bench: its tools, the sheet, the output. */
import { useEffect, useRef, useState } from "preact/hooks";
import { images } from "../../web/images.ts";
import type { OpenRun, StudioPair } from "../home.ts";
import { messageOf, Note } from "../parts/basics.tsx";
import { save } from "../parts/save.ts";
import { Batch } from "./batch.tsx";
import { Camera } from "./camera.tsx";
import { fitted, type Incoming, looksPaired, pictureFiles, readPicture } from "./incoming.ts";
import { Latency, OutputPane, type View } from "./output-pane.tsx";
import { Paired } from "./paired.tsx";
import { Settings, type StudioSettings, usual } from "./settings.tsx";
import type { State } from "./sheet.ts";
import { SheetView } from "./sheet-view.tsx";
import { IconButton, Swatches, Toolbar } from "./toolbar.tsx";
import { type Desk, stateOf, useDesk } from "./use-desk.ts";
import { useOutput } from "./use-output.ts";
import { useShortcuts } from "./use-shortcuts.ts";

interface WorkbenchProps {
  run: OpenRun;
  /** On the sheet at first. */
  first: StudioPair | undefined;
  /** Whether the studio is the page that is shown. */
  shown: boolean;
}

type Open = { kind: "camera" } | { kind: "paired"; incoming: Incoming } | { kind: "batch"; files: readonly File[] };

/** The widest line, in pixels. */
const widest = 64;

export function Workbench({ run, first, shown }: WorkbenchProps) {
  const [settings, setSettings] = useState(usual);
  const [view, setView] = useState<View>("side");
  const [chosen, choose] = useState(0);
  const [open, setOpen] = useState<Open>();
  const [problem, setProblem] = useState<string>();
  const output = useOutput(run);
  const wish = ({ picture, name }: State, { samples, size: _, ...rest }: StudioSettings) =>
    output.request({ picture, settings: { ...rest, name }, samples });
  const desk = useDesk(run, first && stateOf(first), (state, ended) => {
    if (ended || output.follows()) wish(state, settings);
  });
  useEffect(() => {
    if (first?.output && !output.outputs.picture) output.show(first.output, first.input);
  }, []);
  useEffect(() => {
    wish(desk.state, settings);
    if (chosen >= settings.samples) choose(0);
  }, [settings]);

  const attempt = (work: () => Promise<unknown>) => {
    setProblem(undefined);
    void work().catch((error) => setProblem(messageOf(error)));
  };
  const intake = useIntake(run, desk, settings, attempt, setOpen);
  const saveOutput = () => {
    const picture = [output.outputs.picture, ...output.outputs.samples][chosen];
    if (picture) attempt(async () => save(await images.encodePng(picture), `${desk.state.name}.png`, "image/png"));
  };
  const wipe = () => setView(view === "side" ? "wipe" : "side");
  useShortcuts(shown && !open, run, desk, { save: saveOutput, random: intake.random, wipe });
  return (
    <div class="bench" {...intake.drop}>
      <Toolbar {...desk} thick={desk.hand.thick} most={Math.max(widest, desk.hand.thick)} />
      {problem && <Note bad>{problem}</Note>}
      <div class="panes">
        <Swatches kit={run.drawing} rgb={desk.hand.rgb} choose={desk.setRgb} />
        <section class="pane" aria-label="Drawing">
          <header>
            <h2 class="pane-title">Drawing</h2>
            <IconButton name="random" title="Another of the data set" keys="N" click={intake.random} />
            <FileButton take={intake.files} />
            <IconButton name="camera" title="Camera" click={() => setOpen({ kind: "camera" })} />
            <IconButton
              name="batch"
              title="Many pictures at once"
              click={() => setOpen({ kind: "batch", files: [] })}
            />
          </header>
          <SheetView {...desk} />
        </section>
        <section class="pane" aria-label="Output">
          <header>
            <h2 class="pane-title">Output</h2>
            <Latency milliseconds={output.outputs.milliseconds} />
            <IconButton
              name="wipe"
              title="Wipe between drawing and output"
              keys="W"
              pressed={view === "wipe"}
              click={wipe}
            />
            <IconButton
              {...{ name: "save", title: "Save the output", keys: "Ctrl+S", click: saveOutput }}
              disabled={!output.outputs.picture}
            />
          </header>
          <OutputPane {...{ outputs: output.outputs, state: desk.state, view, chosen, choose }} />
          <Settings {...{ run, settings }} change={(part) => setSettings((before) => ({ ...before, ...part }))} />
        </section>
      </div>
      {open?.kind === "camera" && <Camera take={intake.take} close={() => setOpen(undefined)} />}
      {open?.kind === "paired" && (
        <Paired incoming={open.incoming} take={intake.put} close={() => setOpen(undefined)} />
      )}
      {open?.kind === "batch" && <Batch {...{ run, settings, given: open.files }} close={() => setOpen(undefined)} />}
    </div>
  );
}

function FileButton({ take }: { take(files: readonly File[]): void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton name="upload" title="Upload a picture" click={() => input.current?.click()} />
      <input
        ref={input}
        type="file"
        hidden
        accept="image/*"
        onChange={({ currentTarget }) => {
          take(pictureFiles(currentTarget.files));
          currentTarget.value = "";
        }}
      />
    </>
  );
}

/** The ways in which pictures come onto the sheet. */
function useIntake(
  run: OpenRun,
  desk: Desk,
  { size }: StudioSettings,
  attempt: (work: () => Promise<unknown>) => void,
  open: (dialog: Open) => void,
) {
  const put = (input: Incoming, target?: Incoming) => {
    const sized = ({ picture }: Incoming) => fitted(picture, run, size);
    desk.put({ name: input.name, picture: sized(input), ...(target && { target: sized(target) }) });
  };
  const take = (incoming: Incoming) =>
    looksPaired(incoming.picture, run) ? open({ kind: "paired", incoming }) : put(incoming);
  const files = (given: readonly File[]) => {
    const [file] = given;
    if (given.length > 1) open({ kind: "batch", files: given });
    else if (file) attempt(async () => take(await readPicture(file, file.name)));
  };
  const latest = useRef(files);
  latest.current = files;
  useEffect(() => {
    const paste = ({ clipboardData }: ClipboardEvent) => {
      const pasted = clipboardData ? pictureFiles(clipboardData) : [];
      if (pasted.length > 0) latest.current(pasted);
    };
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  }, []);
  const drop = {
    onDragOver: (event: DragEvent) => event.preventDefault(),
    onDrop(event: DragEvent) {
      event.preventDefault();
      if (event.dataTransfer) files(pictureFiles(event.dataTransfer));
    },
  };
  const random = () =>
    attempt(async () => {
      const pair = await run.pair();
      if (!pair) throw new Error("The data set of this run is not here.");
      desk.put(stateOf(pair));
    });
  return { put, take, files, drop, random };
}
