/** Learning-rate schedules: `schedules` are the choices of --lr-policy. */

/** The length of training, and its scores so far. */
export interface Span {
  nEpochs: number;
  nEpochsDecay: number;
  /** Epochs between two steps of `step`. */
  lrDecayIters: number;
  /**
   * The validation scores before this epoch, oldest first: a list for each set of pairs that was scored in a row, because scores of
   * different pairs are not compared.
   */
  history: readonly (readonly number[])[];
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
  /** Whether it reads validation scores: a run then needs --val-freq. */
  followsValidation: boolean;
  /**
   * False: one rule covers the epochs of --n-epochs and --n-epochs-decay together. Then a value of --n-epochs-decay gets a warning, and
   * pages leave it 0.
   */
  secondPart: boolean;
}

/** 1 for `nEpochs` epochs, then linearly towards 0 over `nEpochsDecay`, as LambdaLR in the PyTorch implementation. */
const linear = (epoch: number, { nEpochs, nEpochsDecay }: Span) =>
  1 - Math.max(0, epoch - nEpochs) / (nEpochsDecay + 1);

/** Times 0.1 after every `lrDecayIters` epochs, as StepLR in the PyTorch implementation. */
const step = (epoch: number, { lrDecayIters }: Span) => 0.1 ** Math.floor((epoch - 1) / lrDecayIters);

/**
 * Times 0.2 each time that more than 5 validations in a row were not better than the best score by 1 percent:
 * ReduceLROnPlateau(factor=.2, threshold=.01, patience=5), as the PyTorch implementation sets it up without ever giving it a score.
 * With the scores of other pairs it begins anew, at the rate that it has come to.
 */
const plateau = (_: number, { history, better }: Span) =>
  0.2 ** history.reduce((sum, scores) => sum + reductions(scores, better), 0);

function reductions(scores: readonly number[], better: Span["better"]): number {
  const beats = (value: number, best: number) => (better === "smaller" ? value < best * 0.99 : value > best * 1.01);
  let best = better === "smaller" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  let [count, waited] = [0, 0];
  for (const value of scores) {
    waited++;
    if (beats(value, best)) [best, waited] = [value, 0];
    if (waited > 5) [count, waited] = [count + 1, 0];
  }
  return count;
}

/**
 * Half a cosine from 1 towards 0 over all epochs: PyTorch's CosineAnnealingLR with T_max = nEpochs + nEpochsDecay. The PyTorch
 * implementation of pix2pix has T_max = nEpochs, with which the rate rises again in the epochs of --n-epochs-decay.
 */
const cosine = (epoch: number, { nEpochs, nEpochsDecay }: Span) => {
  const epochs = nEpochs + nEpochsDecay;
  return (1 + Math.cos((Math.PI * Math.min(epoch - 1, epochs)) / epochs)) / 2;
};

/** The choices of --lr-policy. */
export const schedules = {
  linear: {
    help: "constant for --n-epochs, then linearly down to zero over --n-epochs-decay",
    factor: linear,
    followsValidation: false,
    secondPart: true,
  },
  step: {
    help: "times 0.1 after every --lr-decay-iters epochs",
    factor: step,
    followsValidation: false,
    secondPart: false,
  },
  plateau: {
    help: "times 0.2 when the validation score stops improving",
    factor: plateau,
    followsValidation: true,
    secondPart: false,
  },
  cosine: { help: "half a cosine over all epochs", factor: cosine, followsValidation: false, secondPart: false },
  constant: { help: "the same in all epochs", factor: () => 1, followsValidation: false, secondPart: true },
} as const satisfies Readonly<Record<string, Schedule>>;
