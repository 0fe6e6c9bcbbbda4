/** Options of a run itself: name and place, seed, saving, printing, device. */
import * as z from "zod";
import { deviceChoices } from "../../engines/device.ts";
import { namesOf } from "../names.ts";
import { option } from "../options.ts";
import { profiles } from "../profiles.ts";

export const runOptions = {
  name: option(
    z.string().default("pix2pix").refine(isRunName, 'a folder name without .. and the characters \\ : * ? " < > |'),
    { group: "run", value: "NAME", help: "name of the run, and of its folder in the checkpoints folder", resume: true },
  ),
  checkpointsDir: option(z.string().min(1).default("runs"), {
    group: "run",
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
    help: "go on with the run from its last checkpoint; its stored options apply",
    resume: true,
  }),
  seed: option(z.int().min(0).max(0xffffffff).default(0), {
    group: "run",
    help: "seed of all random numbers: the same seed, options and data give the same weights",
  }),
  saveLatestFreq: option(z.int().min(1).default(500), {
    group: "run",
    unit: "steps",
    help: "save the checkpoint to continue from every so many steps",
    resume: true,
  }),
  saveEpochFreq: option(z.int().min(1).default(5), {
    group: "run",
    unit: "epochs",
    help: "keep the weights under their own name every so many epochs",
    resume: true,
  }),
  printFreq: option(z.int().min(1).default(100), {
    group: "run",
    unit: "steps",
    help: "print the losses every so many steps where there is no terminal",
    resume: true,
  }),

  device: option(z.enum(deviceChoices).default("auto"), {
    group: "device",
    help: "device that computes; auto takes the fastest that is there",
    resume: true,
  }),
  threads: option(z.int().min(1).max(1024).optional(), {
    group: "device",
    unit: "threads",
    absent: "all cores",
    help: "threads of a step",
    resume: true,
  }),
};

function isRunName(name: string): boolean {
  return name.split("/").every((part) => /^[^\\:*?"<>|]+$/.test(part) && part !== "." && part !== "..");
}
