/** Options of the schedule: length, learning rate, validation and early stop. */
import * as z from "zod";
import { validationMetrics } from "../../metrics/pictures.ts";
import { statisticsSources } from "../../nn/norms.ts";
import { schedules } from "../../nn/schedules.ts";
import { namesOf } from "../names.ts";
import { option } from "../options.ts";

export const scheduleOptions = {
  nEpochs: option(z.int().min(0).default(100), {
    group: "schedule",
    unit: "epochs",
    help: "epochs at the initial learning rate",
    resume: true,
  }),
  nEpochsDecay: option(z.int().min(0).default(100), {
    group: "schedule",
    unit: "epochs",
    help: "epochs after those of --n-epochs, in which --lr-policy linear decays the rate to zero",
    resume: true,
  }),
  maxSteps: option(z.int().min(1).optional(), {
    group: "schedule",
    unit: "steps",
    absent: "no limit",
    help: "stop at this step, counted from the start of the run",
    resume: true,
  }),
  lr: option(z.number().gt(0).default(0.0002), { group: "schedule", help: "Adam's learning rate", resume: true }),
  lrD: option(z.number().gt(0).optional(), {
    group: "schedule",
    absent: "that of --lr",
    help: "Adam's learning rate for the discriminator (two time-scales, Heusel et al. 2017); it follows --lr-policy as --lr does",
    resume: true,
  }),
  lrPolicy: option(z.enum(namesOf(schedules)).default("linear"), {
    group: "schedule",
    help: "schedule of the learning rate",
    kinds: schedules,
    resume: true,
  }),
  lrDecayIters: option(z.int().min(1).default(50), {
    group: "schedule",
    unit: "epochs",
    help: "epochs between two reductions by --lr-policy step",
    resume: true,
  }),
  beta1: option(z.number().min(0).lt(1).default(0.5), { group: "schedule", help: "Adam's first-moment decay" }),
  beta2: option(z.number().min(0).lt(1).default(0.999), { group: "schedule", help: "Adam's second-moment decay" }),
  ema: option(z.number().min(0).lt(1).default(0), {
    group: "schedule",
    help: "decay of a running average of the generator's weights, such as 0.999; samples, scores and exports take the average (0: none)",
  }),

  valFreq: option(z.int().min(1).optional(), {
    group: "validation",
    unit: "epochs",
    absent: "never",
    help: "epochs between two validations, which score pairs that are not trained on; the best weights are kept",
    resume: true,
  }),
  valPhase: option(z.string().min(1).default("val"), {
    group: "validation",
    value: "NAME",
    help: "subfolder of the dataroot with the pairs for validation",
    resume: true,
  }),
  valSize: option(z.int().min(1).default(100), {
    group: "validation",
    unit: "pairs",
    help: "largest number of pairs for validation; the first ones are used",
    resume: true,
  }),
  valMetric: option(z.enum(namesOf(validationMetrics)).default("L1"), {
    group: "validation",
    help: "score that selects the best weights and that --lr-policy plateau and --early-stop use; KID needs --features, LPIPS also --lpips",
    resume: true,
  }),
  dropout: option(z.enum(["on", "off"]).default("on"), {
    group: "validation",
    help: "dropout in samples and scores, and the default of test and translate; the known systems have it on",
    resume: true,
  }),
  statistics: option(z.enum(statisticsSources).default("batch"), {
    group: "validation",
    help: "statistics of batch norms in samples and scores, and the default of test and translate: of the batch, as in the known systems, the running ones, or of each image",
    resume: true,
  }),
  earlyStop: option(z.int().min(1).optional(), {
    group: "validation",
    unit: "scores",
    absent: "never",
    help: "validations without a better score after which training ends",
    resume: true,
  }),
};
