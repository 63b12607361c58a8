/** Location of the program: the root folder of this checkout, or of the compiled binary. */

/** Returns the URL of the file at `path` below the root. This module is two folders below it, in build/program/ too. */
export function rootUrl(path: string): URL {
  return new URL(`../../${path}`, import.meta.url);
}
