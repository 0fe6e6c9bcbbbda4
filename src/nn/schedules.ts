/** Learning-rate schedules; the export name is the choice of --lr-policy. A schedule gives the factor of an epoch (from 1). */
export interface Span {
  nEpochs: number;
  nEpochsDecay: number;
}

export type Schedule = (epoch: number, span: Span) => number;

/** 1 for `nEpochs` epochs, then linearly towards 0 over `nEpochsDecay`, as upstream's LambdaLR. */
export const linear: Schedule = (epoch, { nEpochs, nEpochsDecay }) =>
  1 - Math.max(0, epoch - nEpochs) / (nEpochsDecay + 1);

/** 1 throughout. */
export const constant: Schedule = () => 1;
