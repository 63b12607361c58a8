/** What every backend that samples through perf_event_open(2) does alike. */

import { disable, enable } from "../../../ffi/pmu.ts";
import { type Opened, openOnCpus } from "../opening.ts";
import type { Operations } from "./backend.ts";

/** Opening, starting and stopping perf events. */
export const perfEvents: Pick<Operations, "open" | "start" | "stop"> = {
  open: openOnCpus,
  start: (opened: Opened) => opened.places.forEach(({ fd }) => enable(fd)),
  stop: (opened: Opened) => opened.places.forEach(({ fd }) => disable(fd)),
};
