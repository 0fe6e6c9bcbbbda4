/** Learning-rate schedules, named for --lr-policy by `schedules`: the factor of the learning rate in an epoch (from 1). */
export interface Span {
  nEpochs: number;
  nEpochsDecay: number;
}

export type Schedule = (epoch: number, span: Span) => number;

/** 1 for `nEpochs` epochs, then linearly towards 0 over `nEpochsDecay`, as upstream's LambdaLR. */
const linear: Schedule = (epoch, { nEpochs, nEpochsDecay }) => 1 - Math.max(0, epoch - nEpochs) / (nEpochsDecay + 1);

/** 1 throughout. */
const constant: Schedule = () => 1;

/** The choices of --lr-policy. */
export const schedules = { linear, constant };
