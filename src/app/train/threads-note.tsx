/** On a host that sends no headers of isolation: what to do so that WASM has threads. */
import { useEffect, useState } from "preact/hooks";
import { notIsolated } from "../../web/capabilities.ts";
import { isolatedByReload } from "../offline.ts";
import { Button, Note } from "../parts/basics.tsx";

/** @param training a reload would pause the run */
export function ThreadsNote({ training }: { training: boolean }) {
  const [byReload, setByReload] = useState(false);
  useEffect(() => {
    isolatedByReload().then(setByReload, () => {});
  }, []);
  if (crossOriginIsolated || !isSecureContext) return null;
  if (!byReload) return <Note>{notIsolated}</Note>;
  return (
    <Note>
      On this first visit WASM runs on one thread, several times slower than it can. Load the page again: from then on
      it uses all cores, and works without a network, too.{" "}
      {!training && (
        <Button plain id="reload" onClick={() => location.reload()}>
          Load again
        </Button>
      )}
    </Note>
  );
}
