/**
 * A dialog above the page. Escape and its button close it, and so does a change of the address: open, it would block the page that is
 * then shown. However it ends, the focus returns to where it was.
 */
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Button } from "./basics.tsx";

interface DialogProps {
  title: string;
  close(): void;
  children: ComponentChildren;
}

export function Dialog({ title, close, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const latest = useRef(close);
  latest.current = close;
  useLayoutEffect(() => {
    const element = dialog.current!;
    const closed = () => latest.current();
    const left = () => element.close();
    element.addEventListener("close", closed);
    addEventListener("hashchange", left);
    element.showModal();
    return () => {
      removeEventListener("hashchange", left);
      element.removeEventListener("close", closed);
      // An open dialog that is removed does not give the focus back. Here it is still in the document.
      element.close();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        <Button plain aria-label="Close" onClick={() => dialog.current?.close()}>
          ✕
        </Button>
      </header>
      {children}
    </dialog>
  );
}
