/** Controls for drawing: tools, width of lines, undo, colours. */
import type { DrawingKit } from "../../data/drawing.ts";
import { Slider } from "../parts/basics.tsx";
import { type IconName, icon } from "./icons.tsx";
import type { Rgb } from "./raster.ts";
import { type ToolName, toolNames, tools } from "./tools.ts";

interface IconButtonProps {
  name: IconName;
  title: string;
  /** The key that does the same. */
  keys?: string;
  pressed?: boolean;
  disabled?: boolean;
  click(): void;
}

export function IconButton({ name, title, keys, pressed, disabled = false, click }: IconButtonProps) {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={title}
      title={keys ? `${title} (${keys})` : title}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={click}
    >
      {icon(name)}
    </button>
  );
}

interface ToolbarProps {
  tool: ToolName;
  choose(tool: ToolName): void;
  thick: number;
  setThick(value: number): void;
  /** The widest line. */
  most: number;
  canUndo: boolean;
  canRedo: boolean;
  undo(): void;
  redo(): void;
  clear(): void;
}

export function Toolbar(props: ToolbarProps) {
  const { tool, choose, thick, setThick, most, canUndo, canRedo, undo, redo, clear } = props;
  return (
    <div class="toolbar" role="toolbar" aria-label="Drawing tools">
      <div class="group">
        {toolNames.map((name) => (
          <IconButton
            key={name}
            name={name}
            title={tools[name].title}
            keys={tools[name].key.toUpperCase()}
            pressed={name === tool}
            click={() => choose(name)}
          />
        ))}
      </div>
      <div class="group">
        <IconButton name="undo" title="Undo" keys="Ctrl+Z" disabled={!canUndo} click={undo} />
        <IconButton name="redo" title="Redo" keys="Ctrl+Shift+Z" disabled={!canRedo} click={redo} />
        <IconButton name="clear" title="Clear the sheet" keys="Delete" click={clear} />
      </div>
      <Slider label="Size" value={thick} min={1} max={most} text={`${thick} px`} change={setThick} />
    </div>
  );
}

interface SwatchesProps {
  kit: DrawingKit;
  rgb: Rgb;
  choose(rgb: Rgb): void;
}

const same = (a: Rgb, b: Rgb) => a.every((value, c) => value === b[c]);
const css = (rgb: Rgb) => `rgb(${rgb.join(" ")})`;
const toHex = (rgb: Rgb) => `#${rgb.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
const fromHex = (text: string): Rgb => {
  const value = Number.parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
};

/** The colours of the run's inputs; for photographs any colour. */
export function Swatches({ kit, rgb, choose }: SwatchesProps) {
  if (kit.colours.length === 0) {
    return (
      <label class="any-colour">
        Colour
        <input type="color" value={toHex(rgb)} onInput={({ currentTarget }) => choose(fromHex(currentTarget.value))} />
      </label>
    );
  }
  return (
    <fieldset class="swatches">
      <legend class="unseen">Colours</legend>
      {kit.colours.map((colour, i) => (
        <label key={colour.name} class="swatch" title={i < 9 ? `${colour.name} (${i + 1})` : colour.name}>
          <input
            type="radio"
            name="colour"
            class="unseen"
            checked={same(colour.rgb, rgb)}
            onChange={() => choose(colour.rgb)}
          />
          <span class="chip-colour" style={{ background: css(colour.rgb) }} />
          <span class="name">{colour.name}</span>
        </label>
      ))}
    </fieldset>
  );
}
