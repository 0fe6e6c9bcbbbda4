/** pix2pix in a browser: a client that trains and translates in a worker, and the platform of a browser. */

export type { DemoOptions } from "../demo/write.ts";
export { type Capabilities, capabilities } from "./capabilities.ts";
export { Client, type ClientOptions, type RemoteTranslator } from "./client.ts";
export { files, removeFolder } from "./files.ts";
export { images } from "./images.ts";
export { type Imported, importPictures, type Picked } from "./import.ts";
export type { ImportedWeights, ImportWeightsOptions } from "./import-weights.ts";
export { type WebPlatformOptions, webPlatform } from "./platform.ts";
export type { RemoteEvaluateOptions } from "./protocol.ts";
