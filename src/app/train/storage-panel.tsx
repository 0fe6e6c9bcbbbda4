/** The runs and data sets that the browser stores for this page, with their sizes. The user can delete one or all. */
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import { byteCount } from "../../text.ts";
import { folderSize, removeFolder } from "../../web/files.ts";
import { Button, Note } from "../parts/basics.tsx";
import { forgetDrawings } from "../studio/kept.ts";
import { dataInUse, dataSetNames, deleteRun, isTraining, runNames } from "./runs.ts";
import { checkpointsDir, dataDir } from "./storage.ts";
import { pageWords } from "./words.ts";

interface Stored {
  kind: "run" | "pictures";
  name: string;
  bytes: number;
  /** A run that is being trained, and the pictures that it reads, cannot be deleted. */
  training: boolean;
}

async function storedItems(): Promise<Stored[]> {
  const runs = (await runNames()).map(async (name): Promise<Stored> => {
    const [bytes, training] = await Promise.all([folderSize(`${checkpointsDir}/${name}`), isTraining(name)]);
    return { kind: "run", name, bytes, training };
  });
  const used = await dataInUse();
  const sets = (await dataSetNames()).map(async (name): Promise<Stored> => {
    const root = `${dataDir}/${name}`;
    return { kind: "pictures", name, bytes: await folderSize(root), training: used.has(root) };
  });
  return Promise.all([...runs, ...sets]);
}

interface StoragePanelProps {
  /** Changes when something has been stored; the panel then computes the sizes again. */
  stored: number;
  /** Called after something was deleted. */
  changed(): void;
}

export function StoragePanel({ stored, changed }: StoragePanelProps) {
  const [items, setItems] = useState<readonly Stored[]>();
  const [error, setError] = useState<unknown>();
  const [kept, setKept] = useState<boolean>();
  const look = () => {
    storedItems().then(setItems, setError);
    navigator.storage?.persisted?.().then(setKept, () => {});
  };
  const remove = async (some: readonly Stored[], what: string, more = async () => {}) => {
    if (!confirm(`Delete ${what} from this browser?`)) return;
    setError(undefined);
    try {
      // A training may have begun since they were counted.
      const used = await dataInUse();
      const free = some.filter(({ kind, name }) => kind === "run" || !used.has(`${dataDir}/${name}`));
      for (const { kind, name } of free) await (kind === "run" ? deleteRun(name) : removeFolder(`${dataDir}/${name}`));
      await more();
    } catch (reason) {
      setError(reason);
    }
    look();
    changed();
  };
  useEffect(look, [stored]);
  const deletable = items?.filter(({ training }) => !training) ?? [];
  const total = items?.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
  return (
    <details class="card storage" onToggle={look}>
      <summary>Storage of this page: {items ? byteCount(total) : "…"}</summary>
      {error !== undefined && <Note bad>{pageWords(messageOf(error))}</Note>}
      {items?.length === 0 && <p class="soft">Nothing is stored.</p>}
      {items && items.length > 0 && <StoredTable {...{ items, remove }} />}
      <p class="row">
        {deletable.length > 1 && (
          <Button onClick={() => remove(deletable, "all runs, pictures and drawings", forgetDrawings)}>
            Delete everything
          </Button>
        )}
        {kept === false && (
          <Button plain onClick={() => navigator.storage.persist().then(setKept, setError)}>
            Ask the browser to keep it
          </Button>
        )}
        <span class="soft small">
          {kept ? "The browser keeps it until you delete it." : "The browser may clear it when the disk is full."}
        </span>
      </p>
    </details>
  );
}

interface StoredTableProps {
  items: readonly Stored[];
  /** Deletes items after a confirmation. @param what names them in the question */
  remove(some: readonly Stored[], what: string): void;
}

function StoredTable({ items, remove }: StoredTableProps) {
  return (
    <table>
      <tbody>
        {items.map((item) => (
          <tr key={`${item.kind} ${item.name}`}>
            <th scope="row">{item.name}</th>
            <td>{item.training ? `${item.kind}, in training` : item.kind}</td>
            <td>{byteCount(item.bytes)}</td>
            <td>
              <Button
                plain
                disabled={item.training}
                aria-label={`Delete ${item.kind === "run" ? "the run" : "the pictures"} ${item.name}`}
                onClick={() => remove([item], `"${item.name}"`)}
              >
                Delete
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
