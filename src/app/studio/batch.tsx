/** Many pictures in, a zip of their outputs out. */
import { zipSync } from "fflate";
import { useRef, useState } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import { counted } from "../../text.ts";
import { images } from "../../web/images.ts";
import type { OpenRun } from "../home.ts";
import { Button, Note } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { takenFiles } from "../parts/pick.ts";
import { freeName } from "../parts/run-names.ts";
import { save } from "../parts/save.ts";
import { fitted, notPictures, readPicture, splitFiles } from "./incoming.ts";
import type { StudioSettings } from "./settings.tsx";

interface BatchProps {
  run: OpenRun;
  settings: StudioSettings;
  /** Files that were dropped on the sheet together; those that are no pictures are named. */
  given: readonly File[];
  close(): void;
}

interface Progress {
  done: number;
  all: number;
  failed: readonly string[];
  /** The zip has been saved as a download. */
  saved: boolean;
}

export function Batch({ run, settings, given, close }: BatchProps) {
  const [progress, set] = useState<Progress>();
  const [chosen, choose] = useState(() => splitFiles(given));
  const stopped = useRef(false);
  const start = (files: readonly File[]) =>
    void translateAll(run, settings, files, set, stopped).catch((error) =>
      set({ done: 0, all: files.length, failed: [messageOf(error)], saved: false }),
    );
  const take = (files: readonly File[]) => {
    const next = splitFiles(files);
    choose(next);
    if (next.pictures.length > 0) start(next.pictures);
  };
  const end = () => {
    stopped.current = true;
    close();
  };
  return (
    <Dialog title="Translate many pictures" close={end}>
      <p>Every output becomes a PNG in one zip file. Pictures keep their shape.</p>
      {!progress && (
        <div class="row">
          {chosen.pictures.length > 0 ? (
            <Button primary onClick={() => start(chosen.pictures)}>
              Translate {counted(chosen.pictures.length, "picture")}
            </Button>
          ) : (
            <label class="button primary">
              Choose pictures
              <input
                type="file"
                class="unseen"
                multiple
                accept="image/*"
                onChange={({ currentTarget }) => take(takenFiles(currentTarget))}
              />
            </label>
          )}
        </div>
      )}
      {chosen.others.length > 0 && <Note bad>{notPictures(chosen.others)}</Note>}
      {progress && (
        <>
          <progress max={progress.all} value={progress.done} aria-label="Pictures" />
          <p role="status">
            {progress.done} of {progress.all} pictures{progress.saved && ". The zip is in your downloads."}
          </p>
          {progress.failed.map((text) => (
            <Note key={text}>{text}</Note>
          ))}
        </>
      )}
    </Dialog>
  );
}

async function translateAll(
  run: OpenRun,
  { samples: _, size, ...settings }: StudioSettings,
  files: readonly File[],
  report: (progress: Progress) => void,
  stopped: { current: boolean },
): Promise<void> {
  const outputs: Record<string, Uint8Array> = {};
  const names: string[] = [];
  const failed: string[] = [];
  for (const [done, file] of files.entries()) {
    if (stopped.current) return;
    report({ done, all: files.length, failed, saved: false });
    try {
      const { picture, name } = await readPicture(file, file.name);
      const output = await run.translate(fitted(picture, run, size), { ...settings, name });
      // a.png and a.jpg must not give one file.
      names.push(freeName(name, names));
      outputs[`${names.at(-1)}.png`] = await images.encodePng(output.picture);
    } catch (error) {
      failed.push(`${file.name}: ${messageOf(error)}`);
    }
  }
  const made = Object.keys(outputs).length;
  // PNGs are compressed already.
  if (made > 0) save(zipSync(outputs, { level: 0 }), `${run.name}.zip`, "application/zip");
  report({ done: files.length, all: files.length, failed: [...failed], saved: made > 0 });
}
