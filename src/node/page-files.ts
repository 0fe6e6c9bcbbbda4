/** The files of a page over HTTP: compressed once, with a tag, and kept for ever by browsers where the name has a hash. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  map: "application/json",
  webmanifest: "application/manifest+json",
  wasm: "application/wasm",
  svg: "image/svg+xml",
  png: "image/png",
  jpg: "image/jpeg",
  ico: "image/x-icon",
  safetensors: "application/octet-stream",
  txt: "text/plain; charset=utf-8",
};
/** Endings of files that compression makes smaller. */
const compressible = /\.(html|m?js|css|json|map|webmanifest|wasm|svg|txt|safetensors)$/;
/** Files whose names change with their contents: they have a digest or a version in their path. */
const hashed = /^\/assets\//;
/** From this size on the best compression takes seconds. */
const large = 2 ** 20;

type Encoding = "br" | "gzip" | "identity";

interface Stored {
  type: string;
  etag: string;
  bodies: Partial<Record<Encoding, Promise<Uint8Array>>>;
  /** Size and modification time of the file that was read. */
  state: string;
}

/**
 * Answers requests with the files of folders; of several folders that have a file the first counts. Paths come from
 * listings of the folders, so no address leads out of them.
 * @param change changes the bytes of a file before they are sent, by its address
 * @returns undefined for an address that names none of the files
 */
export function pageFiles(
  folders: readonly string[],
  change: (name: string, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes,
): (request: Request) => Promise<Response | undefined> {
  const paths = new Map<string, string>();
  const list = () => {
    for (const folder of folders) {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        const name = path.slice(folder.length).replaceAll("\\", "/").replace(/^\/?/, "/");
        if (!paths.has(name)) paths.set(name, path);
      }
    }
  };
  list();
  const known = new Map<string, Stored>();
  return async (request) => {
    const name = nameOf(request);
    // A page that is built while the server runs has new names.
    if (name !== undefined && !paths.has(name)) list();
    const path = name === undefined ? undefined : paths.get(name);
    if (name === undefined || path === undefined) return undefined;
    const file = await stored(known, path, (bytes) => change(name, bytes));
    return file && answer(request, name, path, file);
  };
}

function nameOf(request: Request): string | undefined {
  try {
    const path = decodeURIComponent(new URL(request.url).pathname);
    return path.endsWith("/") ? `${path.replace(/\/+$/, "")}/index.html` : path;
  } catch {
    return undefined;
  }
}

async function stored(
  known: Map<string, Stored>,
  path: string,
  change: (bytes: Uint8Array) => Uint8Array,
): Promise<Stored | undefined> {
  const what = statSync(path, { throwIfNoEntry: false });
  if (!what) return undefined;
  const state = `${what.size} ${what.mtimeMs}`;
  const before = known.get(path);
  if (before?.state === state) return before;
  const bytes = change(await readFile(path));
  const type = types[/\.(\w+)$/.exec(path)?.[1] ?? ""] ?? "application/octet-stream";
  const etag = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
  const file: Stored = { type, etag, state, bodies: { identity: Promise.resolve(bytes) } };
  known.set(path, file);
  return file;
}

async function answer(request: Request, name: string, path: string, file: Stored): Promise<Response> {
  const accepted = request.headers.get("accept-encoding") ?? "";
  const encoding = !compressible.test(path)
    ? "identity"
    : takes(accepted, "br")
      ? "br"
      : takes(accepted, "gzip")
        ? "gzip"
        : "identity";
  const etag = `"${file.etag}${encoding === "identity" ? "" : `-${encoding}`}"`;
  const headers: Record<string, string> = {
    "Content-Type": file.type,
    "Cache-Control": hashed.test(name) ? "public, max-age=31536000, immutable" : "no-cache",
    ETag: etag,
    ...(compressible.test(path) && { Vary: "Accept-Encoding" }),
  };
  const tags = (request.headers.get("if-none-match") ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (tags.includes(etag)) return new Response(null, { status: 304, headers });
  file.bodies[encoding] ??=
    prepared(name, path, encoding) ?? file.bodies.identity!.then((bytes) => compressed(bytes, encoding));
  const body = await file.bodies[encoding];
  if (encoding !== "identity") headers["Content-Encoding"] = encoding;
  headers["Content-Length"] = String(body.length);
  return new Response(request.method === "HEAD" ? null : (body as Uint8Array<ArrayBuffer>), { headers });
}

/** The file that the build has compressed, where there is one: with the best compression that takes seconds. */
function prepared(name: string, path: string, encoding: Encoding): Promise<Uint8Array> | undefined {
  return encoding === "br" && hashed.test(name) && existsSync(`${path}.br`) ? readFile(`${path}.br`) : undefined;
}

const takes = (accepted: string, encoding: string): boolean =>
  accepted.split(",").some((each) => each.trim().split(";")[0] === encoding && !/;\s*q=0(\.0+)?$/.test(each.trim()));

const [br, gz] = [promisify(brotliCompress), promisify(gzip)];

function compressed(bytes: Uint8Array, encoding: Encoding): Promise<Uint8Array> {
  if (encoding === "gzip") return gz(bytes);
  const quality = bytes.length > large ? 5 : 11;
  return br(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
}
