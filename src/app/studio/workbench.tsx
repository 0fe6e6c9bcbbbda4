/** The studio of one run: tools, sheet and output. */
import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf, UserError } from "../../errors.ts";
import { images } from "../../web/images.ts";
import type { OpenRun, StudioPair } from "../home.ts";
import { Note } from "../parts/basics.tsx";
import { takenFiles } from "../parts/pick.ts";
import { save as saveFile } from "../parts/save.ts";
import { Batch } from "./batch.tsx";
import { Camera } from "./camera.tsx";
import { fitted, type Incoming, looksPaired, notPictures, readPicture, splitFiles } from "./incoming.ts";
import { useKeeping } from "./kept.ts";
import { Latency, OutputPane, type View } from "./output-pane.tsx";
import { Paired } from "./paired.tsx";
import { Settings, type StudioSettings, usual } from "./settings.tsx";
import type { SheetState } from "./sheet.ts";
import { SheetView } from "./sheet-view.tsx";
import { IconButton, Swatches, Toolbar } from "./toolbar.tsx";
import { widestLine } from "./tools.ts";
import { type Desk, stateOf, useDesk } from "./use-desk.ts";
import { type Outputs, useOutput } from "./use-output.ts";
import { useShortcuts } from "./use-shortcuts.ts";

interface WorkbenchProps {
  run: OpenRun;
  /** What the sheet shows first: the drawing of the last visit, else a pair, else an empty picture. */
  kept: SheetState | undefined;
  first: StudioPair | undefined;
  /** Whether the studio is the page that is shown. */
  shown: boolean;
  /** Called when what the run takes was changed: it has to be opened anew. */
  renewed(): void;
}

type OpenDialog =
  | { kind: "camera" }
  | { kind: "paired"; incoming: Incoming }
  | { kind: "batch"; files: readonly File[] };

export function Workbench({ run, kept, first, shown, renewed }: WorkbenchProps) {
  const [settings, setSettings] = useState(usual);
  const [view, setView] = useState<View>("side");
  const [chosen, choose] = useState(0);
  const [dialog, open] = useState<OpenDialog>();
  const [problem, setProblem] = useState<string>();
  const output = useOutput(run);
  const request = ({ picture, name }: SheetState, { samples, size: _, ...rest }: StudioSettings) =>
    output.request({ picture, settings: { ...rest, name }, samples });
  const keep = useKeeping(run, output.outputs.busy);
  const desk = useDesk(run, kept ?? (first && stateOf(first)), (state, ended) => {
    if (ended || output.follows()) request(state, settings);
    if (ended) keep(state);
  });
  useEffect(() => {
    if (first?.output && !output.outputs.picture) output.show(first.output, first.input);
  }, []);
  useEffect(() => {
    request(desk.state, settings);
    if (chosen >= settings.samples) choose(0);
  }, [settings]);

  const attempt = (work: () => Promise<unknown>) => {
    setProblem(undefined);
    void work().catch((error) => setProblem(messageOf(error)));
  };
  const intake = useIntake(run, desk, settings, attempt, open, shown && !dialog);
  const save = () => {
    const picture = [output.outputs.picture, ...output.outputs.samples][chosen];
    if (picture) attempt(async () => saveFile(await images.encodePng(picture), `${desk.state.name}.png`, "image/png"));
  };
  const wipe = () => setView(view === "side" ? "wipe" : "side");
  useShortcuts(shown && !dialog, run, desk, { save, random: intake.random, wipe });
  const change = (part: Partial<StudioSettings>) => setSettings((before) => ({ ...before, ...part }));
  return (
    <div class="bench" {...intake.drop}>
      <Toolbar {...desk} thick={desk.toolSettings.thick} most={widestLine(run.drawing.tool, run.width)} />
      {problem && <Note bad>{problem}</Note>}
      <div class="panes">
        <Swatches kit={run.drawing} rgb={desk.toolSettings.rgb} choose={desk.setRgb} />
        <section class="pane" aria-label="Drawing">
          <DrawingHead {...{ intake, open }} />
          <SheetView {...desk} />
        </section>
        <section class="pane" aria-label="Output">
          <OutputHead {...{ outputs: output.outputs, view, wipe, save }} />
          <OutputPane {...{ outputs: output.outputs, state: desk.state, view, chosen, choose }} />
          <Settings {...{ run, settings, change, renewed }} />
        </section>
      </div>
      {dialog && <Dialogs {...{ dialog, run, settings, intake }} close={() => open(undefined)} />}
    </div>
  );
}

/** The title of the drawing, and where other pictures come from. */
function DrawingHead({ intake, open }: { intake: Intake; open(dialog: OpenDialog): void }) {
  return (
    <header>
      <h2 class="pane-title">Drawing</h2>
      <IconButton name="random" title="Another picture of the data set" keys="N" click={intake.random} />
      <FileButton take={intake.files} />
      <IconButton name="camera" title="Camera" click={() => open({ kind: "camera" })} />
      <IconButton name="batch" title="Many pictures at once" click={() => open({ kind: "batch", files: [] })} />
    </header>
  );
}

interface OutputHeadProps {
  outputs: Outputs;
  view: View;
  wipe(): void;
  save(): void;
}

function OutputHead({ outputs, view, wipe, save }: OutputHeadProps) {
  const pressed = view === "wipe";
  return (
    <header>
      <h2 class="pane-title">Output</h2>
      <Latency {...outputs} />
      <IconButton {...{ name: "wipe", title: "Wipe between drawing and output", keys: "W", pressed, click: wipe }} />
      <IconButton name="save" title="Save the output" keys="Ctrl+S" disabled={!outputs.picture} click={save} />
    </header>
  );
}

interface DialogsProps {
  dialog: OpenDialog;
  run: OpenRun;
  settings: StudioSettings;
  intake: Intake;
  close(): void;
}

function Dialogs({ dialog, run, settings, intake, close }: DialogsProps) {
  if (dialog.kind === "camera") return <Camera take={intake.take} close={close} />;
  if (dialog.kind === "paired") return <Paired incoming={dialog.incoming} take={intake.put} close={close} />;
  return <Batch {...{ run, settings, given: dialog.files, close }} />;
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
        onChange={({ currentTarget }) => take(takenFiles(currentTarget))}
      />
    </>
  );
}

/** @throws UserError that names a file that cannot be read */
function readNamed(file: File): Promise<Incoming> {
  return readPicture(file, file.name).catch((error) => {
    throw new UserError(`${file.name}: ${messageOf(error)}`);
  });
}

type Intake = ReturnType<typeof useIntake>;

/**
 * The ways in which pictures come onto the sheet.
 * @param active whether pasted pictures are taken: not while another page or a dialog is shown, because a dialog of a hidden page would
 *   block the visible one
 */
function useIntake(
  run: OpenRun,
  desk: Desk,
  { size }: StudioSettings,
  attempt: (work: () => Promise<unknown>) => void,
  open: (dialog: OpenDialog) => void,
  active: boolean,
) {
  const put = (input: Incoming, target?: Incoming) => {
    const sized = ({ picture }: Incoming) => fitted(picture, run, size);
    desk.put({ name: input.name, picture: sized(input), ...(target && { target: sized(target) }) });
  };
  const take = (incoming: Incoming) =>
    looksPaired(incoming.picture, run) ? open({ kind: "paired", incoming }) : put(incoming);
  const newest = useRef(0);
  const files = (given: readonly File[]) => {
    const { pictures, others } = splitFiles(given);
    if (pictures.length > 1) open({ kind: "batch", files: given });
    else if (given.length > 0) {
      const mine = ++newest.current;
      attempt(async () => {
        for (const file of pictures) {
          const incoming = await readNamed(file);
          // A large picture is still being read when a smaller one that was given later is on the sheet.
          if (mine === newest.current) take(incoming);
        }
        if (others.length > 0) throw new UserError(notPictures(others));
      });
    }
  };
  const latest = useRef(files);
  latest.current = (given) => active && files(given);
  useEffect(() => {
    const paste = ({ clipboardData }: ClipboardEvent) => {
      latest.current(splitFiles([...(clipboardData?.files ?? [])]).pictures);
    };
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  }, []);
  const drop = {
    onDragOver: (event: DragEvent) => event.preventDefault(),
    onDrop(event: DragEvent) {
      event.preventDefault();
      files([...(event.dataTransfer?.files ?? [])]);
    },
  };
  const random = () =>
    attempt(async () => {
      const pair = await run.pair();
      if (!pair) throw new Error("The data set of this run was not found. Draw a picture or upload one instead.");
      desk.put(stateOf(pair));
    });
  return { put, take, files, drop, random };
}
