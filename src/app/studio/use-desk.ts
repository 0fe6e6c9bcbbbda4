/** The state of drawing: the sheet, the tool with its settings, and the actions on them. */
import { useRef, useState } from "preact/hooks";
import type { OpenRun, StudioPair } from "../home.ts";
import { asRgb, blank, type Point, type Rgb } from "./raster.ts";
import { Sheet, type SheetState } from "./sheet.ts";
import type { Drawing } from "./sheet-view.tsx";
import { firstThickness, firstTool, pickedColour, type ToolName, type ToolSettings, tools } from "./tools.ts";

/** Factors of the width of a line at no and at full pressure of a pen. */
const [light, heavy] = [0.4, 1.6];

export interface Desk {
  state: SheetState;
  version: number;
  tool: ToolName;
  toolSettings: ToolSettings;
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

/** A sheet that shows the input of a pair. */
export const stateOf = ({ name, input, target }: StudioPair): SheetState => ({
  name,
  picture: asRgb(input),
  ...(target && { target: asRgb(target) }),
});

/**
 * @param first what the sheet shows first. Default: an empty picture
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
  const [toolSettings, setToolSettings] = useState<ToolSettings>(() => ({
    rgb: kit.colours.find(({ rgb }) => String(rgb) !== String(kit.background))?.rgb ?? [0, 0, 0],
    background: kit.background,
    thick: firstThickness(kit.tool, width),
    kit: kit.tool,
  }));
  const update = (ended: boolean) => {
    setVersion((before) => before + 1);
    changed(sheet.now, ended);
  };
  const setRgb = (rgb: Rgb) => setToolSettings((before) => ({ ...before, rgb }));
  const drawing = useStrokes(sheet, tool, toolSettings, update, (at) => {
    const rgb = pickedColour(sheet.now.picture, at, kit);
    if (rgb) setRgb(rgb);
  });
  // A stroke that is being drawn ends first: the rest of it would be drawn on what the action brings.
  const doing = (work: () => void) => () => {
    drawing.end();
    work();
    update(true);
  };
  const put = (next: SheetState) => doing(() => sheet.replace(next))();
  return {
    state: sheet.now,
    version,
    tool,
    toolSettings,
    drawing,
    choose: (next) => {
      drawing.end();
      choose(next);
    },
    setRgb,
    put,
    canUndo: sheet.canUndo,
    canRedo: sheet.canRedo,
    setThick: (thick) => setToolSettings((before) => ({ ...before, thick })),
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
  settings: ToolSettings,
  update: (ended: boolean) => void,
  pick: (at: Point) => void,
): Drawing {
  const last = useRef<Point | undefined>(undefined);
  const { kind, draw } = tools[tool];
  const atPressure = (pressure: number | undefined): ToolSettings =>
    pressure === undefined
      ? settings
      : { ...settings, thick: Math.max(1, settings.thick * (light + pressure * (heavy - light))) };
  return {
    get begun() {
      return last.current !== undefined;
    },
    start(point, pressure) {
      if (tool === "picker") return pick(point);
      draw(sheet.begin(), point, point, atPressure(pressure));
      last.current = point;
      update(false);
    },
    move(points, pressure) {
      const from = last.current;
      if (!from || kind === "click") return;
      if (kind === "shape") {
        sheet.cancel();
        draw(sheet.begin(), from, points.at(-1)!, settings);
      } else {
        for (const point of points) {
          draw(sheet.now.picture, last.current!, point, atPressure(pressure));
          last.current = point;
        }
      }
      update(false);
    },
    end() {
      if (!last.current) return;
      last.current = undefined;
      sheet.end();
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
