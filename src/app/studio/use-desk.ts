/** The sheet of the studio, what lies in the hand, and what is done with them. */
import { useRef, useState } from "preact/hooks";
import type { OpenRun, StudioPair } from "../home.ts";
import { asRgb, blank, type Point, type Rgb } from "./raster.ts";
import { Sheet, type SheetState } from "./sheet.ts";
import type { Drawing } from "./sheet-view.tsx";
import { firstThickness, firstTool, type Hand, pickedColour, type ToolName, tools } from "./tools.ts";

/** Least and largest share of the width of a line that a pen's pressure gives. */
const [light, heavy] = [0.4, 1.6];

export interface Desk {
  state: SheetState;
  version: number;
  tool: ToolName;
  hand: Hand;
  canUndo: boolean;
  canRedo: boolean;
  drawing: Drawing;
  choose(tool: ToolName): void;
  setRgb(rgb: Rgb): void;
  setThick(thick: number): void;
  undo(): void;
  redo(): void;
  clear(): void;
  /** Puts another picture on the sheet. */
  put(next: SheetState): void;
}

/** The state of a sheet that a pair of the data set lies on. */
export const stateOf = ({ name, input, target }: StudioPair): SheetState => ({
  name,
  picture: asRgb(input),
  ...(target && { target: asRgb(target) }),
});

/**
 * @param first on the sheet at first
 * @param changed called after each change; `ended` is false while a stroke is drawn
 */
export function useDesk(
  run: OpenRun,
  first: SheetState | undefined,
  changed: (state: SheetState, ended: boolean) => void,
): Desk {
  const { drawing: kit, width, height } = run;
  const empty = (): SheetState => ({ name: "drawing", picture: blank(width, height, kit.background) });
  const [sheet] = useState(() => new Sheet(first ?? empty()));
  const [version, setVersion] = useState(0);
  const [tool, choose] = useState(firstTool(kit.tool));
  const [hand, setHand] = useState<Hand>(() => ({
    rgb: kit.colours.find(({ rgb }) => String(rgb) !== String(kit.background))?.rgb ?? [0, 0, 0],
    background: kit.background,
    thick: firstThickness(kit.tool, width),
    kit: kit.tool,
  }));
  const update = (ended: boolean) => {
    setVersion((before) => before + 1);
    changed(sheet.now, ended);
  };
  const setRgb = (rgb: Rgb) => setHand((before) => ({ ...before, rgb }));
  const drawing = useStrokes(sheet, tool, hand, update, (at) => {
    const rgb = pickedColour(sheet.now.picture, at, kit);
    if (rgb) setRgb(rgb);
  });
  const doing = (work: () => void) => () => {
    work();
    update(true);
  };
  const put = (next: SheetState) => doing(() => sheet.replace(next))();
  return {
    state: sheet.now,
    version,
    tool,
    hand,
    drawing,
    choose,
    setRgb,
    put,
    canUndo: sheet.canUndo,
    canRedo: sheet.canRedo,
    setThick: (thick) => setHand((before) => ({ ...before, thick })),
    undo: doing(() => sheet.undo()),
    redo: doing(() => sheet.redo()),
    clear: () => {
      const { picture } = sheet.now;
      put({ name: "drawing", picture: blank(picture.width, picture.height, kit.background) });
    },
  };
}

/** Strokes, shapes and clicks on a sheet. */
function useStrokes(
  sheet: Sheet,
  tool: ToolName,
  hand: Hand,
  update: (ended: boolean) => void,
  pick: (at: Point) => void,
): Drawing {
  const last = useRef<Point | undefined>(undefined);
  const { kind, draw } = tools[tool];
  const pressed = (pressure: number | undefined): Hand =>
    pressure === undefined ? hand : { ...hand, thick: Math.max(1, hand.thick * (light + pressure * (heavy - light))) };
  return {
    start(point, pressure) {
      if (tool === "picker") return pick(point);
      draw(sheet.begin(), point, point, pressed(pressure));
      last.current = point;
      update(false);
    },
    move(points, pressure) {
      const from = last.current;
      if (!from || kind === "click") return;
      if (kind === "shape") {
        sheet.cancel();
        draw(sheet.begin(), from, points.at(-1)!, hand);
      } else {
        for (const point of points) {
          draw(sheet.now.picture, last.current!, point, pressed(pressure));
          last.current = point;
        }
      }
      update(false);
    },
    end() {
      if (!last.current) return;
      last.current = undefined;
      update(true);
    },
    cancel() {
      if (!last.current) return;
      last.current = undefined;
      sheet.cancel();
      update(true);
    },
  };
}
