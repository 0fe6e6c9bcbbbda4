/**
 * Whole training steps against PyTorch: `pix2pix train` from stored weights on stored pairs gives the losses of every step
 * and the weights at the end. The cases of ../shared/reference are PyTorch's own; those of fixtures/steps come from
 * fixtures/make/steps.py, which is first checked against the former (fixtures/make/networks.py CASE...).
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { decode, type StoredTensor } from "../src/formats/safetensors.ts";

/** Relative: each loss; the update (final - initial) of a network's weights together, L2; running statistics. */
interface Tolerance {
  loss: number;
  update: number;
  statistics: number;
}
/** As the cases' own README says. Rounding decides which side of a ReLU an activation next to zero takes. */
const loose: Tolerance = { loss: 1e-4, update: 0.05, statistics: 1e-4 };
/** These cases were chosen for room: noise of float32's size moves no loss by 2e-6 and no update by 1e-3. */
const tight: Tolerance = { loss: 1e-5, update: 0.01, statistics: 1e-4 };

interface Case {
  config: {
    levels: number;
    ngf: number;
    ndf: number;
    norm: "batch" | "instance" | "none";
    gan: "vanilla" | "lsgan";
    netG: "unet" | "article";
    netD: "basic" | "n_layers" | "pixel" | "article";
    n_layers: number;
    batch: number;
    steps: number;
    lambda_l1: number;
    input_nc?: number;
    output_nc?: number;
    direction?: "AtoB" | "BtoA";
    n_epochs?: number;
    n_epochs_decay?: number;
  };
  losses: Losses[];
}

interface Losses {
  G_GAN: number;
  G_L1: number;
  D_real: number;
  D_fake: number;
  epoch?: number;
  lr?: number;
}

type Tensors = Record<string, StoredTensor>;

const root = fileURLToPath(new URL("..", import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), "pix2pix-reference-"));
afterAll(() => rmSync(temporary, { recursive: true }));

function options({ config }: Case, folder: string): string[] {
  const article = config.netG === "article";
  const networks = article
    ? ["--profile", "article"]
    : ["--netG", `unet_${2 ** config.levels}`, "--netD", config.netD, "--norm", config.norm];
  const values: Record<string, string | number | undefined> = {
    "--dataroot": join(folder, "data"),
    "--init-g": join(folder, "init_net_G.safetensors"),
    "--init-d": join(folder, "init_net_D.safetensors"),
    "--ngf": config.ngf,
    "--ndf": config.ndf,
    "--n-layers-d": config.n_layers,
    "--gan-mode": config.gan,
    "--batch-size": config.batch,
    "--max-steps": config.steps,
    "--lambda-l1": config.lambda_l1,
    "--input-nc": config.input_nc,
    "--output-nc": config.output_nc,
    "--direction": config.direction,
    "--n-epochs": config.n_epochs,
    "--n-epochs-decay": config.n_epochs_decay,
    "--preprocess": "none",
    "--device": "cpu",
    "--threads": 1,
  };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return [...networks, ...given.flat().map(String), "--no-dropout", "--no-flip", "--serial-batches"];
}

const read = (path: string): Tensors => decode(readFileSync(path), path).tensors;
const length = (values: number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** |actual - expected| / |expected - initial| (L2) over all the tensors of these names together. */
function updateError(names: string[], initial: Tensors, expected: Tensors, actual: Tensors): number {
  const all = (tensors: Tensors) => names.flatMap((name) => Array.from(tensors[name]!.data, Number));
  const [from, want, got] = [all(initial), all(expected), all(actual)];
  return length(got.map((value, i) => value - want[i]!)) / length(want.map((value, i) => value - from[i]!));
}

function compareNetwork(
  norm: string,
  tolerance: Tolerance,
  initial: Tensors,
  expected: Tensors,
  actual: Tensors,
): void {
  const names = Object.keys(expected);
  const isStatistic = (name: string) => /\.(running_mean|running_var|num_batches_tracked)$/.test(name);
  const weights = names.filter((name) => expected[name]!.shape.length === 4);
  expect(updateError(weights, initial, expected, actual), "update of the weights").toBeLessThan(tolerance.update);
  // A bias that a norm follows has no gradient but rounding; only instance norm leaves such biases in.
  const others = names.filter((name) => expected[name]!.shape.length === 1 && !isStatistic(name));
  if (norm !== "instance") {
    expect(updateError(others, initial, expected, actual), "update of the rest").toBeLessThan(tolerance.update);
  }
  for (const name of names.filter(isStatistic)) {
    const want = Array.from(expected[name]!.data, Number);
    const got = Array.from(actual[name]!.data, Number);
    const scale = Math.max(...want.map(Math.abs));
    const error = Math.max(...got.map((value, i) => Math.abs(value - want[i]!))) / scale;
    expect(error, `${name}: ${got.slice(0, 4)}, expected ${want.slice(0, 4)}`).toBeLessThan(tolerance.statistics);
  }
}

async function check(folder: string, name: string, tolerance: Tolerance): Promise<void> {
  const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Case;
  const runs = mkdtempSync(join(temporary, name));
  const where = ["--name", name, "--checkpoints-dir", runs];
  const command = [join(root, "bin/pix2pix.js"), "train", ...where, ...options(expected, folder)];
  await promisify(execFile)(process.execPath, command, { cwd: root });

  const run = join(runs, name);
  const log = readFileSync(join(run, "loss_log.jsonl"), "utf8").trim().split("\n");
  const rows = log.map((line) => JSON.parse(line) as Losses & { step: number; seconds: number });
  expect(rows.map((row) => row.step)).toEqual(expected.losses.map((_, i) => i + 1));
  expected.losses.forEach((want, i) => {
    const got = rows[i]!;
    for (const key of ["G_GAN", "G_L1", "D_real", "D_fake"] as const) {
      const text = `step ${i + 1} ${key}: ${got[key]}, expected ${want[key]}`;
      expect(Math.abs(got[key] / want[key] - 1), text).toBeLessThan(tolerance.loss);
    }
    if (want.epoch !== undefined) expect(got.epoch, `epoch of step ${i + 1}`).toBe(want.epoch);
    if (want.lr !== undefined) expect(got.lr, `rate of step ${i + 1}`).toBeCloseTo(want.lr, 9);
  });

  for (const letter of ["G", "D"]) {
    const initial = read(join(folder, `init_net_${letter}.safetensors`));
    const actual = read(join(run, `latest_net_${letter}.safetensors`));
    const shapes = (tensors: Tensors) =>
      Object.fromEntries(Object.entries(tensors).map(([key, { dtype, shape }]) => [key, `${dtype} [${shape}]`]));
    expect(shapes(actual)).toEqual(shapes(initial));
    const final = join(folder, `final_net_${letter}.safetensors`);
    if (existsSync(final)) compareNetwork(expected.config.norm, tolerance, initial, read(final), actual);
  }
}

function suite(title: string, folder: string, tolerance: Tolerance): void {
  describe(title, () => {
    if (!existsSync(folder)) {
      it("the cases", ({ skip }) => skip(`no folder ${folder}`));
      return;
    }
    const cases = readdirSync(folder).filter((name) => existsSync(join(folder, name, "expected.json")));
    it("has cases", () => expect(cases).not.toEqual([]));
    for (const name of cases) it(name, () => check(join(folder, name), name, tolerance), 600_000);
  });
}

suite("steps of PyTorch (reference)", process.env.PIX2PIX_REFERENCE ?? join(root, "../shared/reference"), loose);
suite("steps of PyTorch (fixtures)", join(root, "test/fixtures/steps"), tight);
