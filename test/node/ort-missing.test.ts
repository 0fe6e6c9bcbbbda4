/** Errors of platforms on which the runtime cannot be loaded: what a user of each reads. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { loadFault } from "../../src/node/ort-missing.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const fault = (code: string, message: string) => Object.assign(new Error(message), { code });
const missing = (folder: string) =>
  fault(
    "MODULE_NOT_FOUND",
    `Cannot find module '../bin/napi-v6/${folder}/onnxruntime_binding.node'\nRequire stack:\n- x`,
  );
const glibc = (version?: string) => ({ getReport: () => ({ header: { glibcVersionRuntime: version } }) });

describe("the runtime cannot be loaded", () => {
  it("on an Intel Mac: the platforms that have a binary, and the page", () => {
    const error = loadFault(missing("darwin/x64"), { platform: "darwin", arch: "x64" });
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toBe(
      "onnxruntime-node 1.30.0 has no binary for darwin x64 (an Intel Mac); it has those of Linux x64 and arm64 (glibc 2.28 or " +
        "newer), macOS arm64, Windows x64 and arm64. Use one of these; the browser page trains on this machine too: npx pix2pix " +
        "web. (Cannot find module '../bin/napi-v6/darwin/x64/onnxruntime_binding.node')",
    );
  });

  it("with musl: an image with glibc", () => {
    const thrown = fault("ERR_DLOPEN_FAILED", "Error loading shared library ld-linux-x86-64.so.2: No such file");
    const error = loadFault(thrown, { platform: "linux", arch: "x64", report: glibc() });
    expect(error.message).toContain("linux x64 without glibc (musl, as in Alpine)");
    expect(error.message).toContain("node:24-slim, not node:24-alpine");
    expect(error.message).toContain("ld-linux-x86-64.so.2");
    expect(error.cause).toBe(thrown);
  });

  it("with an old glibc: its version", () => {
    const thrown = fault("ERR_DLOPEN_FAILED", "/lib/libc.so.6: version `GLIBC_2.28' not found");
    const error = loadFault(thrown, { platform: "linux", arch: "arm64", report: glibc("2.17") });
    expect(error.message).toContain("linux arm64 with glibc 2.17; it needs glibc 2.28 or newer");
  });

  it("not installed: how to install it without its script", () => {
    const thrown = fault("MODULE_NOT_FOUND", "Cannot find module 'onnxruntime-node'\nRequire stack:\n- x");
    const { message } = loadFault(thrown, { platform: "linux", arch: "x64", report: glibc("2.36") });
    expect(message).toContain("is not installed");
    expect(message).toContain("ONNXRUNTIME_NODE_INSTALL=skip npm install pix2pix");
    expect(message).not.toContain("Require stack");
  });

  it("the messages name the version and the platforms of the package that is installed", () => {
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const { message } = loadFault(missing("darwin/x64"), { platform: "darwin", arch: "x64" });
    expect(message).toContain(`onnxruntime-node ${manifest.optionalDependencies["onnxruntime-node"]} `);
    const binaries = join(root, "node_modules/onnxruntime-node/bin/napi-v6");
    const found = readdirSync(binaries).flatMap((os) => readdirSync(join(binaries, os)).map((arch) => `${os} ${arch}`));
    expect(found.sort()).toEqual(["darwin arm64", "linux arm64", "linux x64", "win32 arm64", "win32 x64"]);
  });
});
