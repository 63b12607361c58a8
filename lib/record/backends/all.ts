/** The backends there are, best first. */

import { BACKEND_VERSION } from "./backend.ts";
import { clockBackend } from "./clock.ts";
import { perfBackend } from "./perf.ts";
import { BackendRegistry } from "./registry.ts";

/** A registry of all backends. */
export function allBackends(): BackendRegistry {
  const registry = new BackendRegistry();
  registry.register("perf", BACKEND_VERSION, perfBackend);
  registry.register("clock", BACKEND_VERSION, clockBackend);
  return registry;
}

/** Those of this process, which samples for one recording at a time. */
export const backends = allBackends();
