/** pix2pix import */
import * as z from "zod";
import { namesOf } from "../../config/names.ts";
import { option } from "../../config/options.ts";
import { configSchema } from "../../config/schema.ts";
import { knownInputs } from "../../data/drawing.ts";
import { ConfigError } from "../../errors.ts";
import type { ImportedRun } from "../../exchange/import.ts";
import { files } from "../../node/files.ts";
import { translateCommand } from "../../text.ts";
import type { Command, Output } from "../command.ts";
import { otherOptions, ownOptions, runFlags } from "../runs.ts";

const { name, checkpointsDir } = configSchema.shape;

const schema = z.object({
  from: option(z.string().min(1), {
    group: "weights",
    value: "FILE...",
    help: "a project of pix2pix export --format project (.zip); or files of weights: the generator's, and the discriminator's if there is one: .pth and .pt of PyTorch, .safetensors, a TensorFlow checkpoint (ckpt-5.index), .t7 of Torch, .pict",
  }),
  name,
  checkpointsDir,
  drawing: option(z.enum(namesOf(knownInputs)).optional(), {
    group: "weights",
    absent: "found from --dataroot, else photographs",
    help: "what the studio draws for this generator: the tool and its colours",
    kinds: knownInputs,
  }),
});

export const importCommand: Command = {
  name: "import",
  summary: "create a run from weights trained elsewhere, such as a PyTorch .pth",
  schema,
  ofRun:
    "options of train supply what weights do not contain: --direction, --no-dropout, --crop-size, --dataroot and others",
  argument: "from",
  several: true,
  examples: [
    "npx pix2pix import facades_label2photo.pth --name facades",
    "npx pix2pix import latest_net_G.pth latest_net_D.pth --name facades --direction BtoA",
    "npx pix2pix import facades_label2photo.pth --name facades --drawing facades",
  ],
  async run(given, output) {
    const { from, name, checkpointsDir, drawing } = ownOptions(schema, given);
    const sources = from.split("\n");
    if (sources.some(isProject)) {
      if (sources.length > 1) {
        throw new ConfigError(
          `got ${sources.join(" and ")}: a project (.zip) has both networks, and is imported alone; expected one project, or ` +
            "files of weights",
        );
      }
      const place = { name: given.name === undefined ? undefined : name, checkpointsDir };
      return importProject(from, place, drawing, output);
    }
    const { importRun } = await import("../../exchange/import.ts");
    const imported = await importRun(
      { from: sources, name, checkpointsDir, given: otherOptions(schema, given) },
      files,
    );
    if (drawing) await imported.run.saveDrawing(knownInputs[drawing].kit);
    for (const note of imported.notes) output.note(`note: ${note}`);
    describeTo(output, imported);
    const named = runFlags({ name, checkpointsDir });
    const { progress } = imported;
    output.print(`Run: ${imported.run.dir}${progress ? `, at step ${progress.step}` : ""}`);
    if (progress) output.print(`  npx pix2pix train ${named} --continue-train`);
    output.print(`  ${translateCommand(named, imported.config)}`);
    return 0;
  },
};

const isProject = (path: string): boolean => /\.zip$/i.test(path);

/** Imports a project that `export --format project` or the page has written. */
async function importProject(
  path: string,
  place: { name: string | undefined; checkpointsDir: string },
  drawing: keyof typeof knownInputs | undefined,
  output: Output,
): Promise<number> {
  const { name, checkpointsDir } = place;
  const { readProject } = await import("../../exchange/project.ts");
  const { slicesOfFile } = await import("../../formats/weights-file.ts");
  const archive = await slicesOfFile(files, path);
  const { run, config, state } = await readProject(archive, path, { checkpointsDir, ...(name && { name }) }, files);
  if (drawing) await run.saveDrawing(knownInputs[drawing].kit);
  const { step = 0 } = (await run.progress().catch(() => undefined)) ?? {};
  output.print(`Run: ${run.dir}, ${config.netG}, ${config.direction}${state ? `, at step ${step}` : ""}`);
  const named = runFlags(config);
  if (!state) {
    output.note(
      'note: the project has no training state; to continue its training, export it --with-state (on the page: "with the training state, to continue it elsewhere")',
    );
  }
  if (state) output.print(`  npx pix2pix train ${named} --continue-train --dataroot FOLDER`);
  output.print(`  ${translateCommand(named, config)}`);
  return 0;
}

/** Prints what the tensors show, and which values were assumed for the rest. */
function describeTo(output: Output, { networks, facts, assumed }: ImportedRun): void {
  for (const { network, path, tensors } of networks) {
    output.print(`${network === "G" ? "generator" : "discriminator"}: ${path}, ${tensors.size} tensors`);
  }
  output.print("Recognised from the tensors:");
  for (const { key, value, from } of facts) output.print(`  ${key.padEnd(14)} ${String(value).padEnd(14)} ${from}`);
  if (assumed.length === 0) return;
  output.print("Not in the file, taken from the defaults of its system (give the option if it was trained otherwise):");
  output.print(`  ${assumed.map(({ flag, value }) => `${flag} ${value}`).join(", ")}`);
}
