/** Options of a run itself: name and place, seed, saving, printing, device. */
import * as z from "zod";
import { deviceChoices } from "../../engines/device.ts";
import { namesOf } from "../names.ts";
import { option } from "../options.ts";
import { profiles } from "../profiles.ts";

const labels = "latest, best, the number of a kept epoch, or iter_500 for a step";

export const runOptions = {
  name: option(
    z
      .string()
      .default("pix2pix")
      .refine(
        isRunName,
        'a folder name that does not begin with /, without .., control characters and \\ : * ? " < > |',
      ),
    {
      group: "run",
      needs: "terminal",
      value: "NAME",
      help: "name of the run, and of its folder in the checkpoints folder",
      resume: true,
    },
  ),
  checkpointsDir: option(z.string().min(1).default("runs"), {
    group: "run",
    needs: "terminal",
    value: "FOLDER",
    help: "folder of all runs",
    resume: true,
  }),
  profile: option(z.enum(namesOf(profiles)).default("junyanz"), {
    group: "run",
    help: "set of defaults, after a known system; other options override it",
    kinds: profiles,
  }),
  continueTrain: option(z.boolean().default(false), {
    group: "run",
    needs: "terminal",
    help: "continue the run from its last checkpoint, or from step 0 where it has none, with its stored options; with if-present a run that has kept no weights begins with the options of this command",
    word: "if-present",
    resume: true,
  }),
  epoch: option(
    z
      .string()
      .refine((label) => /^(latest|best|\d+|iter_\d+)$/.test(label), labels)
      .optional(),
    {
      group: "run",
      needs: "terminal",
      value: "LABEL",
      absent: "latest",
      help:
        "with --continue-train: continue from kept weights, such as 100 for those of epoch 100; what came after them " +
        "becomes a run of its own, such as NAME/until_epoch_200",
      resume: true,
    },
  ),
  allowChangedData: option(z.boolean().default(false), {
    group: "run",
    needs: "terminal",
    help: "continue a run although files of its pairs were renamed or replaced; their number must be the same",
    resume: true,
  }),
  seed: option(z.int().min(0).max(0xffffffff).default(0), {
    group: "run",
    help: "seed of all random numbers: the same seed, options and data give the same weights",
  }),
  saveLatestFreq: option(z.int().min(1).default(500), {
    group: "run",
    unit: "steps",
    help: "steps between two saves of the checkpoint from which a run can continue",
    resume: true,
  }),
  saveLatestSeconds: option(z.int().min(1).optional(), {
    group: "run",
    unit: "seconds",
    absent: "by steps alone",
    help: "also save the checkpoint when this many seconds have passed since the last save, for steps that take long",
    resume: true,
  }),
  saveByIter: option(z.boolean().default(false), {
    group: "run",
    help: "also keep the weights of every saved checkpoint under its step; test and translate take them by --epoch iter_500",
    resume: true,
  }),
  saveState: option(z.boolean().default(false), {
    group: "run",
    help: "also keep Adam's moments with all kept weights, so that a run continued by --epoch repeats the same steps; takes three times the space",
    resume: true,
  }),
  saveEpochFreq: option(z.int().min(1).default(5), {
    group: "run",
    unit: "epochs",
    help: "epochs between two copies of the weights; each is kept under the number of its epoch",
    resume: true,
  }),
  printFreq: option(z.int().min(1).default(100), {
    group: "run",
    needs: "terminal",
    unit: "steps",
    help: "steps between two lines with losses if the output is not a terminal",
    resume: true,
  }),
  displayFreq: option(
    z
      .string()
      .regex(/^[1-9]\d{0,8}s?$/, "a number of steps, such as 400, or of seconds, such as 60s")
      .optional(),
    {
      group: "watching",
      value: "STEPS|SECONDS",
      absent: "every 300 s",
      help: "how often samples are written within an epoch, in addition to those at its end: 400 is every 400 steps, 60s every 60 seconds",
      resume: true,
    },
  ),
  serve: option(z.boolean().default(false), {
    group: "watching",
    needs: "terminal",
    help: "show the run on a page of this machine while it trains; pix2pix serve does so for all runs, at any time",
    resume: true,
  }),
  tensorboard: option(z.boolean().default(false), {
    group: "watching",
    needs: "machine",
    help: "also write losses, scores and samples as event files of TensorBoard: tensorboard --logdir runs",
    resume: true,
  }),
  tensorboardHistograms: option(z.boolean().default(false), {
    group: "watching",
    needs: "machine",
    help: "as --tensorboard, with the distributions of each weight and of each layer's values on a sample after every epoch",
    resume: true,
  }),

  device: option(z.enum(deviceChoices).default("auto"), {
    group: "device",
    needs: "machine",
    help: "device that computes; auto takes the fastest that is present",
    resume: true,
  }),
  threads: option(z.int().min(1).max(1024).optional(), {
    group: "device",
    needs: "machine",
    unit: "threads",
    absent: "all cores",
    help: "CPU threads for each step",
    resume: true,
  }),
};

function isRunName(name: string): boolean {
  return name.split("/").every((part) => /^[^\p{Cc}\\:*?"<>|]+$/u.test(part) && part !== "." && part !== "..");
}
