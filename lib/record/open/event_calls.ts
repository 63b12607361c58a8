/** Calls that open and set up the events of a recording, in one place, so that tests of their order need no kernel. */

import { closeEvent, disable, enable, eventId, setFilter, setOutput, tryOpen } from "../../../ffi/pmu.ts";

/** Calls on this machine. */
export const liveCalls = { closeEvent, disable, enable, eventId, setFilter, setOutput, tryOpen };

/** Calls as ffi/pmu.ts has them. */
export type EventCalls = typeof liveCalls;
