/** Types of the options of config/groups/features.ts. Made by `npm run docs` from the groups of options; do not edit. */
import type * as z from "zod";
import type { featureOptions } from "../groups/features.ts";

type Values = z.output<z.ZodObject<typeof featureOptions>>;

/** Options of this group as a user gives them. */
export interface FeatureInput {
  /**
   * Weights of Inception, VGG16, AlexNet or SqueezeNet 1.1 for KID, FID and LPIPS; the network is recognised.
   * Default: none.
   */
  features?: string | undefined;
  /** LPIPS's linear layers for the network of --features. Default: none. */
  lpips?: string | undefined;
  /**
   * Resizing to the network's size for KID and FID, by the tool whose figures it gives; LPIPS never resizes.
   * - clean-fid: PIL's bicubic filter without rounding, as clean-fid (Parmar et al. 2022)
   * - pytorch-fid: bilinear without a filter against aliasing, as pytorch-fid
   * - torch-fidelity: bilinear of TensorFlow 1, as torch-fidelity and the first FID
   * - none: pictures keep their size
   * Default: clean-fid.
   */
  featureResize?: Values["featureResize"] | undefined;
}
