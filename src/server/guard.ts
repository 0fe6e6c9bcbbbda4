/** Who may use the server: by the Host and Origin of a request, and by a token. */
import { Refusal } from "./problem.ts";

export interface GuardOptions {
  /** The token that every request must carry; undefined: only this machine can reach the server. */
  token?: string | undefined;
  /** More names that requests may call the server by, beside those of this machine. */
  hosts?: readonly string[];
}

/** The cookie of a browser that has opened the page with ?token=. */
const cookieName = "pix2pix_token";
const ownNames = ["localhost", "127.0.0.1", "[::1]"];
/** Paths that tell nothing of the runs: a watchdog asks for them without a token. */
const open = new Set(["/healthz", "/v2/health/live", "/v2/health/ready"]);

/**
 * Refuses a request that another web page has sent, or that comes under a foreign name (DNS rebinding), or that has no
 * token where one is needed.
 * @throws Refusal 401 or 403
 */
export function guard(request: Request, { token, hosts = [] }: GuardOptions): void {
  const { pathname } = addressOf(request);
  if (open.has(pathname)) return;
  const host = request.headers.get("host") ?? "";
  if (token === undefined && ![...ownNames, ...hosts].includes(nameOf(host))) {
    throw new Refusal(403, `the host "${host}" is not this server's; open it as localhost or 127.0.0.1`);
  }
  const origin = request.headers.get("origin");
  if (!isSafe(request) && origin !== null && hostOf(origin) !== host) {
    throw new Refusal(403, `a page of ${origin} may not change anything here`);
  }
  const site = request.headers.get("sec-fetch-site");
  if (!isSafe(request) && site !== null && site !== "same-origin" && site !== "none") {
    throw new Refusal(403, "a page of another origin may not change anything here");
  }
  // It could not read an answer, but exports and maps would be computed. Links lead here.
  if (site === "cross-site" && request.headers.get("sec-fetch-mode") !== "navigate") {
    throw new Refusal(403, "a page of another site may not ask for anything here; it may have links");
  }
  if (token !== undefined && !equal(tokenOf(request) ?? "", token)) {
    throw new Refusal(
      401,
      "a token is needed: the header Authorization: Bearer TOKEN, or the page opened with ?token=TOKEN",
    );
  }
}

/**
 * For a page that is opened with ?token=: keeps the token in a cookie that scripts cannot read and that other sites do
 * not send, and leads to the address without it.
 */
export function welcome(request: Request, { token }: GuardOptions): Response | undefined {
  const { pathname, searchParams } = addressOf(request);
  const given = searchParams.get("token");
  if (token === undefined || given === null || request.method !== "GET" || !equal(given, token)) return undefined;
  searchParams.delete("token");
  const rest = searchParams.size > 0 ? `?${searchParams}` : "";
  const cookie = `${cookieName}=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/`;
  // Two slashes would begin the name of another server.
  const location = `${pathname.replace(/^\/+/, "/")}${rest}`;
  return new Response(null, { status: 303, headers: { Location: location, "Set-Cookie": cookie } });
}

/** The path and query of a request; a text that is no address gives an empty path. */
export function addressOf(request: Request): { pathname: string; searchParams: URLSearchParams } {
  try {
    return new URL(request.url);
  } catch {
    return { pathname: "", searchParams: new URLSearchParams() };
  }
}

const isSafe = ({ method }: Request): boolean => ["GET", "HEAD", "OPTIONS"].includes(method);

/** A host without its port. */
const nameOf = (host: string): string => host.replace(/:\d+$/, "").toLowerCase();

function hostOf(origin: string): string {
  try {
    return new URL(origin).host;
  } catch {
    return "";
  }
}

function tokenOf({ headers }: Request): string | undefined {
  const bearer = /^Bearer\s+(.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  for (const part of (headers.get("cookie") ?? "").split(";")) {
    const [name, value = ""] = part.trim().split("=", 2);
    if (name !== cookieName) continue;
    try {
      return decodeURIComponent(value);
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/** Compares all characters, so that the time tells nothing of the place of the first difference. */
function equal(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => new TextEncoder().encode(text));
  let difference = x!.length ^ y!.length;
  for (let i = 0; i < y!.length; i++) difference |= (x![i] ?? 0) ^ y![i]!;
  return difference === 0;
}
