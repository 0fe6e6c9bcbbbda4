/** The features of a reference set, computed once and kept in a safetensors file. */
import { CheckpointError } from "../errors.ts";
import { decode, encode, type StoredTensor } from "../formats/safetensors.ts";
import { checkRows, type FeatureRows } from "../metrics/features.ts";
import { type Moments, moments } from "../metrics/fid.ts";
import type { Files } from "../platform.ts";
import type { FeatureIdentity } from "./extractor.ts";

/** A reference set. */
export interface FeatureStatistics extends FeatureIdentity {
  rows: FeatureRows;
  /** Stored where there are more pictures than features, because then they take long to compute. */
  moments?: Moments | undefined;
  /** What was computed: the folder and the side. */
  source: string;
}

const format = "pix2pix feature statistics 1";

/** The bytes of a file. @throws UserError for fewer than two pictures, and features that are not finite */
export function encodeStatistics({ rows, source, network, weights, resize }: FeatureStatistics): Uint8Array[] {
  checkRows(rows, "the reference pictures");
  const { count, size, values } = rows;
  const tensors: Record<string, StoredTensor> = {
    features: { dtype: "F32", shape: [count, size], data: new Float32Array(values) },
  };
  if (count > size) {
    const { mean, covariance } = moments(rows);
    tensors.mean = { dtype: "F64", shape: [size], data: new Float64Array(mean) };
    tensors.covariance = { dtype: "F64", shape: [size, size], data: new Float64Array(covariance) };
  }
  return encode(tensors, { format, network, weights, resize, source });
}

/**
 * The statistics in a file.
 * @param wanted the network and the resizing that they are compared with
 * @throws CheckpointError for another file, another network, other weights of it, and another resizing
 */
export async function readStatistics(
  files: Pick<Files, "read">,
  path: string,
  wanted: FeatureIdentity,
): Promise<FeatureStatistics> {
  const { tensors, metadata } = decode(await files.read(path), path);
  const { features, mean, covariance } = tensors;
  const { network = "", weights = "", resize = "", source = "" } = metadata;
  if (metadata.format !== format || features?.dtype !== "F32" || features.shape.length !== 2) {
    throw new CheckpointError(`${path} holds no feature statistics; expected a file of pix2pix data statistics`);
  }
  const again = "; compute them again with pix2pix data statistics";
  if (network !== wanted.network) {
    throw new CheckpointError(`${path}: statistics of ${network}, but --features is ${wanted.network}${again}`);
  }
  if (weights !== wanted.weights) {
    throw new CheckpointError(
      `${path}: statistics of ${network} with other weights (${weights.slice(0, 8)}; --features has ${wanted.weights.slice(0, 8)})${again}`,
    );
  }
  if (resize !== wanted.resize) {
    throw new CheckpointError(
      `${path}: statistics with --feature-resize ${resize}, but this test has ${wanted.resize}; give --feature-resize ${resize}, or compute them again`,
    );
  }
  const [count, size] = features.shape as [number, number];
  const rows = { count, size, values: features.data };
  checkRows(rows, `the pictures of ${path}`);
  const kept =
    mean?.dtype === "F64" && covariance?.dtype === "F64" && covariance.data.length === size * size
      ? { count, size, mean: mean.data, covariance: covariance.data }
      : undefined;
  return { network, weights, resize: wanted.resize, rows, moments: kept, source };
}
