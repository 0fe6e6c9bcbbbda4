/** Outputs of a run beside their targets: pictures, metrics and a page. `test` and `demo` share it. */
import type { Loader } from "../data/loader.ts";
import { fromTensor } from "../data/transforms.ts";
import { type Metrics, mean, measure } from "../metrics.ts";
import type { Picture, Platform } from "../platform.ts";
import { type ResultRow, resultsPage } from "../report/results-page.ts";
import type { Translator } from "../translate.ts";

export interface Results {
  rows: ResultRow[];
  means: Metrics;
  /** Of the generator alone, the first image aside, which also prepares the session. */
  secondsPerImage: number;
  /** The page. */
  page: string;
}

/**
 * Translates every pair of a loader (serial, one pair a batch) and writes into `folder`: images/<name>_real_A.png,
 * _fake_B.png and _real_B.png (upstream's names: input, output, target), metrics.json and index.html.
 * @param names of the pairs, in order; a pair that the loader replaced because it cannot be decoded is left out
 * @param facts shown on the page and stored in metrics.json
 */
export async function writeResults(
  { translator, loader, platform }: { translator: Translator; loader: Loader; platform: Platform },
  { names, folder, title, facts }: { names: readonly string[]; folder: string; title: string; facts: Facts },
  done: () => void,
): Promise<Results> {
  const { files, images } = platform;
  const { inputNc, outputNc } = translator.config;
  const rows: ResultRow[] = [];
  const times: number[] = [];
  let size = { width: 0, height: 0 };
  let writing: Promise<unknown> = Promise.resolve();
  for (const [index, name] of names.entries()) {
    const { A, B, height, width, names: loaded } = await loader.batch(0, index);
    if (loaded[0] !== name) continue;
    const began = performance.now();
    const fake = await translator.run(A, 1, height, width, { index });
    times.push((performance.now() - began) / 1000);
    const input = fromTensor(A, inputNc, height, width);
    const output = fromTensor(fake, outputNc, height, width);
    const target = fromTensor(B, outputNc, height, width);
    const at = (kind: string) => `images/${name}_${kind}.png`;
    const save = async (kind: string, picture: Picture) =>
      files.write(`${folder}/${at(kind)}`, await images.encodePng(picture));
    await writing;
    writing = Promise.all([save("real_A", input), save("fake_B", output), save("real_B", target)]);
    const paths = { input: at("real_A"), output: at("fake_B"), target: at("real_B") };
    rows.push({ name, ...paths, ...measure(output, target) });
    size = { width, height };
    done();
  }
  await writing;
  const means = mean(rows);
  const later = times.length > 1 ? times.slice(1) : times;
  const secondsPerImage = later.reduce((sum, seconds) => sum + seconds, 0) / later.length;
  const stored = {
    ...facts,
    images: rows.length,
    secondsPerImage: Number(secondsPerImage.toPrecision(4)),
    mean: means,
    each: rows.map(({ name, l1, psnr, ssim, sharpness }) => ({ name, l1, psnr, ssim, sharpness })),
  };
  await files.write(`${folder}/metrics.json`, `${JSON.stringify(stored, null, 2)}\n`);
  const page = `${folder}/index.html`;
  const shown = Object.entries(facts).map(([label, value]) => [label, String(value)] as const);
  await files.write(page, resultsPage({ title, facts: shown, rows, ...size, updated: new Date() }));
  return { rows, means, secondsPerImage, page };
}

/** Labels and values, such as { run: "facades", epoch: "latest" }. */
export type Facts = Readonly<Record<string, string | number>>;

/** The mean metrics as lines for a terminal. */
export function metricLines({ l1, psnr, ssim, sharpness }: Metrics): string[] {
  return [
    `  L1         ${l1.toFixed(3)}     mean absolute difference in [-1, 1], 0 is equal`,
    `  PSNR       ${psnr.toFixed(2).padEnd(6)} dB`,
    `  SSIM       ${ssim.toFixed(3)}     1 is equal`,
    `  sharpness  ${sharpness.toFixed(2)}      detail over the target's: 1 alike, below blurred, above noisy`,
  ];
}
