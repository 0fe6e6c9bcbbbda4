/** What a bare network takes and gives, for the model cards of formats that hold weights alone. */
import { type SideForm, sideForms, sideNames } from "../data/sides.ts";
import { trainedSize } from "../data/sizes.ts";
import { generators } from "../networks/generators.ts";
import type { ExportModel } from "./model.ts";

/** Markdown: the values, channels and sizes of input and output. */
export function networkValues({ config }: ExportModel): string {
  const { input, target } = sideForms(config);
  const [from, to] = sideNames(config);
  return [
    "## Input and output of the network",
    "",
    `* Input, side ${from} of the data set: ${valuesOf(input)}, [N, ${input.channels}, height, width].`,
    `* Output, side ${to}: ${valuesOf(target)}, [N, ${target.channels}, height, width].`,
    `* Size: multiples of ${generators[config.netG].multiple} px; in training ${trainedSize(config)}.`,
  ].join("\n");
}

function valuesOf({ channels, derive, bgr, labels, edges }: SideForm): string {
  if (labels !== undefined) {
    const objects = edges ? ", then one that is 1 where a neighbour is of another object" : "";
    return `a channel for each of ${labels} classes, 1 where the pixel is of the class, else 0${objects}`;
  }
  if (derive === "L") return "L of CIELAB, from -1 to 1 (L / 50 - 1)";
  if (derive === "ab") return "a and b of CIELAB, from -1 to 1 (a / 110, b / 110)";
  const order = bgr ? ["BGR", "BGRA"][channels - 3] : ["grey", "grey and alpha", "RGB", "RGBA"][channels - 1];
  const masked = derive === "masked" ? ", with a white rectangle of half the size in the centre" : "";
  return `${order ?? `${channels} bands`}, from -1 to 1 (byte / 127.5 - 1)${masked}`;
}
