/** The form of a run that the server starts: the folder of its pairs, its name, and every option of the command line. */
import { useEffect, useId, useState } from "preact/hooks";
import { changedText, checkForm, fieldsOf, type Given, initialValues } from "../../config/form.ts";
import { configSchema, parseCommandLine } from "../../config/schema.ts";
import { messageOf } from "../../errors.ts";
import { Button, Note } from "../parts/basics.tsx";
import { OptionForm, useOpened } from "../parts/options/options.tsx";
import { addressOf } from "../routes.ts";
import type { RunSummary } from "./board.ts";
import { dataFolders, startRun } from "./server-board.ts";

const fields = fieldsOf("server");

export function NewRun({ runs, close }: { runs: readonly RunSummary[]; close(): void }) {
  const id = useId();
  const [dataroot, setDataroot] = useState("");
  const [name, setName] = useState("");
  const [given, setGiven] = useState<Given>({});
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const folders = useDataFolders(setProblem);
  const checked = checkForm(() => parseCommandLine({ dataroot: "data", ...given }), given, fields);
  const start = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await startRun({ name, dataroot, options: given });
      location.hash = addressOf({ page: "runs", run: name });
      close();
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  const wrongName = nameProblem(name, runs);
  const initial = initialValues(fields, { dataroot: "data" }, given);
  const changes = changedText(given, fields);
  const options = useOpened(checked.problems.size > 0);
  return (
    <form
      class="card new-run"
      aria-labelledby={`${id}-title`}
      onSubmit={(event) => {
        event.preventDefault();
        if (checked.config && !wrongName) void start();
      }}
    >
      <h2 id={`${id}-title`}>Start a run</h2>
      <PlaceFields {...{ dataroot, setDataroot, name, setName, wrongName, folders }} />
      <details class="more" {...options}>
        <summary>
          Options
          <span class="changes">{changes ? `: ${changes} changed` : ""}</span>
        </summary>
        <OptionForm {...{ fields, given, checked, initial }} change={setGiven} />
      </details>
      {problem && <Note bad>{problem}</Note>}
      <div class="row">
        <button type="submit" class="primary" disabled={busy || !checked.config || wrongName !== undefined}>
          Start
        </button>
        <Button onClick={close}>Cancel</Button>
        <span class="soft" role="status">
          {busy && "Starting…"}
        </span>
      </div>
    </form>
  );
}

/** The folders that the server offers; none until it has answered. */
function useDataFolders(failed: (problem: string) => void): readonly string[] {
  const [folders, set] = useState<readonly string[]>([]);
  useEffect(() => {
    dataFolders().then(set, (error) => failed(messageOf(error)));
  }, []);
  return folders;
}

interface PlaceProps {
  dataroot: string;
  setDataroot(path: string): void;
  name: string;
  setName(name: string): void;
  wrongName: string | undefined;
  /** Those that the server offers. */
  folders: readonly string[];
}

/** Where the pairs are, and the name of the run. */
function PlaceFields({ dataroot, setDataroot, name, setName, wrongName, folders }: PlaceProps) {
  const id = useId();
  return (
    <div class="new-run-fields">
      <label class="field">
        Folder of the pairs
        <input
          type="text"
          name="dataroot"
          required
          list={`${id}-folders`}
          autocomplete="off"
          spellcheck={false}
          placeholder="data/facades"
          value={dataroot}
          onInput={({ currentTarget }) => setDataroot(currentTarget.value)}
        />
        <datalist id={`${id}-folders`}>
          {folders.map((folder) => (
            <option key={folder} value={folder} />
          ))}
        </datalist>
      </label>
      <label class="field">
        Name
        <input
          type="text"
          name="name"
          required
          autocomplete="off"
          spellcheck={false}
          aria-invalid={wrongName !== undefined}
          aria-describedby={`${id}-name`}
          value={name}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
        <span id={`${id}-name`} class="option-problem">
          {wrongName}
        </span>
      </label>
    </div>
  );
}

function nameProblem(name: string, runs: readonly RunSummary[]): string | undefined {
  if (name === "") return undefined;
  if (runs.some((run) => run.name === name)) return "A run of this name exists already.";
  const valid = configSchema.shape.name.safeParse(name);
  return valid.success ? undefined : `Expected ${valid.error.issues[0]?.message}.`;
}
