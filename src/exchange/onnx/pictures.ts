/** The nodes between a picture and the network's values, on both sides of the network. */
import { pictureChannels, type SideForm } from "../../data/sides.ts";
import type { Model } from "../../onnx/model.ts";
import { Builder, renamed, type Value } from "./builder.ts";
import { labOf, rgbOf } from "./lab.ts";

export interface PictureOptions {
  input: SideForm;
  target: SideForm;
  /** Bytes, 0 to 255, [N, H, W, C]; otherwise values in [-1, 1], [N, C, H, W]. */
  bytes: boolean;
  /** Where the file takes any size: the picture is padded to multiples of this. Absent where the size is fixed. */
  multiple?: number | undefined;
}

/**
 * The channels of a side's picture in the file. The file converts CIELAB itself. With bytes a label map is class numbers, otherwise a
 * channel of zeros and ones for each class.
 */
export const channelsOfPicture = (form: SideForm, bytes: boolean): number =>
  form.labels !== undefined && !bytes ? form.channels : pictureChannels(form);

const bgrToRgb = (channels: number) => (channels === 4 ? [2, 1, 0, 3] : [2, 1, 0]);

/** The network from picture to picture: `real_A` and `fake_B` are pictures. */
export function withPictures(network: Model, { input, target, bytes, multiple }: PictureOptions): Model {
  const before = new Builder("input");
  const picture = bytes ? (input.labels ? oneHotOf : valuesOf)(before, "real_A", input.channels) : "real_A";
  const values = networkInput(before, picture, input);
  const padded = multiple ? reflected(before, values, multiple) : values;

  const after = new Builder("output");
  const raw = "network_output";
  const cut = multiple ? cutTo(after, raw, values) : raw;
  const shown = networkOutput(after, cut, target, values);
  const output = bytes ? bytesFrom(after, shown) : shown;

  const inside = renamed(renamed(network.nodes, "real_A", padded), "fake_B", output === raw ? "fake_B" : raw);
  return {
    ...network,
    nodes: [...before.nodes, ...inside, ...renamed(after.nodes, output, "fake_B")],
    initializers: [
      ...new Map(
        [...network.initializers, ...before.initializers, ...after.initializers].map((each) => [each.name, each]),
      ).values(),
    ],
  };
}

/** Bytes [N, H, W, C] as values [N, C, H, W] in [-1, 1], with the roundings of data/transforms.ts. */
function valuesOf(b: Builder, picture: Value): Value {
  const planes = b.op("Transpose", [picture], { perm: { ints: [0, 3, 1, 2] } });
  const share = b.op("Div", [b.cast(planes, "float32"), b.float(255)]);
  return b.op("Div", [b.op("Sub", [share, b.float(0.5)]), b.float(0.5)]);
}

/** Class numbers [N, H, W, 1] as [N, labels, H, W] of zeros and ones. */
function oneHotOf(b: Builder, picture: Value, labels: number): Value {
  const plane = b.cast(b.op("Transpose", [picture], { perm: { ints: [0, 3, 1, 2] } }), "float32");
  const numbers = Array.from({ length: labels }, (_, k) => k);
  return b.cast(b.op("Equal", [plane, b.float(numbers, [1, labels, 1, 1])]), "float32");
}

/** Values [N, C, H, W] in [-1, 1] as bytes [N, H, W, C]: round((v + 1) * 127.5). */
function bytesFrom(b: Builder, values: Value): Value {
  const levels = b.op("Add", [b.op("Mul", [b.op("Add", [values, b.float(1)]), b.float(127.5)]), b.float(0.5)]);
  const whole = b.cast(b.op("Clip", [b.op("Floor", [levels]), b.float(0), b.float(255)]), "uint8");
  return b.op("Transpose", [whole], { perm: { ints: [0, 2, 3, 1] } });
}

function networkInput(b: Builder, picture: Value, { channels, derive, bgr }: SideForm): Value {
  if (derive === "L" || derive === "ab") return labOf(b, picture, derive);
  const masked = derive === "masked" ? withMask(b, picture) : picture;
  return bgr ? b.channels(masked, bgrToRgb(channels)) : masked;
}

/** @param values the network's input, which completes the output of colorization */
function networkOutput(b: Builder, output: Value, { channels, derive, bgr }: SideForm, values: Value): Value {
  if (derive === "L") return rgbOf(b, output, values);
  if (derive === "ab") return rgbOf(b, values, output);
  return bgr ? b.channels(output, bgrToRgb(channels)) : output;
}

/** The picture with a white rectangle of half its size in the centre, as data/sides.ts draws it. */
function withMask(b: Builder, picture: Value): Value {
  const inside = ([axis, shape]: [number, number[]]) => {
    const side = b.side(picture, axis);
    const first = b.op("Div", [side, b.int(4)]);
    const end = b.op("Add", [first, b.op("Div", [side, b.int(2)])]);
    const places = b.op("Range", [b.int(0), side, b.int(1)]);
    const within = b.op("And", [b.op("Not", [b.op("Less", [places, first])]), b.op("Less", [places, end])]);
    return b.op("Reshape", [within, b.ints(...shape)]);
  };
  const rows = inside([2, [1, 1, -1, 1]]);
  const columns = inside([3, [1, 1, 1, -1]]);
  return b.op("Where", [b.op("And", [rows, columns]), b.float(1), picture]);
}

/** The map extended at the bottom and at the right to multiples of a number, by repeated reflection without the edge. */
function reflected(b: Builder, x: Value, multiple: number): Value {
  return [2, 3].reduce((map, axis) => {
    const side = b.side(x, axis);
    const many = b.op("Div", [b.op("Add", [side, b.int(multiple - 1)]), b.int(multiple)]);
    const places = b.op("Range", [b.int(0), b.op("Mul", [many, b.int(multiple)]), b.int(1)]);
    const twice = b.op("Mul", [b.op("Sub", [side, b.int(1)]), b.int(2)]);
    const period = b.op("Max", [twice, b.int(1)]);
    const place = b.op("Mod", [places, period]);
    const mirrored = b.op("Min", [place, b.op("Sub", [period, place])]);
    return b.op("Gather", [map, mirrored], { axis: { int: axis } });
  }, x);
}

/** The map cut to the height and width of another. */
function cutTo(b: Builder, map: Value, like: Value): Value {
  const sides = b.op("Slice", [b.op("Shape", [like]), b.ints(2), b.ints(4)]);
  return b.op("Slice", [map, b.ints(0, 0), sides, b.ints(2, 3)]);
}
