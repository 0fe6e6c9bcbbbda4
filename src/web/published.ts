/**
 * Runs that are published with a page: read-only files below an address, as `pix2pix export --format site` writes them.
 * Their weights may be stored in half precision or 8 bits.
 */
import { UserError } from "../errors.ts";
import { expandWeights } from "../formats/compact.ts";
import type { Files } from "../platform.ts";
import { configFile, weightsFile } from "../run/paths.ts";

/** The folder of published runs, as the `checkpointsDir` of OpenOptions. */
export const publishedDir = "published";

/** The files of a published run that a translator reads. */
const published = [configFile, weightsFile("latest", "G")];

/** @param base the address of the folder, with a slash at its end */
export function publishedFiles(base: string): Files {
  const address = (path: string) => {
    const names = path.split("/").filter((part) => part !== "" && part !== "." && part !== publishedDir);
    return new URL(names.map(encodeURIComponent).join("/"), base).href;
  };
  const get = async (path: string) => {
    const response = await fetch(address(path)).catch((error: unknown) => {
      throw new UserError(`${address(path)} cannot be loaded: ${error}. Is the network there?`);
    });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    throw new UserError(`${address(path)} cannot be loaded: the server answers ${response.status}.`);
  };
  const never = (path: string) => Promise.reject(new UserError(`${path} is published and cannot be changed.`));
  return {
    read: async (path) => (path.endsWith(".safetensors") ? expandWeights(await get(path), path) : get(path)),
    exists: async (path) => published.some((file) => path.endsWith(`/${file}`)),
    list: async () => undefined,
    write: never,
    append: never,
    rename: never,
    remove: never,
  };
}
