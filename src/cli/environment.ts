/** The port of commands that serve, from the environment: hosting platforms set it in $PORT. */
import { ConfigError } from "../errors.ts";

type Given = Readonly<Record<string, unknown>>;

/** The port of $PORT, unless --port is given. @throws ConfigError for a PORT that is no port */
export function portOfEnvironment(given: Given): { port?: string } {
  const { PORT: port } = process.env;
  if (!port || given.port !== undefined) return {};
  if (/^\d{1,5}$/.test(port) && Number(port) < 65536) return { port };
  throw new ConfigError(`the environment variable PORT: got "${port}", expected a whole number from 0 to 65535`);
}
