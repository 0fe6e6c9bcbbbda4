/** Keeps the keyboard focus when the control that has it is removed. */
import { useLayoutEffect, useRef } from "preact/hooks";

/**
 * Keeps the focus within an element: where the control that had it is removed or disabled by a change of `phase`, the first control
 * that matches `selector` takes it.
 * @returns the ref of the element
 */
export function useKeptFocus<E extends HTMLElement>(phase: unknown, selector: string) {
  const box = useRef<E>(null);
  // Read during rendering, before the elements change.
  const had = useRef(false);
  had.current = (box.current?.contains(document.activeElement) ?? false) || had.current;
  useLayoutEffect(() => {
    const { activeElement } = document;
    const lost = activeElement === document.body || activeElement === null;
    if (had.current && lost) box.current?.querySelector<HTMLElement>(selector)?.focus();
    had.current = false;
  }, [phase]);
  return box;
}
