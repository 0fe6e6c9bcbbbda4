/** Routes in the hash of the address: #/studio, #/studio/NAME, #/train, #/runs, #/runs/NAME. */
import { useEffect, useState } from "preact/hooks";

export type Page = "studio" | "train" | "runs";
const pages: readonly Page[] = ["studio", "train", "runs"];

export interface Route {
  page: Page;
  /** The run, where the address names one. */
  run?: string | undefined;
}

function parseRoute(hash: string): Route {
  const [page, run] = hash.replace(/^#\/?/, "").split("/");
  const known = pages.find((each) => each === page) ?? "studio";
  return { page: known, ...(run && { run: safelyDecoded(run) }) };
}

export const addressOf = ({ page, run }: Route): string => `#/${page}${run ? `/${encodeURIComponent(run)}` : ""}`;

/** The decoded text; text that is not valid percent-encoding stays as it is. */
function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The route of the address as it is now. */
export function useRoute(): Route {
  const [route, set] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const changed = () => set(parseRoute(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
