/** A trained generator whose outputs another one learns (--distill): Hinton et al. 2015, as GAN Compression uses it for pix2pix. */
import type { Config } from "../config/schema.ts";
import { ConfigError } from "../errors.ts";
import { openTranslator } from "../inference/open.ts";
import type { Translator } from "../inference/translator.ts";
import type { Device, Platform } from "../platform.ts";
import type { StepBatch } from "./trainer.ts";

/** Options that both runs must share: they say what the values of input and output mean. */
const shared = [
  "direction",
  "inputNc",
  "outputNc",
  "inputLabels",
  "inputInstances",
  "channelOrder",
  "datasetMode",
] as const;

export class Teacher {
  readonly #translator: Translator;

  /**
   * The teacher of a run; undefined without --distill. Its dropout is off, so that a batch has one answer.
   * @throws CheckpointError where the teacher's run or its weights do not exist
   * @throws ConfigError where both runs have other inputs or outputs
   */
  static async open(config: Config, platform: Platform, device: Device): Promise<Teacher | undefined> {
    const { distill, checkpointsDir, threads } = config;
    if (distill === undefined) return undefined;
    const options = { name: distill, checkpointsDir, threads, device: device.name, dropout: "off" } as const;
    const translator = await openTranslator(options, platform);
    const other = shared.filter((key) => translator.config[key] !== config[key]);
    if (other.length > 0) {
      await translator.close();
      const values = other.map((key) => `${key} ${translator.config[key] ?? "none"}, here ${config[key] ?? "none"}`);
      throw new ConfigError(
        `--distill ${distill}: that run has other pictures (${values.join("; ")}); give the same options`,
      );
    }
    return new Teacher(translator);
  }

  private constructor(translator: Translator) {
    this.#translator = translator;
  }

  /** The batch, with the teacher's outputs for it. */
  async taught<Given extends StepBatch>(batch: Given): Promise<Given> {
    const { A, n, height, width } = batch;
    return { ...batch, teacher: await this.#translator.run(A, n, height, width) };
  }

  close(): Promise<void> {
    return this.#translator.close();
  }
}
