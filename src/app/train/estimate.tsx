/** Measures a step on request and shows how long the whole run will take. The user can start before it is done. */
import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import type { Client } from "../../web/client.ts";
import { makeClient } from "../homes/client.ts";
import { Button } from "../parts/basics.tsx";
import { estimateRun } from "./estimate-run.ts";
import type { Session, SessionState } from "./session.ts";
import { checkSettings } from "./settings.ts";
import { pageWords } from "./words.ts";

export function Estimate({ session, state: { settings, data } }: { session: Session; state: SessionState }) {
  const { config } = session.checked;
  const [said, say] = useState<{ of: string; text: string }>();
  // A worker of its own: terminating it frees its memory at once, so that a start need not wait for the step in progress.
  const worker = useRef<Client | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const end = () => {
    worker.current?.terminate();
    worker.current = undefined;
    setBusy(false);
  };
  useEffect(() => end, []);
  // The estimate holds for these options; a change of them ends the measurement.
  const of = JSON.stringify({ ...config, name: undefined });
  useEffect(end, [of]);
  const measure = async () => {
    if (!config) return;
    const client = makeClient();
    worker.current = client;
    setBusy(true);
    const tell = (text: string) => worker.current === client && say({ of, text });
    const smaller = settings.size === 64 ? undefined : checkSettings({ ...settings, size: 64 }, data).config;
    try {
      tell(await estimateRun(client, config, smaller, tell));
    } catch (error) {
      tell(pageWords(messageOf(error)));
    } finally {
      if (worker.current === client) end();
    }
  };
  return (
    <p class="row estimate">
      {busy ? (
        <Button
          plain
          id="cancel-estimate"
          onClick={() => {
            end();
            say(undefined);
          }}
        >
          Cancel
        </Button>
      ) : (
        <Button plain id="measure" disabled={!config} onClick={() => void measure()}>
          How long will it take?
        </Button>
      )}
      <span id="estimate" class="soft" role="status">
        {said?.of === of ? said.text : ""}
      </span>
    </p>
  );
}
