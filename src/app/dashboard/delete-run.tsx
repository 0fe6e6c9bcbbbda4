/** The deletion of a run, after a question. */
import { useState } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import { Button, Note } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { addressOf } from "../routes.ts";
import { useDashboard } from "./board.ts";

interface DeleteDialogProps {
  name: string;
  /** Where the run is stored: "the disk". */
  from: string;
  remove(): void;
  close(): void;
}

export function DeleteDialog({ name, from, remove, close }: DeleteDialogProps) {
  return (
    <Dialog title={`Delete ${name}?`} close={close}>
      <p>Its weights, losses and samples are deleted from {from}.</p>
      <div class="row">
        <Button primary onClick={remove}>
          Delete
        </Button>
        <Button onClick={close}>Keep</Button>
      </div>
    </Dialog>
  );
}

/** @param training as far as is known: it may have begun meanwhile */
export function DeleteRun({ name, training = false }: { name: string; training?: boolean }) {
  const { board, home } = useDashboard();
  const [asking, ask] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const remove = async () => {
    ask(false);
    setBusy(true);
    setProblem(undefined);
    try {
      await board.remove(name);
      location.hash = addressOf({ page: "runs" });
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  if (training) return <span class="soft">A run in training cannot be deleted. Pause it first.</span>;
  return (
    <>
      <Button plain disabled={busy} onClick={() => ask(true)}>
        Delete…
      </Button>
      {problem && <Note bad>{problem}</Note>}
      {asking && (
        <DeleteDialog
          name={name}
          from={home.kind === "server" ? "the disk" : "this browser"}
          remove={() => void remove()}
          close={() => ask(false)}
        />
      )}
    </>
  );
}
