/** The tag of the web app's index.html that tells the page what delivers it; src/app/homes/choose.ts reads it. */
const tagOf = (home: "browser" | "server" | "site") => `name="pix2pix-home" content="${home}"`;

/** The built index.html for another home than the browser's storage. */
export function withHome(html: Uint8Array, home: "server" | "site"): Uint8Array {
  return new TextEncoder().encode(new TextDecoder().decode(html).replace(tagOf("browser"), tagOf(home)));
}
