/** Waiting for a condition. */

/** How long a condition may take to become true, in seconds: far longer than a busy machine needs. */
const PATIENCE = 60;

/** Waits until `condition` is true; throws, naming `what`, where it does not become so. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + PATIENCE * 1000; !(await condition());) {
    if (performance.now() > end) throw new Error(`waited ${PATIENCE} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
