/** Learning-rate schedules, named for --lr-policy by `schedules`: the factor of the learning rate in an epoch (from 1). */
export interface Span {
  nEpochs: number;
  nEpochsDecay: number;
  /** Epochs between two steps of `step`. */
  lrDecayIters: number;
  /** What the validations before this epoch have measured, oldest first; only `plateau` looks at it. */
  history: readonly number[];
  /** Whether a smaller or a larger measure is the better one; smaller where it is not given. */
  better?: "smaller" | "larger";
}

/** A pure function, so that a run that goes on gets the rates that it would have had. */
export type Schedule = (epoch: number, span: Span) => number;

/** 1 for `nEpochs` epochs, then linearly towards 0 over `nEpochsDecay`, as upstream's LambdaLR. */
const linear: Schedule = (epoch, { nEpochs, nEpochsDecay }) => 1 - Math.max(0, epoch - nEpochs) / (nEpochsDecay + 1);

/** A tenth after every `lrDecayIters` epochs, as upstream's StepLR. */
const step: Schedule = (epoch, { lrDecayIters }) => 0.1 ** Math.floor((epoch - 1) / lrDecayIters);

/**
 * A fifth each time that the best measure was not beaten by 1 percent for more than 5 validations in a row, as
 * upstream's ReduceLROnPlateau(factor=.2, threshold=.01, patience=5), to which upstream itself never gives a measure.
 */
const plateau: Schedule = (_, { history, better = "smaller" }) => {
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
const cosine: Schedule = (epoch, { nEpochs, nEpochsDecay }) => {
  const epochs = nEpochs + nEpochsDecay;
  return (1 + Math.cos((Math.PI * Math.min(epoch - 1, epochs)) / epochs)) / 2;
};

/** 1 throughout. */
const constant: Schedule = () => 1;

/** The choices of --lr-policy. */
export const schedules = { linear, step, plateau, cosine, constant };
