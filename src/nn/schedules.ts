/** Learning-rate schedules: `schedules` are the choices of --lr-policy. */

/** The length of training, and its scores so far. */
export interface Span {
  nEpochs: number;
  nEpochsDecay: number;
  /** Epochs between two steps of `step`. */
  lrDecayIters: number;
  /** The validation scores before this epoch, oldest first. */
  history: readonly number[];
  /** Whether a smaller or a larger score is the better one. */
  better: "smaller" | "larger";
}

export interface Schedule {
  /** One line for the help of --lr-policy. */
  help: string;
  /**
   * The factor of the learning rate in an epoch (from 1). A pure function, so that a continued run gets the same rates.
   */
  factor(epoch: number, span: Span): number;
  /** Whether it reads the validation scores, so that a run has to make some. */
  followsValidation: boolean;
  /** Whether the epochs of --n-epochs-decay are a second part with another rule. */
  secondPart: boolean;
}

/** 1 for `nEpochs` epochs, then linearly towards 0 over `nEpochsDecay`, as upstream's LambdaLR. */
const linear = (epoch: number, { nEpochs, nEpochsDecay }: Span) =>
  1 - Math.max(0, epoch - nEpochs) / (nEpochsDecay + 1);

/** A tenth after every `lrDecayIters` epochs, as upstream's StepLR. */
const step = (epoch: number, { lrDecayIters }: Span) => 0.1 ** Math.floor((epoch - 1) / lrDecayIters);

/**
 * A fifth each time that the best measure was not beaten by 1 percent for more than 5 validations in a row, as
 * upstream's ReduceLROnPlateau(factor=.2, threshold=.01, patience=5), to which upstream itself never gives a measure.
 */
const plateau = (_: number, { history, better }: Span) => {
  const beats = (value: number, best: number) => (better === "smaller" ? value < best * 0.99 : value > best * 1.01);
  let best = better === "smaller" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  let [reductions, waited] = [0, 0];
  for (const value of history) {
    waited++;
    if (beats(value, best)) [best, waited] = [value, 0];
    if (waited > 5) [reductions, waited] = [reductions + 1, 0];
  }
  return 0.2 ** reductions;
};

/**
 * Half a cosine from 1 down towards 0 over all epochs, as PyTorch's CosineAnnealingLR whose T_max is their number;
 * upstream's has `nEpochs` there, and climbs again in the epochs of decay.
 */
const cosine = (epoch: number, { nEpochs, nEpochsDecay }: Span) => {
  const epochs = nEpochs + nEpochsDecay;
  return (1 + Math.cos((Math.PI * Math.min(epoch - 1, epochs)) / epochs)) / 2;
};

/** The choices of --lr-policy. */
export const schedules = {
  linear: {
    help: "unchanged for --n-epochs, then down to zero in a line over --n-epochs-decay",
    factor: linear,
    followsValidation: false,
    secondPart: true,
  },
  step: {
    help: "a tenth after every --lr-decay-iters epochs",
    factor: step,
    followsValidation: false,
    secondPart: false,
  },
  plateau: {
    help: "a fifth where validation stops improving",
    factor: plateau,
    followsValidation: true,
    secondPart: false,
  },
  cosine: { help: "half a cosine over all epochs", factor: cosine, followsValidation: false, secondPart: false },
  constant: { help: "unchanged", factor: () => 1, followsValidation: false, secondPart: true },
} as const satisfies Readonly<Record<string, Schedule>>;
