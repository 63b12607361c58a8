/** Debugging aid: PMUCTL_DEBUG=1. */

/** Prints the stack trace of a handled error to stderr when PMUCTL_DEBUG is set. */
export function showTrace(error: unknown): void {
  if (Deno.env.get("PMUCTL_DEBUG") && error instanceof Error) console.error(error.stack);
}
