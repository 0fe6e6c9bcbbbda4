/**
 * A sheet of the outputs of several runs for the same test pictures: the input, then the output of each run.
 *
 * `node --import tsx examples/ablation/sheet.ts --tests results/facades-small/default_seed=0/test_latest,... --pictures 1,2,3 --out sheet.png`
 */
import { scriptOptions, usageError } from "../../scripts/options.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { contactSheet } from "../../src/report/compose.ts";

const { values } = scriptOptions(import.meta.url, {
  options: {
    tests: { type: "string" },
    pictures: { type: "string" },
    across: { type: "string", default: "2" },
    out: { type: "string", default: "sheet.png" },
  },
});
if (!values.tests || !values.pictures) usageError("--tests FOLDER,FOLDER --pictures NAME,NAME are needed");
const tests = values.tests.split(",");
const read = async (path: string) => images.decode(await files.read(path));
const rows = values.pictures.split(",").map(async (name) => {
  const input = read(`${tests[0]}/images/${name}_real_A.png`);
  return Promise.all([input, ...tests.map((test) => read(`${test}/images/${name}_fake_B.png`))]);
});
const sheet = contactSheet(await Promise.all(rows), { across: Number(values.across), zoom: 1 });
await files.write(values.out, await images.encodePng(sheet));
console.log(`${values.out}: ${sheet.width} x ${sheet.height} px`);
