/** For who looks for a bug: PMUCTL_DEBUG=1. */

/** Shows where an error came from that is survived, on stderr, to who asked for it. */
export function showTrace(error: unknown): void {
  if (Deno.env.get("PMUCTL_DEBUG") && error instanceof Error) console.error(error.stack);
}
