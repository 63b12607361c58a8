/** Debugging aid: PMUCTL_DEBUG=1. */

/** Returns whether PMUCTL_DEBUG is set. */
export function isDebugging(): boolean {
  return Boolean(Deno.env.get("PMUCTL_DEBUG"));
}

/** Prints the stack trace of a handled error to stderr when PMUCTL_DEBUG is set. */
export function showTrace(error: unknown): void {
  if (isDebugging() && error instanceof Error) console.error(error.stack);
}
