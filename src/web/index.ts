/** pix2pix in a browser: a worker that trains and translates, and the platform it does so on. */
export { type Capabilities, capabilities } from "./capabilities.ts";
export { Client, type ClientOptions, type RemoteTranslator } from "./client.ts";
export { files, removeFolder } from "./files.ts";
export { images } from "./images.ts";
export { importPictures, type Picked } from "./import.ts";
export { webPlatform } from "./platform.ts";
