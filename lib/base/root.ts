/** Where the program lies: this checkout's root folder, or the same inside a compiled binary. */

/** The file at `path` from the root. This module is two folders below that, and in build/program/ it is, too. */
export function rootUrl(path: string): URL {
  return new URL(`../../${path}`, import.meta.url);
}
