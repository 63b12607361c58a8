/** The rings of a recording: one for each CPU, as large as this user may lock. */

import { Drain, setOutput } from "../../ffi/pmu.ts";
import { ERRNO, errnoText } from "../base/errno.ts";
import { UnsupportedError } from "../base/errors.ts";
import type { Opened } from "./opening.ts";
import type { Sink } from "./sink.ts";

/**
 * A drain into `sink` with a ring for each CPU. When that is more memory than this user may lock, the rings
 * are halved until it is not, and `note` says so.
 */
export function drainOf(
  sink: Sink,
  opened: readonly Opened[],
  ringPages: number,
  note: (line: string) => void,
): Drain {
  for (let pages = ringPages;; pages /= 2) {
    const drain = new Drain({ outFd: sink.fd, sizeFieldAt: sink.sizeFieldAt });
    const errno = mapRings(drain, opened, pages);
    if (errno === 0) {
      if (pages < ringPages) {
        note(
          `this user may not lock rings of ${ringPages} pages for each CPU (kernel.perf_event_mlock_kb, ulimit -l): ` +
            `recording with ${pages}, which loses samples sooner`,
        );
      }
      return drain;
    }
    drain.free();
    if (errno !== ERRNO.EPERM || pages === 1) throw ringError(errno, pages);
  }
}

/** Maps a ring for each CPU, that of the first event there, and points the others at it. Returns 0 or an errno. */
function mapRings(drain: Drain, opened: readonly Opened[], pages: number): number {
  const ringOf = new Map<number, number>();
  for (const { places } of opened) {
    for (const { cpu, fd } of places) {
      const owner = ringOf.get(cpu);
      if (owner !== undefined) {
        setOutput(fd, owner);
        continue;
      }
      const index = drain.tryAdd(fd, pages, cpu);
      if (index < 0) return -index;
      ringOf.set(cpu, fd);
    }
  }
  return 0;
}

function ringError(errno: number, pages: number): UnsupportedError {
  const attempt = `map rings of ${pages} page${pages > 1 ? "s" : ""} for each CPU`;
  if (errno !== ERRNO.EPERM) return new UnsupportedError({ attempt, cause: errnoText(errno) }, errno);
  return new UnsupportedError({
    attempt,
    cause: "this user has locked all the memory that kernel.perf_event_mlock_kb and ulimit -l allow",
    remedy: "end other recordings, or raise the limit as root",
  }, errno);
}
