/** Whether something is at `path`, be it a link that leads nowhere. False, too, where this user cannot know. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
