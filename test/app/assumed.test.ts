/** What the page says that an import has assumed: what `pix2pix import` says of the same weights. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { assumedOptions } from "../../src/app/parts/assumed.ts";
import { namesOf } from "../../src/config/names.ts";
import { parseConfig } from "../../src/config/schema.ts";
import { generatorState, loadGenerator } from "../../src/exchange/load.ts";
import { encode } from "../../src/formats/safetensors.ts";
import { generators } from "../../src/networks/generators.ts";
import { files } from "../../src/node/files.ts";
import { weightTensors } from "../../src/run/weights.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("assumed");

it.each(namesOf(generators))("%s: the options that its tensors do not show", async (netG) => {
  const side = Math.max(256, generators[netG].multiple);
  const config = parseConfig({ dataroot: "data", name: netG, netG, ngf: 2, cropSize: side, loadSize: side });
  const path = join(work, `${netG}.safetensors`);
  await files.write(path, encode(weightTensors(generatorState(config))));
  const loaded = await loadGenerator(path, files);
  const said = loaded.assumed.map(({ flag, value }) => `${flag.slice(2)} ${value}`).join(", ");
  expect(assumedOptions(loaded.config)).toBe(said);
  expect(assumedOptions(config)).toBeUndefined();
});
