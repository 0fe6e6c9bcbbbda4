/** Options of feature networks: their files, and how pictures are resized for them. */
import * as z from "zod";
import { type FeatureResizeName, featureResizes } from "../../features/resizes.ts";
import { namesOf } from "../names.ts";
import { option } from "../options.ts";

export const featureOptions = {
  features: option(z.string().min(1).optional(), {
    group: "features",
    needs: "machine",
    value: "FILE",
    absent: "none",
    help: "weights of Inception, VGG16, AlexNet or SqueezeNet 1.1 for KID, FID and LPIPS; the network is recognised",
    resume: true,
  }),
  lpips: option(z.string().min(1).optional(), {
    group: "features",
    needs: "machine",
    value: "FILE",
    absent: "none",
    help: "LPIPS's linear layers for the network of --features",
    resume: true,
  }),
  featureResize: option(z.enum(namesOf(featureResizes)).default("clean-fid" satisfies FeatureResizeName), {
    group: "features",
    needs: "machine",
    help: "resizing to the network's size for KID and FID, by the tool whose figures it gives; LPIPS never resizes",
    kinds: featureResizes,
    resume: true,
  }),
};
