/** Training in the browser. Its sections: choose pairs (pictures.ts), train (training.ts), use the result (use.ts). */
import { useEffect, useRef } from "preact/hooks";
import { computesOn, makeClient } from "../homes/client.ts";
import type { PageProps } from "../page.ts";
import { note, part, problem } from "./dom.ts";
import markup from "./markup.html";
import { pictures } from "./pictures.ts";
import { StoragePanel } from "./storage-panel.tsx";
import { Training } from "./training.ts";
import { Use } from "./use.ts";

export function Train(_: PageProps) {
  const box = useRef<HTMLDivElement>(null);
  const training = useRef<Training>(undefined);
  useEffect(() => {
    box.current!.innerHTML = markup;
    training.current = start();
  }, []);
  return (
    <>
      <div ref={box} class="train" />
      <div class="train">
        <StoragePanel changed={() => training.current?.refresh()} />
      </div>
    </>
  );
}

function start(): Training {
  const client = makeClient();
  const use = new Use(client);
  const training = new Training(client, (name) => use.select(name));
  pictures(
    client,
    (data, remembered) => training.use(data, remembered),
    (name) => training.open(name),
  );

  client.capabilities.then((found) => {
    part("device").textContent = `Computes on ${computesOn(found)}`;
    for (const text of found.notes) note(text);
  }, problem);
  return training;
}
