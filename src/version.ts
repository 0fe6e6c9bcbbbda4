/** The version of the package, for files that it writes. A test compares it with package.json. */
export const version = "0.1.0";
