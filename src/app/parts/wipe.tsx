/** Two pictures of one shape on top of each other, with a line between them that the user moves. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

interface WipeProps {
  /** Left of the line. */
  before: ComponentChildren;
  /** Right of the line. */
  after: ComponentChildren;
  label: string;
}

export function Wipe({ before, after, label }: WipeProps) {
  const [at, move] = useState(50);
  return (
    <div class="wipe" style={{ "--at": `${at}%` }}>
      <div class="wipe-after">{after}</div>
      <div class="wipe-before">{before}</div>
      <div class="wipe-line" aria-hidden="true" />
      <input
        type="range"
        min="0"
        max="100"
        value={at}
        aria-label={label}
        onInput={({ currentTarget }) => move(Number(currentTarget.value))}
      />
    </div>
  );
}
