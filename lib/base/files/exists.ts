/**
 * Returns whether `path` exists, even as a dangling link; pass Deno.statSync to follow links. False, too, when this
 * user may not know.
 */
export function exists(path: string, stat: typeof Deno.lstatSync = Deno.lstatSync): boolean {
  try {
    stat(path);
    return true;
  } catch {
    return false;
  }
}
