/** A dialog that makes a run of a model's files: weights that were trained elsewhere, or a project. */
import { useState } from "preact/hooks";
import { namesOf } from "../../config/names.ts";
import { type DrawingKit, drawingKit, knownInputs } from "../../data/drawing.ts";
import { messageOf, UserError } from "../../errors.ts";
import type { Home } from "../home.ts";
import { Choice, Note } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { isProjectName, modelName } from "../parts/model-files.ts";
import { pageWords } from "../train/words.ts";
import { readPicture } from "./incoming.ts";

/** What the model takes: a known kind of inputs, or pictures like an example. */
type Kind = keyof typeof knownInputs | "example";
const kinds: readonly { value: Kind; text: string }[] = [
  ...namesOf(knownInputs).map((value) => ({ value, text: knownInputs[value].help })),
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
  const nameFor = (files: readonly File[]) => (files.length > 0 ? modelName(fileNames(files), taken) : "");
  const [files, setFiles] = useState(given);
  const [name, setName] = useState(nameFor(given));
  const [kind, setKind] = useState<Kind>("photographs");
  const [example, setExample] = useState<File>();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const ofProject = files.length === 1 && isProjectName(files[0]!.name);
  const open = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      opened(await home.openModel!(files, { name: name.trim(), drawing: await kitFor(kind, example) }));
    } catch (error) {
      setProblem(pageWords(messageOf(error)));
      setBusy(false);
    }
  };
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
          void open();
        }}
      >
        <FilesField files={files} choose={(chosen) => [setFiles(chosen), setName(nameFor(chosen))]} />
        {!ofProject && (
          <>
            <Choice label="It takes" value={kind} options={kinds} change={(value: Kind) => setKind(value)} />
            {kind === "example" && <ExampleField choose={setExample} />}
            <label class="field">
              Name
              <input
                required
                maxLength={100}
                value={name}
                onInput={({ currentTarget }) => setName(currentTarget.value)}
              />
            </label>
          </>
        )}
        {problem && <Note bad>{problem}</Note>}
        <div class="row">
          <button type="submit" class="primary" disabled={busy || files.length === 0}>
            {busy ? "Reading…" : "Open"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function FilesField({ files, choose }: { files: readonly File[]; choose(files: readonly File[]): void }) {
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
      {files.length > 0 && <span class="small">{fileNames(files).join(", ")}</span>}
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

/** @throws UserError for an example that cannot be read */
async function kitFor(kind: Kind, example: File | undefined): Promise<DrawingKit> {
  if (kind !== "example") return knownInputs[kind].kit;
  if (!example) throw new UserError("Choose an input of the model.");
  return drawingKit([(await readPicture(example, example.name)).picture]);
}
