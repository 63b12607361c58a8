/** Registers every backend, best first. */

import { BACKEND_VERSION } from "./backend.ts";
import { clockBackend, perfBackend } from "./perf_event_backends.ts";
import { BackendRegistry } from "./registry.ts";

/** Returns a registry of all backends. */
export function allBackends(): BackendRegistry {
  const registry = new BackendRegistry();
  registry.register("perf", BACKEND_VERSION, perfBackend);
  registry.register("clock", BACKEND_VERSION, clockBackend);
  return registry;
}

/** Backends of this process, which samples for one recording at a time. */
export const backends: BackendRegistry = allBackends();
