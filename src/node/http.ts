/** Binds a server of web standards (Request in, Response out) to a port of this machine. */
import type { Server } from "node:http";
import { type AddressInfo, Server as NetServer } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { UserError } from "../errors.ts";

/** Number of ports that are tried, from the requested one on. */
const tries = 20;
/** The status for a request that cannot be read, by Node's error code. All others are bad requests. */
const faults: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Content Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};
/** Milliseconds that answers in progress have when the server closes. */
const drainTimeout = 30_000;

export interface Listening {
  /** The address for a browser on this machine; ends with a slash. */
  url: string;
  port: number;
  /** Takes no more connections, lets answers in progress end (30 s at most), and frees the port. */
  close(): Promise<void>;
}

/**
 * Listens until it is closed.
 * @param host the address to listen on: 127.0.0.1 is this machine alone
 * @param port the first to try; the next 19 follow where it is in use. 0 is any free port
 * @throws UserError where all ports are in use, or the host is no address of this machine
 */
export async function listenHttp(
  fetch: (request: Request) => Promise<Response>,
  { host, port }: { host: string; port: number },
): Promise<Listening> {
  let ending = false;
  const answer = async (request: Request) => {
    const response = await fetch(request);
    if (ending) response.headers.set("Connection", "close");
    return response;
  };
  const server = createAdaptorServer({ fetch: answer, overrideGlobalObjects: false }) as Server;
  // A client that sends slowly holds a connection. Node's own limits are 60 s and 300 s.
  server.headersTimeout = 20_000;
  server.requestTimeout = 120_000;
  server.on("clientError", ({ code = "" }: NodeJS.ErrnoException, socket) => {
    if (socket.writable) socket.end(`HTTP/1.1 ${faults[code] ?? "400 Bad Request"}\r\nConnection: close\r\n\r\n`);
  });
  const chosen = await listen(server, host, port);
  const name = ["0.0.0.0", "::", "127.0.0.1", "::1"].includes(host) ? "localhost" : host;
  const shown = name.includes(":") ? `[${name}]` : name;
  return { url: `http://${shown}:${chosen}/`, port: chosen, close };

  async function close(): Promise<void> {
    ending = true;
    await new Promise((resolve) => setTimeout(resolve, grace));
    await drain(server);
  }
}

/**
 * Milliseconds between `close` and the closed port. A client may send its next request on a connection just when it is closed.
 * So requests are answered for a while, each with `Connection: close`.
 */
const grace = 500;

/** The largest number of connections that wait to be accepted, as Node sets it. */
const backlog = 511;

/** Accepts the waiting connections, which the system would reset when the port is closed. A turn of the event loop accepts one. */
async function acceptAll(server: Server): Promise<void> {
  let accepted = 0;
  const count = () => accepted++;
  server.on("connection", count);
  for (let turn = 0; turn < backlog && turn <= accepted; turn++) await new Promise((resolve) => setImmediate(resolve));
  server.off("connection", count);
}

async function drain(server: Server): Promise<void> {
  await acceptAll(server);
  // `close` of net: that of http would also close idle connections, on which a request may be about to arrive.
  const ended = new Promise<void>((resolve) => {
    NetServer.prototype.close.call(server, () => resolve());
  });
  await new Promise((resolve) => setTimeout(resolve, grace));
  server.closeIdleConnections();
  // A kept connection becomes idle only when its answer is out.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const timer = setTimeout(() => server.closeAllConnections(), drainTimeout);
  await ended;
  clearInterval(sweep);
  clearTimeout(timer);
}

/** @returns the port */
async function listen(server: Server, host: string, first: number): Promise<number> {
  for (let port = first; port < first + tries && port < 65536; port++) {
    const taken = await new Promise<boolean>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) =>
        error.code === "EADDRINUSE" || error.code === "EACCES" ? resolve(true) : reject(refused(error, host));
      server.once("error", failed).listen(port, host, () => {
        server.off("error", failed);
        resolve(false);
      });
    });
    if (!taken) return (server.address() as AddressInfo).port;
  }
  throw new UserError(`no port from ${first} to ${first + tries - 1} is free; choose another with --port`);
}

function refused(error: NodeJS.ErrnoException, host: string): Error {
  if (error.code !== "EADDRNOTAVAIL" && error.code !== "ENOTFOUND" && error.code !== "EAI_AGAIN") return error;
  return new UserError(
    `--host ${host}: it is no address of this machine (${error.code}); 127.0.0.1 and 0.0.0.0 always work`,
  );
}
