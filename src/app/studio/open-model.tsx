/** A dialog that makes a run of a model's files: weights that were trained elsewhere, or a project. */
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { drawingKit, knownInputs } from "../../data/drawing.ts";
import { messageOf, UserError } from "../../errors.ts";
import type { Home, OpenModelOptions } from "../home.ts";
import { Choice, Note } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { isProjectName, modelName } from "../parts/model-files.ts";
import { folderName } from "../parts/run-names.ts";
import { pageWords } from "../train/words.ts";
import { readPicture } from "./incoming.ts";
import { knownChoices } from "./settings.tsx";

/** What the model takes: a known kind of inputs, or pictures like an example. */
type Kind = keyof typeof knownInputs | "example";
const kinds: readonly { value: Kind; text: string }[] = [
  ...knownChoices,
  { value: "example", text: "pictures like an example" },
];

const fileNames = (files: readonly File[]): string[] => files.map(({ name }) => name);

interface OpenModelProps {
  home: Home;
  /** Files that were dropped. */
  given: readonly File[];
  /** Names of runs, which the new one must not have. */
  taken: readonly string[];
  /** Called with the name of the run. */
  opened(name: string): void;
  close(): void;
}

export function OpenModel({ home, given, taken, opened, close }: OpenModelProps) {
  const nameFor = (files: readonly File[]) =>
    files.length > 0 && !isProject(files) ? modelName(fileNames(files), taken) : "";
  const [files, setFiles] = useState(given);
  const [name, setName] = useState(nameFor(given));
  const [kind, setKind] = useState<Kind>("photographs");
  const [example, setExample] = useState<File>();
  const ofProject = isProject(files);
  const { busy, problem, read, forget } = useReading(home, opened);
  const choose = (chosen: readonly File[]) => {
    setFiles(chosen);
    setName(nameFor(chosen));
    forget();
  };
  // Files may be dropped while the dialog is open.
  useLayoutEffect(() => choose(given), [given]);
  const wrongName = nameProblem(name, taken);
  return (
    <Dialog title="Open a model" close={close}>
      <p class="soft">
        A generator that was trained elsewhere: .pth or .pt of PyTorch, .safetensors, a TensorFlow checkpoint (.index
        with its .data file), .t7 of Torch, .pict, or a project (.zip) of pix2pix. The files stay on this computer.
      </p>
      <form
        class="open-model"
        onSubmit={(event) => {
          event.preventDefault();
          if (!wrongName) void read(files, folderName(name), () => inputsOf(kind, example));
        }}
      >
        <FilesField {...{ files, choose }} named={files === given || files.length > 1} />
        {!ofProject && (
          <Choice label="It takes" value={kind} options={kinds} change={(value: Kind) => setKind(value)} />
        )}
        {!ofProject && kind === "example" && <ExampleField choose={setExample} />}
        <NameField {...{ name, setName }} problem={wrongName} optional={ofProject} />
        {problem && <Note bad>{problem}</Note>}
        <div class="row">
          <button type="submit" class="primary" aria-disabled={busy} disabled={files.length === 0}>
            {busy ? "Reading…" : "Open"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const isProject = (files: readonly File[]): boolean => files.length === 1 && isProjectName(files[0]!.name);

/** Makes the run. When the dialog is closed meanwhile, no run is left. */
function useReading(home: Home, opened: OpenModelProps["opened"]) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  // Not the state: a second press may come before the button is drawn anew.
  const reading = useRef(false);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const read = async (files: readonly File[], name: string, inputs: () => Promise<Inputs>) => {
    if (reading.current) return;
    reading.current = true;
    setBusy(true);
    setProblem(undefined);
    const { signal } = stop.current;
    try {
      const made = await home.openModel!(files, { name, ...(await inputs()), signal });
      if (!signal.aborted) opened(made);
    } catch (error) {
      if (!signal.aborted) setProblem(pageWords(messageOf(error)));
    } finally {
      reading.current = false;
      if (!signal.aborted) setBusy(false);
    }
  };
  return { busy, problem, read, forget: () => setProblem(undefined) };
}

/** Undefined for a name that a run can have, and for none. */
function nameProblem(name: string, taken: readonly string[]): string | undefined {
  const folder = folderName(name);
  if (/^\.+$/.test(folder)) return "Expected a name with a letter or a digit.";
  return taken.includes(folder) ? "A run of this name exists already." : undefined;
}

interface NameFieldProps {
  name: string;
  setName(name: string): void;
  problem: string | undefined;
  /** A project has a name of its own. */
  optional: boolean;
}

function NameField({ name, setName, problem, optional }: NameFieldProps) {
  const id = useId();
  return (
    <label class="field">
      {optional ? "Name, if it is to have another than the project" : "Name"}
      <input
        required={!optional}
        pattern=".*\S.*"
        maxLength={100}
        autocomplete="off"
        spellcheck={false}
        aria-invalid={problem !== undefined}
        aria-describedby={id}
        value={name}
        onInput={({ currentTarget }) => setName(currentTarget.value)}
      />
      <span id={id} class="option-problem">
        {problem}
      </span>
    </label>
  );
}

interface FilesProps {
  files: readonly File[];
  choose(files: readonly File[]): void;
  /** Whether to show the names: the field itself has only that of one file that was chosen with it. */
  named: boolean;
}

function FilesField({ files, choose, named }: FilesProps) {
  return (
    <label class="field">
      Files: the generator's, and the discriminator's if you have it
      <input
        type="file"
        name="model"
        multiple
        required={files.length === 0}
        onChange={({ currentTarget }) => choose([...(currentTarget.files ?? [])])}
      />
      {named && files.length > 0 && <span class="small">{fileNames(files).join(", ")}</span>}
    </label>
  );
}

function ExampleField({ choose }: { choose(file: File | undefined): void }) {
  return (
    <label class="field">
      An input of the model, whose colours become the palette
      <input
        type="file"
        name="example"
        accept="image/*"
        required
        onChange={({ currentTarget }) => choose(currentTarget.files?.[0])}
      />
    </label>
  );
}

type Inputs = Pick<OpenModelOptions, "drawing" | "example">;

/** @throws UserError for an example that cannot be read */
async function inputsOf(kind: Kind, file: File | undefined): Promise<Inputs> {
  if (kind !== "example") return { drawing: knownInputs[kind].kit };
  if (!file) throw new UserError("Choose an input of the model.");
  const { name, picture } = await readPicture(file, file.name);
  return { drawing: drawingKit([picture]), example: { name, input: picture } };
}
