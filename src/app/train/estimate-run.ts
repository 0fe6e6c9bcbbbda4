/** How long a run will take, from a few measured steps. */
import type { Config } from "../../config/schema.ts";
import { counted, duration } from "../../text.ts";
import type { StepTime } from "../../training/measure.ts";
import type { Client } from "../../web/client.ts";

/** Seconds above which a smaller size is measured, too. */
const long = 30 * 60;

/**
 * How long a run will take, in sentences.
 * @param smaller the same run at the smallest size; undefined where `config` has that size
 * @param say called with a sentence on the measurement that begins
 */
export async function estimateRun(
  client: Pick<Client, "measureStep">,
  config: Config,
  smaller: Config | undefined,
  say: (text: string) => void,
): Promise<string> {
  say(`Measuring a step at ${config.cropSize} px…`);
  const time = await client.measureStep(config);
  const total = wholeOf(config, time);
  const steps = config.maxSteps ?? 0;
  const text = `A step takes ${stepText(time.seconds)} here, ${counted(steps, "step")} about ${duration(rounded(total))}.`;
  if (total < long || !smaller) return text;
  say(`Measuring a step at ${smaller.cropSize} px…`);
  const less = wholeOf(smaller, await client.measureStep(smaller));
  return `${text} At ${smaller.cropSize} px they take about ${duration(rounded(less))}.`;
}

const wholeOf = ({ maxSteps = 0 }: Config, { seconds, preparation }: StepTime): number =>
  preparation + seconds * maxSteps;

const stepText = (seconds: number): string =>
  seconds < 1 ? `${Math.max(1, Math.round(1000 * seconds))} ms` : `${seconds.toPrecision(2)} s`;

/** Rounds an estimate: to 5 s below 90 s, to minutes below 90 min, else to half hours. */
const rounded = (seconds: number): number => {
  const unit = seconds < 90 ? 5 : seconds < 5400 ? 60 : 1800;
  return Math.max(unit, Math.round(seconds / unit) * unit);
};
