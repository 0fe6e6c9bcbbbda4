/** The keys of the studio. */
import { useEffect, useRef } from "preact/hooks";
import type { OpenRun } from "../home.ts";
import { thicker, thinner, toolNames, tools, widestLine } from "./tools.ts";
import type { Desk } from "./use-desk.ts";

interface Actions {
  save(): void;
  random(): void;
  wipe(): void;
}

/** What letters are written in, or are the first letters of a choice in. */
const written = "select, textarea, input:not([type=radio], [type=range], [type=color])";

/** @param active whether the studio is shown, with no dialog above it */
export function useShortcuts(active: boolean, run: OpenRun, desk: Desk, actions: Actions): void {
  const latest = useRef<(event: KeyboardEvent) => boolean>(() => false);
  latest.current = (event) => active && (event.ctrlKey || event.metaKey ? chord : single)(event, run, desk, actions);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const { target, altKey } = event;
      const writes = target instanceof HTMLElement && target.matches(written);
      if (!altKey && !writes && latest.current(event)) event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

/** With Ctrl or Cmd. @returns whether the key has a meaning */
function chord({ key, shiftKey }: KeyboardEvent, _: OpenRun, desk: Desk, { save }: Actions): boolean {
  const meanings: Record<string, () => void> = {
    z: shiftKey ? desk.redo : desk.undo,
    y: desk.redo,
    s: save,
  };
  return act(meanings[key.toLowerCase()]);
}

function single({ key }: KeyboardEvent, { drawing, width }: OpenRun, desk: Desk, { random, wipe }: Actions): boolean {
  const pressed = key.toLowerCase();
  const tool = toolNames.find((name) => tools[name].key === pressed);
  const colour = /^[1-9]$/.test(pressed) ? drawing.colours[Number(pressed) - 1] : undefined;
  const thick = desk.toolSettings.thick;
  const meanings: Record<string, () => void> = {
    "[": () => desk.setThick(thinner(thick)),
    "]": () => desk.setThick(thicker(thick, widestLine(drawing.tool, width))),
    delete: desk.clear,
    n: random,
    w: wipe,
  };
  return act(tool ? () => desk.choose(tool) : colour ? () => desk.setRgb(colour.rgb) : meanings[pressed]);
}

function act(meaning: (() => void) | undefined): boolean {
  meaning?.();
  return meaning !== undefined;
}
