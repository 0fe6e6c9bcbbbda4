/** The types of a run's options. Made by `npm run docs` from the groups of options; do not edit. */
import type * as z from "zod";
import type { dataOptions } from "./groups/data.ts";
import type { featureOptions } from "./groups/features.ts";
import type { networkOptions } from "./groups/networks.ts";
import type { objectiveOptions } from "./groups/objective.ts";
import type { runOptions } from "./groups/run.ts";
import type { scheduleOptions } from "./groups/schedule.ts";

type Schema = typeof dataOptions &
  typeof featureOptions &
  typeof networkOptions &
  typeof objectiveOptions &
  typeof runOptions &
  typeof scheduleOptions;
type Values = z.output<z.ZodObject<Schema>>;

/** The options that `parseConfig` takes. Only the dataroot has to be given. */
export interface ConfigInput {
  /**
   * Folder of the pairs: pictures with A left and B right, folders A and B, or x.jpg with x.png.
   * Default: none, it is required.
   */
  dataroot: string;
  /** Subfolder of the dataroot: train, val, test, .... Default: train. */
  phase?: string;
  /**
   * Layout of the dataroot; auto recognises pairs.
   * - aligned: one picture per pair, A left and B right
   * - cmp: photo x.jpg (A) beside its labels x.png (B)
   * - colorization: plain pictures: A is their lightness (1 channel), B their colours (2 channels, a and b of
   * CIELAB)
   * - folders: two folders A and B (or trainA and trainB, train_label and train_img), same stems
   * - inpainting: plain pictures: A is the picture with a white square of half its size in the centre, B the
   * picture
   * - single: plain pictures without targets, for inspect; translate takes them without a layout
   * Default: auto.
   */
  datasetMode?: Values["datasetMode"];
  /** Side that is the input, and side that is the target; facades labels to photos is BtoA. Default: AtoB. */
  direction?: Values["direction"];
  /**
   * The input is a label map of so many class numbers, 0, 1, ... (255: none); the networks get a channel for each
   * class.
   * Value: classes from 2 to 256. Default: the input is a picture.
   */
  inputLabels?: number;
  /**
   * Channels of the input: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA, others from .npy files.
   * Value: channels from 1 to 256. Default: 3.
   */
  inputNc?: number;
  /** Channels of the output and target. Value: channels from 1 to 64. Default: 3. */
  outputNc?: number;
  /**
   * Preparation of both sides of a pair.
   * - resize_and_crop: resize to the load size, whatever the shape, and crop
   * - crop: only crop
   * - scale_width: resize to the load width and keep the shape
   * - scale_width_and_crop: resize to the load width, keep the shape, and crop
   * - none: take pictures as they are
   * Default: resize_and_crop.
   */
  preprocess?: Values["preprocess"];
  /** Width (and height) that both sides are resized to before the crop. Value: px from 1 to 32768. Default: 286. */
  loadSize?: number;
  /**
   * Height that both sides are resized to, if it differs from the width.
   * Value: px from 1 to 32768. Default: the load size.
   */
  loadHeight?: number;
  /** Width (and height) of the networks' input. Value: px from 1 to 32768. Default: 256. */
  cropSize?: number;
  /**
   * Height of the networks' input, if it differs from the width.
   * Value: px from 1 to 32768. Default: the crop size.
   */
  cropHeight?: number;
  /** Filter of resizing, as in PIL (area is its box filter). Default: bicubic. */
  resizeFilter?: Values["resizeFilter"];
  /** Order of the colour channels in the networks; weights of the paper's code need BGR. Default: RGB. */
  channelOrder?: Values["channelOrder"];
  /** Never mirror pairs left to right. Default: false. */
  noFlip?: boolean;
  /** Also mirror pairs top to bottom at random. Default: false. */
  flipVertical?: boolean;
  /** Also rotate pairs by a random multiple of 90 degrees (square crops only). Default: false. */
  rotate90?: boolean;
  /**
   * Vary brightness, contrast and saturation of the input, each by a random factor from 1 - this to 1 + this.
   * Value: number from 0 to 1. Default: 0.
   */
  colorJitter?: number;
  /** Draw the pairs of an epoch with replacement, as the paper's code does. Default: false. */
  replacement?: boolean;
  /** Take pairs in the order of their names instead of shuffling them each epoch. Default: false. */
  serialBatches?: boolean;
  /** Pairs per step. Value: pairs from 1 to 65536. Default: 1. */
  batchSize?: number;
  /**
   * Leave out the pairs of an epoch that do not fill a batch, instead of training on a smaller batch.
   * Default: false.
   */
  dropLast?: boolean;
  /** Use only this many pairs, the first ones. Value: pairs of at least 1. Default: all. */
  maxDatasetSize?: number;
  /** Leave out pictures without a partner instead of stopping. Default: false. */
  skipUnpaired?: boolean;
  /** Leave out pictures that cannot be decoded instead of stopping. Default: false. */
  skipBadImages?: boolean;
  /**
   * Generator, with the sizes that it takes.
   * - unet_32: U-Net of 5 levels, multiples of 32
   * - unet_64: U-Net of 6 levels, multiples of 64
   * - unet_128: U-Net of 7 levels, multiples of 128
   * - unet_256: U-Net of 8 levels, multiples of 256
   * - unet_512: U-Net of 9 levels, multiples of 512
   * - unet_1024: U-Net of 10 levels, multiples of 1024
   * - encoder_decoder_64: U-Net of 6 levels without skip connections, multiples of 64
   * - encoder_decoder_128: U-Net of 7 levels without skip connections, multiples of 128
   * - encoder_decoder: U-Net of 8 levels without skip connections, multiples of 256
   * - resnet_6blocks: ResNet of 6 blocks, multiples of 4
   * - resnet_9blocks: ResNet of 9 blocks, multiples of 4
   * - global_9blocks: ResNet of 9 blocks and 4 halvings, pix2pixHD's global generator, multiples of 16
   * - enhancer: pix2pixHD's local enhancer around global_9blocks of twice the filters, multiples of 32
   * - article: the seed article's U-Net of 8 levels (see --profile article), multiples of 256
   * Default: unet_256.
   */
  netG?: Values["netG"];
  /** Filters of the generator's first layer. Value: filters from 1 to 4096. Default: 64. */
  ngf?: number;
  /**
   * Layers of the generator that double a map.
   * - transpose: transposed convolution
   * - resize: nearest neighbours and a convolution of stride 1 (no checkerboard)
   * Default: transpose.
   */
  upsample?: Values["upsample"];
  /**
   * Padding of convolutions that halve, of D's last two and of resize-convolutions; transposed convolutions pad
   * with zeros, the other convolutions of a resnet reflect.
   * Default: zero.
   */
  padding?: Values["padding"];
  /**
   * Discriminator; patch_N judges patches of N px as in the paper's Table 3.
   * - basic: PatchGAN of 3 strided layers, patches of 70 px
   * - n_layers: PatchGAN of --n-layers-d strided layers
   * - pixel: PixelGAN of 1 x 1 convolutions, judges single pixels
   * - patch_1: PixelGAN of 1 x 1 convolutions, judges single pixels
   * - patch_16: PatchGAN of 1 strided layer, patches of 16 px
   * - patch_70: PatchGAN of 3 strided layers, patches of 70 px
   * - patch_286: PatchGAN of 5 strided layers, patches of 286 px
   * - article: the seed article's: 4 strided layers, then a transposed one to a 70 x 70 map
   * Default: basic.
   */
  netD?: Values["netD"];
  /** Filters of the discriminator's first layer. Value: filters from 1 to 4096. Default: 64. */
  ndf?: number;
  /**
   * Strided layers of --netD n_layers; 0 to 6 judge patches of 1, 16, 34, 70, 142, 286, 574 px.
   * Value: layers from 0 to 6. Default: 3.
   */
  nLayersD?: number;
  /**
   * Number of discriminators; each gets its input at half the size of the previous one's (pix2pixHD).
   * Value: scales from 1 to 4. Default: 1.
   */
  numD?: number;
  /** The discriminator gets only the output, not the input: the paper's GAN instead of its cGAN. Default: false. */
  noCondition?: boolean;
  /**
   * Order of the channels that the discriminator reads.
   * - input_first: input, then picture (the known systems)
   * - picture_first: picture, then input (article)
   * Default: input_first.
   */
  pairOrder?: Values["pairOrder"];
  /**
   * Normalisation in both networks.
   * - batch: over the batch, with scale and shift (Ioffe and Szegedy 2015)
   * - instance: over each picture, without scale and shift (Ulyanov et al. 2016)
   * - none: no normalisation
   * Default: batch.
   */
  norm?: Values["norm"];
  /** No dropout in the generator. Default: false. */
  noDropout?: boolean;
  /**
   * Decoder levels of a U-Net with dropout, from the innermost.
   * - second: levels 2 to 4, those of width ngf * 8 (PyTorch implementation)
   * - first: levels 1 to 3 (paper)
   * Default: second.
   */
  dropoutLevels?: Values["dropoutLevels"];
  /**
   * Also normalise the innermost layer; with batch 1 this sets a 1x1 map to zero (the paper's erratum).
   * Default: false.
   */
  bottleneckNorm?: boolean;
  /** Slope of LeakyReLU for negative values. Value: number of at least 0 and below 1. Default: 0.2. */
  slope?: number;
  /**
   * Map that a skip connection of a U-Net brings to the decoder.
   * - relu: the encoder's map, on which the decoder applies ReLU
   * - leaky: the encoder's map after LeakyReLU, beside the decoder's after ReLU (tutorial)
   * Default: relu.
   */
  skip?: Values["skip"];
  /**
   * Convolutions that have a bias; the last one always has.
   * - auto: as the network's authors: before an instance norm and in D's first (article: all)
   * - always: all convolutions
   * - never: only the last convolution
   * Default: auto.
   */
  bias?: Values["bias"];
  /** Number that norms add to the variance. Value: number above 0. Default: 0.00001. */
  normEpsilon?: number;
  /**
   * Weight of the new batch in the running statistics of batch norms (PyTorch's momentum).
   * Value: number above 0 and of at most 1. Default: 0.1.
   */
  normMomentum?: number;
  /**
   * Distribution of the initial weights.
   * - normal: N(0, gain)
   * - xavier: N(0, gain * sqrt(2 / (fan in + fan out)))
   * - kaiming: N(0, sqrt(2 / fan in)), whatever the gain
   * - orthogonal: gain times a matrix with orthonormal rows
   * Default: normal.
   */
  initType?: Values["initType"];
  /**
   * Gain of the initial weights; with --init-type normal their standard deviation.
   * Value: number above 0. Default: 0.02.
   */
  initGain?: number;
  /**
   * First biases of convolutions.
   * - zero: 0
   * - uniform: uniform up to 1 / sqrt(fan in), PyTorch's default (article)
   * Default: zero.
   */
  initBias?: Values["initBias"];
  /** Initial weights of the generator: .safetensors, or PyTorch's .pth. Default: random. */
  initG?: string;
  /** Initial weights of the discriminator: .safetensors, or PyTorch's .pth. Default: random. */
  initD?: string;
  /**
   * Adversarial loss.
   * - vanilla: cross-entropy
   * - lsgan: squared error
   * - wgangp: Wasserstein distance with gradient penalty
   * - hinge: hinge loss for D, negative mean logit for G
   * Default: vanilla.
   */
  ganMode?: Values["ganMode"];
  /** Weight of the gradient penalty of --gan-mode wgangp. Value: number of at least 0. Default: 10. */
  lambdaGp?: number;
  /**
   * Weight of half the squared gradient of the discriminator at real pictures (R1, Mescheder et al. 2018).
   * Value: number of at least 0. Default: 0.
   */
  lambdaR1?: number;
  /**
   * Random changes of what the discriminator sees, for small data sets (DiffAugment, Zhao et al. 2020): some of
   * color, translation and cutout, separated by commas.
   * - color: brightness, saturation and contrast of the picture
   * - translation: a shift of both sides by up to an eighth, with zeros beyond the edge
   * - cutout: zeros in a rectangle of half the height and half the width, on both sides
   * Default: none.
   */
  diffAugment?: string;
  /** Divide each weight of the discriminator by its largest singular value (Miyato et al. 2018). Default: false. */
  spectralNorm?: boolean;
  /** Weight of the L1 distance to the target in the generator's loss. Value: number of at least 0. Default: 100. */
  lambdaL1?: number;
  /**
   * Weight of the adversarial loss in the generator's loss; 0 trains without a discriminator (the paper's L1).
   * Value: number of at least 0. Default: 1.
   */
  lambdaGan?: number;
  /**
   * Weight of feature matching, the L1 distance between the discriminator's maps for output and target (pix2pixHD:
   * 10).
   * Value: number of at least 0. Default: 0.
   */
  lambdaFeat?: number;
  /**
   * Run in the checkpoints folder whose generator teaches this one its outputs, which a smaller network learns more
   * easily.
   * Default: none.
   */
  distill?: string;
  /**
   * Weight of the L1 distance to the outputs of --distill, beside or instead of that to the targets (--lambda-l1
   * 0).
   * Value: number of at least 0. Default: 0.
   */
  lambdaDistill?: number;
  /**
   * Weight of LPIPS between output and target (Zhang et al. 2018), by the network of --features and the layers of
   * --lpips.
   * Value: number of at least 0. Default: 0.
   */
  lambdaLpips?: number;
  /**
   * Factor of the discriminator's loss: 0.5 in the paper, 1 in its code and in TensorFlow's tutorial.
   * Value: number above 0. Default: 0.5.
   */
  lossDWeight?: number;
  /**
   * Discriminator that the generator learns from.
   * - updated: D judges G's pictures again after its update (PyTorch implementation)
   * - stale: D's judgement before its update, the gradient through its new weights (paper's code)
   * - simultaneous: D before its update
   * Default: updated.
   */
  updateOrder?: Values["updateOrder"];
  /** The generator draws a second time for its own update, with other dropout masks (article). Default: false. */
  drawTwice?: boolean;
  /** Set the biases of convolutions to 0 before every step, as the paper's code does. Default: false. */
  zeroBias?: boolean;
  /**
   * Batches whose gradients are averaged for one update of both networks.
   * Value: batches of at least 1. Default: 1.
   */
  accumulate?: number;
  /**
   * Upper limit of the norm of each network's gradient; larger gradients are scaled down; 0 means no limit.
   * Value: number of at least 0. Default: 0.
   */
  clipGrad?: number;
  /** Epochs at the initial learning rate. Value: epochs of at least 0. Default: 100. */
  nEpochs?: number;
  /**
   * Epochs after these, in which --lr-policy linear decays the rate to zero.
   * Value: epochs of at least 0. Default: 100.
   */
  nEpochsDecay?: number;
  /** Stop at this step, counted from the start of the run. Value: steps of at least 1. Default: no limit. */
  maxSteps?: number;
  /** Adam's learning rate. Value: number above 0. Default: 0.0002. */
  lr?: number;
  /**
   * Adam's learning rate for the discriminator (two time-scales, Heusel et al. 2017); it follows --lr-policy as
   * --lr does.
   * Value: number above 0. Default: that of --lr.
   */
  lrD?: number;
  /**
   * Course of the learning rate.
   * - linear: unchanged for --n-epochs, then down to zero in a line over --n-epochs-decay
   * - step: a tenth after every --lr-decay-iters epochs
   * - plateau: a fifth where validation stops improving
   * - cosine: half a cosine over all epochs
   * - constant: unchanged
   * Default: linear.
   */
  lrPolicy?: Values["lrPolicy"];
  /** Epochs between two reductions by --lr-policy step. Value: epochs of at least 1. Default: 50. */
  lrDecayIters?: number;
  /** Adam's first-moment decay. Value: number of at least 0 and below 1. Default: 0.5. */
  beta1?: number;
  /** Adam's second-moment decay. Value: number of at least 0 and below 1. Default: 0.999. */
  beta2?: number;
  /**
   * Decay of a running average of the generator's weights, such as 0.999; samples, scores and exports take the
   * average (0: none).
   * Value: number of at least 0 and below 1. Default: 0.
   */
  ema?: number;
  /**
   * Every so many epochs score pairs that are not trained on, and keep the best weights.
   * Value: epochs of at least 1. Default: never.
   */
  valFreq?: number;
  /** Subfolder of the dataroot with the pairs for validation. Default: val. */
  valPhase?: string;
  /** Largest number of pairs for validation; the first ones are used. Value: pairs of at least 1. Default: 100. */
  valSize?: number;
  /**
   * Score that selects the best weights and that --lr-policy plateau and --early-stop use; KID needs --features,
   * LPIPS also --lpips.
   * Default: L1.
   */
  valMetric?: Values["valMetric"];
  /**
   * Dropout in samples and scores, and the default of test and translate; the known systems have it on.
   * Default: on.
   */
  dropout?: Values["dropout"];
  /**
   * Statistics of batch norms there: those of the batch at hand, as the known systems, the running ones, or those
   * of each image.
   * Default: batch.
   */
  statistics?: Values["statistics"];
  /** Validations without a better score after which training ends. Value: scores of at least 1. Default: never. */
  earlyStop?: number;
  /**
   * Weights of Inception, VGG16, AlexNet or SqueezeNet 1.1 for KID, FID and LPIPS; the network is recognised.
   * Default: none.
   */
  features?: string;
  /** LPIPS's linear layers for the network of --features. Default: none. */
  lpips?: string;
  /**
   * Resizing to the network's size for KID and FID, by the tool whose figures it gives; LPIPS never resizes.
   * - clean-fid: PIL's bicubic filter without rounding, as clean-fid (Parmar et al. 2022)
   * - pytorch-fid: bilinear without a filter against aliasing, as pytorch-fid
   * - torch-fidelity: bilinear of TensorFlow 1, as torch-fidelity and the first FID
   * - none: pictures keep their size
   * Default: clean-fid.
   */
  featureResize?: Values["featureResize"];
  /** Name of the run, and of its folder in the checkpoints folder. Default: pix2pix. */
  name?: string;
  /** Folder of all runs. Default: runs. */
  checkpointsDir?: string;
  /**
   * Set of defaults, after a known system; other options override it.
   * - junyanz: the PyTorch implementation
   * - paper: the Torch code of Isola et al.
   * - hesse: pix2pix-tensorflow by Christopher Hesse
   * - tutorial: TensorFlow's pix2pix tutorial
   * - pix2pixhd: pix2pixHD (Wang et al. 2018) without its VGG loss
   * - resnet9-l10: the full model of GAN Compression (Li et al. 2020): a ResNet with a smaller weight of L1
   * - article: the article that this project began with
   * Default: junyanz.
   */
  profile?: Values["profile"];
  /**
   * Continue the run from its last checkpoint, with its stored options; if-present: begin it where there is none.
   * Default: false.
   */
  continueTrain?: boolean;
  /**
   * With --continue-train: go on from kept weights, such as 100 for those of epoch 100; what came after them
   * becomes a run of its own, such as NAME/until_epoch_200.
   * Default: latest.
   */
  epoch?: string;
  /**
   * Continue a run although files of its pairs were renamed or replaced; their number must be the same.
   * Default: false.
   */
  allowChangedData?: boolean;
  /**
   * Seed of all random numbers: the same seed, options and data give the same weights.
   * Value: number from 0 to 4294967295. Default: 0.
   */
  seed?: number;
  /**
   * Steps between two saves of the checkpoint from which a run can continue.
   * Value: steps of at least 1. Default: 500.
   */
  saveLatestFreq?: number;
  /**
   * Also save that checkpoint when so much time has passed since the last one, for steps that take long.
   * Value: seconds of at least 1. Default: by steps alone.
   */
  saveLatestSeconds?: number;
  /**
   * Also keep the weights of each such checkpoint, under its step: test and translate take them by --epoch
   * iter_500.
   * Default: false.
   */
  saveByIter?: boolean;
  /**
   * Keep Adam's moments with all kept weights, so that --epoch goes on as if the run had never gone further; three
   * times the space.
   * Default: false.
   */
  saveState?: boolean;
  /**
   * Epochs between two copies of the weights that are kept, under the epoch's number.
   * Value: epochs of at least 1. Default: 5.
   */
  saveEpochFreq?: number;
  /** Steps between two lines with losses if the output is not a terminal. Value: steps of at least 1. Default: 100. */
  printFreq?: number;
  /**
   * How often samples are drawn within an epoch, beside those at its end: 400 is every 400 steps, 60s every 60
   * seconds.
   * Default: every 300 s.
   */
  displayFreq?: string;
  /**
   * Show the run on a page of this machine while it trains; pix2pix serve does so for all runs, at any time.
   * Default: false.
   */
  serve?: boolean;
  /**
   * Also write losses, scores and samples as event files of TensorBoard: tensorboard --logdir runs.
   * Default: false.
   */
  tensorboard?: boolean;
  /** With --tensorboard, also the distribution of each weight after every epoch. Default: false. */
  tensorboardHistograms?: boolean;
  /** Device that computes; auto takes the fastest that is there. Default: auto. */
  device?: Values["device"];
  /** CPU threads for each step. Value: threads from 1 to 1024. Default: all cores. */
  threads?: number;
}

/** Options without which a run goes without a limit, a file or a validation. */
type Open =
  | "inputLabels"
  | "maxDatasetSize"
  | "initG"
  | "initD"
  | "diffAugment"
  | "distill"
  | "maxSteps"
  | "lrD"
  | "valFreq"
  | "earlyStop"
  | "features"
  | "lpips"
  | "epoch"
  | "saveLatestSeconds"
  | "displayFreq"
  | "threads";

/** All options of a run, complete and checked. Stored as runs/<name>/config.json. */
export interface Config extends Required<Omit<ConfigInput, Open>>, Pick<ConfigInput, Open> {}
