/** Writes an ONNX file of an export, with notes for the user. */
import type { ExportContext } from "../format.ts";
import type { ExportModel } from "../model.ts";
import { type OnnxForm, pictureModel } from "./assemble.ts";
import { differenceOf, onnxFile } from "./export.ts";

export async function writeOnnx(
  path: string,
  model: ExportModel,
  form: OnnxForm,
  { platform, write, note, licence }: ExportContext,
): Promise<void> {
  const content = pictureModel(model, form);
  const halfDifference = form.half ? await lossOfHalf(model, form, platform) : undefined;
  await write(path, onnxFile(content, model, form, { licence, halfDifference }));
  for (const line of notesOn(model, form)) note(line);
  if (halfDifference !== undefined) {
    note(`half precision: outputs differ by up to ${halfDifference.toFixed(3)} of 255 from float32, on a test picture`);
  }
}

/** The largest difference between both precisions. Rounding to bytes and random masks would hide it, so both are off. */
async function lossOfHalf(model: ExportModel, form: OnnxForm, { ort }: ExportContext["platform"]): Promise<number> {
  const plain: OnnxForm = { ...form, bytes: false, dropout: "off" };
  return differenceOf(pictureModel(model, plain), pictureModel(model, { ...plain, half: false }), plain, ort);
}

function notesOn({ config }: ExportModel, { dropout, size, anyBatch }: OnnxForm): string[] {
  const notes: string[] = [];
  if (dropout === "off" && !config.noDropout && config.dropout === "on") {
    notes.push(
      "dropout is off in the file, so that one picture has one output; translate has it on unless --dropout off is given",
    );
  }
  if (dropout === "on") notes.push("dropout is on in the file: its outputs for one picture differ from call to call");
  if (!size && !anyBatch) notes.push("the run has pictures of any size, so the file takes any size; --size fixes it");
  return notes;
}
