/** Says how WASM gets threads on a host that sends no headers of cross-origin isolation. */
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
      On this first visit WASM runs on one thread, which is several times slower than on all cores. Reload the page:
      from then on it uses all cores, and also works offline.{" "}
      {!training && (
        <Button plain id="reload" onClick={() => location.reload()}>
          Reload
        </Button>
      )}
    </Note>
  );
}
