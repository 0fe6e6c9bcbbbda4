/** Training in the browser. Its sections: choose pairs (pictures.ts), train (training.ts), use the result (use.ts). */
import { useEffect, useRef } from "preact/hooks";
import { makeClient } from "../homes/client.ts";
import type { PageProps } from "../page.ts";
import { note, part, problem } from "./dom.ts";
import markup from "./markup.html";
import { pictures } from "./pictures.ts";
import { Training } from "./training.ts";
import { Use } from "./use.ts";

export function Train(_: PageProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current!.innerHTML = markup;
    start();
  }, []);
  return <div ref={box} class="train" />;
}

function start(): void {
  const client = makeClient();
  const use = new Use(client);
  const training = new Training(client, (name) => use.select(name));
  pictures(client, (data) => training.use(data));

  client.capabilities.then(({ devices: [, { present, adapter }], threads, notes }) => {
    const gpu = present && !adapter?.software;
    const cpu = `the CPU, ${threads} ${threads === 1 ? "thread" : "threads"}`;
    part("device").textContent = `Computes on ${gpu ? `the GPU (${adapter?.name})` : cpu}`;
    for (const text of notes) note(text);
  }, problem);
}
