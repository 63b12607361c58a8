/**
 * What to say of programs that the kernel stops measuring at their exec: it takes all events of ordinary users off a process
 * that gets other rights than its user (begin_new_exec() of fs/exec.c, by the process's dumpable flag).
 */

import type { Privilege } from "./privilege.ts";

/** Why `programs` were not measured from their exec on, and what mends it; without names where they are not known. */
export function cutShortAdvice(
  programs: readonly string[],
  { capable }: Pick<Privilege, "capable">,
): { cause: string; remedy: string } {
  const names = programs.length === 0 ? "what it runs" : programs.join(", ");
  return {
    cause:
      `the kernel stops measuring ${names} at the exec, because it runs with other rights than this user's ` +
      "(set-user-ID, file capabilities) or may not be read",
    // to root the other user is the one with fewer rights
    remedy: capable
      ? "measure whole CPUs (-a), or a copy without them"
      : "run pmuctl as root, or a copy without them",
  };
}
