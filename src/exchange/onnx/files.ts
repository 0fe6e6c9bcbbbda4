/** Writes an ONNX file of an export, with notes for the user. */
import type { ExportContext } from "../format.ts";
import type { ExportModel } from "../model.ts";
import { type OnnxForm, pictureModel } from "./assemble.ts";
import { differenceOf, onnxFile } from "./export.ts";
import { type Difference, differenceText } from "./metadata.ts";

export async function writeOnnx(
  path: string,
  model: ExportModel,
  form: OnnxForm,
  { platform, write, note, fact, licence }: ExportContext,
): Promise<void> {
  const content = pictureModel(model, form);
  const difference = form.precision === "float32" ? undefined : await fromFloat(model, form, platform);
  await write(path, onnxFile(content, model, form, { licence, difference }));
  for (const line of notesOn(model, form)) note(line);
  if (difference) {
    const line = `${precisions[form.precision]}: outputs differ by ${differenceText(difference)}`;
    note(line);
    fact(line);
  }
}

const precisions = { float32: "float32", float16: "half precision", int8: "8-bit weights" };

/** The difference from float32. Rounding to bytes and random masks would hide it, so both are off. */
async function fromFloat(model: ExportModel, form: OnnxForm, { ort }: ExportContext["platform"]): Promise<Difference> {
  const plain: OnnxForm = { ...form, bytes: false, dropout: "off" };
  return differenceOf(pictureModel(model, plain), pictureModel(model, { ...plain, precision: "float32" }), plain, ort);
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
