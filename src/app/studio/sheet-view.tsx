/** The sheet: a canvas that is drawn on by mouse, touch, pen and keyboard. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { paintOn } from "../parts/picture.tsx";
import type { Point } from "./raster.ts";
import type { SheetState } from "./sheet.ts";
import { type ToolName, type ToolSettings, tools } from "./tools.ts";

export interface Drawing {
  /** Whether a change has begun and not ended. */
  readonly begun: boolean;
  /** Begins a change, which lasts until `end` or `cancel`. @param pressure of a pen, 0 to 1 */
  start(point: Point, pressure?: number): void;
  move(points: readonly Point[], pressure?: number): void;
  end(): void;
  /** Undoes the change in progress. */
  cancel(): void;
}

interface SheetViewProps {
  state: SheetState;
  /** Counts the changes of the picture. */
  version: number;
  tool: ToolName;
  toolSettings: ToolSettings;
  drawing: Drawing;
}

export function SheetView({ state: { picture }, version, tool, toolSettings, drawing }: SheetViewProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [cursor, moveCursor] = useState<Point>();
  useLayoutEffect(() => paintOn(canvas.current!, picture), [picture, version]);
  const { width, height } = picture;
  const pointers = usePointers(canvas, picture, drawing, moveCursor);
  const keys = useKeys(picture, tool, drawing, cursor, moveCursor);
  const size = tools[tool].kind === "click" || tool === "rectangle" ? 1 : toolSettings.thick;
  return (
    <div class="sheet" style={{ "--ratio": width / height }}>
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: keys draw on it, so a screen reader must pass them through */}
      <canvas
        ref={canvas}
        role="application"
        tabIndex={0}
        aria-label={`Drawing, ${width} by ${height} pixels. Arrow keys move the ${tools[tool].title.toLowerCase()}, the space bar puts it down and lifts it.`}
        class={`tool-${tool}`}
        {...pointers}
        {...keys}
      />
      {cursor && (
        <span
          class="brush"
          aria-hidden="true"
          style={{
            left: `${(100 * cursor.x) / width}%`,
            top: `${(100 * cursor.y) / height}%`,
            width: `${(100 * size) / width}%`,
          }}
        />
      )}
    </div>
  );
}

type MoveCursor = (point: Point | undefined) => void;

function usePointers(
  canvas: { current: HTMLCanvasElement | null },
  { width, height }: SheetState["picture"],
  drawing: Drawing,
  moveCursor: MoveCursor,
) {
  /** The id of the pointer that draws; other fingers are ignored. */
  const active = useRef<number | undefined>(undefined);
  const at = ({ clientX, clientY }: PointerEvent): Point => {
    const box = canvas.current!.getBoundingClientRect();
    return { x: ((clientX - box.left) / box.width) * width, y: ((clientY - box.top) / box.height) * height };
  };
  const pressureOf = ({ pointerType, pressure }: PointerEvent) => (pointerType === "pen" ? pressure : undefined);
  return {
    onPointerDown(event: PointerEvent) {
      if (active.current !== undefined || event.button !== 0) return;
      active.current = event.pointerId;
      canvas.current!.setPointerCapture(event.pointerId);
      drawing.start(at(event), pressureOf(event));
    },
    onPointerMove(event: PointerEvent) {
      if (event.pointerType !== "touch") moveCursor(at(event));
      if (event.pointerId !== active.current) return;
      const events = event.getCoalescedEvents?.() ?? [];
      drawing.move((events.length > 0 ? events : [event]).map(at), pressureOf(event));
    },
    onPointerUp(event: PointerEvent) {
      if (event.pointerId !== active.current) return;
      active.current = undefined;
      drawing.end();
    },
    onPointerCancel(event: PointerEvent) {
      if (event.pointerId !== active.current) return;
      active.current = undefined;
      drawing.cancel();
    },
    // Without a release before it where the sheet is hidden or covered by a dialog during a stroke.
    onLostPointerCapture(event: PointerEvent) {
      if (event.pointerId !== active.current) return;
      active.current = undefined;
      drawing.end();
    },
    onPointerLeave: () => moveCursor(undefined),
  };
}

const directions: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
/** Steps of an arrow key across the longer side of the sheet; with Shift a step is one pixel. */
const steps = 32;

/** Arrow keys move the cursor, the space bar puts the tool down and lifts it, Escape undoes the change in progress. */
function useKeys(
  { width, height }: SheetState["picture"],
  tool: ToolName,
  drawing: Drawing,
  cursor: Point | undefined,
  moveCursor: MoveCursor,
) {
  const toggle = (here: Point) => {
    if (drawing.begun) return drawing.end();
    drawing.start(here);
    if (tools[tool].kind === "click") drawing.end();
  };
  return {
    onKeyDown(event: KeyboardEvent) {
      // Alt and an arrow go back in the browser.
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const here = cursor ?? { x: width / 2, y: height / 2 };
      const direction = directions[event.key];
      if (direction) {
        const step = event.shiftKey ? 1 : Math.max(1, Math.round(Math.max(width, height) / steps));
        const clamp = (value: number, side: number) => Math.min(side - 0.5, Math.max(0.5, value));
        const [x, y] = [here.x + step * direction[0], here.y + step * direction[1]];
        const next = { x: clamp(x, width), y: clamp(y, height) };
        moveCursor(next);
        if (drawing.begun) drawing.move([next]);
      } else if (event.key === " ") {
        moveCursor(here);
        // A key that is held down repeats itself.
        if (!event.repeat) toggle(here);
      } else if (event.key === "Escape" && drawing.begun) {
        drawing.cancel();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    },
    onBlur() {
      drawing.end();
      moveCursor(undefined);
    },
  };
}
