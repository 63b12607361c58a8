/**
 * Advice about programs that the kernel stops measuring at their exec: it removes all events of ordinary users from a
 * process that gains other rights than its user's (begin_new_exec() of fs/exec.c, by the process's dumpable flag).
 */

import type { Privilege } from "./privilege.ts";

/**
 * Explains why `programs` were not measured from their exec on, and what to do; an empty list means unknown programs.
 */
export function cutShortAdvice(
  programs: readonly string[],
  { capable }: Pick<Privilege, "capable">,
): { cause: string; remedy: string } {
  const names = programs.length === 0 ? "what it runs" : programs.join(", ");
  return {
    cause:
      `the kernel stops measuring ${names} at the exec, because it runs with other rights than this user's ` +
      "(set-user-ID, file capabilities) or may not be read",
    // for root, the other user is the one with fewer rights
    remedy: capable
      ? "measure whole CPUs (-a), or a copy without them"
      : "run pmuctl as root, or a copy without them",
  };
}
