/** Options of the objective and of the step: losses, their weights, and the order in which the two networks are updated. */
import * as z from "zod";
import { updateOrders } from "../../model/losses.ts";
import { diffAugmentNames, diffAugments } from "../../nn/diff-augment.ts";
import { type GanLoss, ganLosses } from "../../nn/losses.ts";
import { namesOf } from "../names.ts";
import { listed, option } from "../options.ts";

const expectedAugments = `some of ${listed(namesOf(diffAugments), "and")}, separated by commas, or none`;

const penalised = Object.entries<GanLoss>(ganLosses).flatMap(([name, { gradientPenalty }]) =>
  gradientPenalty ? [name] : [],
);

export const objectiveOptions = {
  ganMode: option(z.enum(namesOf(ganLosses)).default("vanilla"), {
    group: "objective",
    help: "adversarial loss",
    kinds: ganLosses,
  }),
  lambdaGp: option(z.number().min(0).default(10), {
    group: "objective",
    help: `weight of the gradient penalty of --gan-mode ${listed(penalised)}`,
  }),
  lambdaR1: option(z.number().min(0).default(0), {
    group: "objective",
    flag: "--lambda-r1",
    help: "weight of half the squared gradient of the discriminator at real pictures (R1, Mescheder et al. 2018)",
  }),
  diffAugment: option(
    z
      .string()
      .refine((list) => diffAugmentNames(list) !== undefined, expectedAugments)
      .optional(),
    {
      group: "objective",
      value: "LIST",
      absent: "none",
      help: `random changes of what the discriminator sees, for small data sets (DiffAugment, Zhao et al. 2020): ${expectedAugments}`,
      kinds: diffAugments,
    },
  ),
  spectralNorm: option(z.boolean().default(false), {
    group: "objective",
    help: "divide each weight of the discriminator by its largest singular value (Miyato et al. 2018)",
  }),
  lambdaL1: option(z.number().min(0).default(100), {
    group: "objective",
    flag: "--lambda-l1",
    help: "weight of the L1 distance to the target in the generator's loss",
  }),
  lambdaGan: option(z.number().min(0).default(1), {
    group: "objective",
    help: "weight of the adversarial loss in the generator's loss; 0 trains without a discriminator (the paper's L1)",
  }),
  lambdaFeat: option(z.number().min(0).default(0), {
    group: "objective",
    help: "weight of feature matching, the L1 distance between the discriminator's maps for output and target (pix2pixHD: 10)",
  }),
  distill: option(z.string().min(1).optional(), {
    group: "objective",
    value: "NAME",
    absent: "none",
    help: "teacher: a run in the checkpoints folder whose generator's outputs this one learns to copy, which helps a smaller network",
  }),
  lambdaDistill: option(z.number().min(0).default(0), {
    group: "objective",
    help: "weight of the L1 distance to the outputs of --distill, in addition to that to the targets or (--lambda-l1 0) instead of it",
  }),
  lambdaLpips: option(z.number().min(0).default(0), {
    group: "objective",
    needs: "machine",
    help: "weight of LPIPS between output and target (Zhang et al. 2018), by the network of --features and the layers of --lpips",
  }),
  lossDWeight: option(z.number().gt(0).default(0.5), {
    group: "objective",
    flag: "--loss-d-weight",
    help: "factor of the discriminator's loss: 0.5 in the paper, 1 in its code and in TensorFlow's tutorial",
  }),
  updateOrder: option(z.enum(namesOf(updateOrders)).default("updated"), {
    group: "objective",
    help: "discriminator that the generator learns from",
    kinds: updateOrders,
  }),
  drawTwice: option(z.boolean().default(false), {
    group: "objective",
    help: "generate pictures a second time for the generator's update, with other dropout masks (profile article)",
  }),
  zeroBias: option(z.boolean().default(false), {
    group: "objective",
    help: "set the biases of convolutions to 0 before every step, as the paper's code does",
  }),
  accumulate: option(z.int().min(1).default(1), {
    group: "objective",
    unit: "batches",
    help: "batches whose gradients are averaged for one update of both networks",
  }),
  clipGrad: option(z.number().min(0).default(0), {
    group: "objective",
    help: "upper limit of the norm of each network's gradient; larger gradients are scaled down; 0 means no limit",
  }),
};
