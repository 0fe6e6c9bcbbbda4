/** An install whose onnxruntime-node cannot fetch its CUDA files, as behind a firewall, with the npm of this machine. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { install, noRegistry, pack, run, withoutScript, workFolder } from "./project.ts";

const { work, remove } = workFolder("script");
afterAll(remove, 120_000);
const user = join(work, "user");

/** Where only Linux x64 has files to fetch. The script honours this proxy, and there is none. */
const unreachable = { GLOBAL_AGENT_HTTP_PROXY: "http://127.0.0.1:9", GLOBAL_AGENT_HTTPS_PROXY: "http://127.0.0.1:9" };
const affected = process.platform === "linux" && process.arch === "x64";

describe.skipIf(noRegistry || !affected)("an install that cannot fetch CUDA files", () => {
  const demo = () => run(user, "npx", ["--no-install", "pix2pix", "demo", "--steps", "2", "--size", "32"]);

  it("succeeds; the program helps, and says how to get the runtime where npm has left it out", {
    timeout: 600_000,
  }, () => {
    const { tarball } = pack(work);
    const { status, noted } = install(user, [tarball], unreachable);
    expect(status, noted).toBe(0);
    expect(run(user, "npx", ["--no-install", "pix2pix", "--help"]).status).toBe(0);

    // npm 12 does not run the script, so that nothing is left out.
    const { status: code, noted: said } = demo();
    if (existsSync(join(user, "node_modules/onnxruntime-node"))) expect(code, said).toBe(0);
    else {
      expect(code).toBe(1);
      expect(said).toContain(`ONNXRUNTIME_NODE_INSTALL=${withoutScript.ONNXRUNTIME_NODE_INSTALL} npm install pix2pix`);
    }

    const again = install(user, [tarball], { ...unreachable, ...withoutScript });
    expect(again.status, again.noted).toBe(0);
    const { status: works, noted: fault } = demo();
    expect(works, fault).toBe(0);
  });
});
