/**
 * Whether something is at `path`, be it a link that leads nowhere; with Deno.statSync, where links lead. False, too, where
 * this user cannot know.
 */
export function exists(path: string, stat: typeof Deno.lstatSync = Deno.lstatSync): boolean {
  try {
    stat(path);
    return true;
  } catch {
    return false;
  }
}
