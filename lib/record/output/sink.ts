/** Where a recording goes: what a file and a pipe have in common. */

import { clockNs, clockResolutionNs, PmuError } from "../../../ffi/pmu.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { hostFiles } from "../../events/files.ts";
import { errnoOf, refusal } from "../../base/system/system_error.ts";
import { VERSION } from "../../base/system/version.ts";
import { encodeFeatures, type FeatureValues } from "../../perfdata/format/feature_encoders.ts";
import type { BuildIdEntry } from "../../perfdata/format/features.ts";
import {
  encodeSessionInfo,
  type RecordedProcess,
  type RecordingChanges,
  type SampledEvent,
} from "../../perfdata/format/session_info.ts";
import type { Host } from "../host/host.ts";
import type { Ledger } from "../../perfdata/format/ledger.ts";
import { kernelBuildIds } from "../objects/kernel_ids.ts";
import { readMachine } from "../host/machine.ts";
import type { RecordsFile } from "../rings/rings.ts";
import { readTracingData, tracefsText } from "../host/tracing.ts";
import { type EventOnCpus, listedEvents } from "../open/open_on_cpus.ts";

const CLOCK_REALTIME = 0;

/** What is known of a recording from its start. */
export interface Origin {
  host: Host;
  /** pmuctl's own command line. */
  commandLine: string[];
}

/** What is told of a recording when it is over, and, as far as it is known, on the way. */
export interface RecordingFacts {
  /** Whether it goes on. */
  unfinished?: true;
  /** What was measured: the command's words, or what stands for it (`pid 412`, `all CPUs`). */
  command: readonly string[];
  /** What was sampled. */
  events: SampledEvent[];
  happened: RecordingChanges;
  /** It is recorded in a pid namespace other than the machine's first. */
  pidNamespace: boolean;
  /** Of the objects that ran. */
  buildIds: readonly BuildIdEntry[];
  /** Of the first and the last sample, in ns of the recording's clock, where they have been looked at. */
  sampleTime?: { first: bigint; last: bigint };
  ledger: Ledger;
  seconds: number;
  /** Processes that made code as they ran. */
  jitProcesses: readonly RecordedProcess[];
}

/** An output that has been completed, as far as it could be. */
export interface Finished {
  /** Size of the whole. */
  bytes: number;
  /** Why what is told of a recording at its end (`RecordingFacts`) is not there, or not all of it. */
  error?: PmuError;
}

/** A file or a pipe that records are written to, by `write()` and by a drain. */
export interface Sink extends RecordsFile {
  /** Bytes of records that it begins with, and of those written through `write()`. */
  readonly dataBytes: number;
  /** Writes whole records. Throws UnsupportedError. */
  write(records: readonly Uint8Array[]): void;
  /** Adds ids to those of the events, by their index among the listed; false where that cannot be done. */
  addIds(added: readonly { event: number; id: bigint }[]): boolean;
  /** Keeps what is known by now, for a reader who comes when it was not completed; nothing where there is no room. */
  keep(facts: RecordingFacts): void;
  /** No more records are written: the room that is held for what completes it is free for that. */
  freeBallast(): void;
  /** Completes it behind `dataBytes` bytes of records, of which the last may have been cut if writing `failed`. */
  finish(dataBytes: number, facts: RecordingFacts, failed: boolean): Finished;
  /** Undoes it, as far as that can be done. */
  discard(): void;
  close(): void;
}

/** The features of a recording that are known when it begins, but for the version. */
export function knownFeatures({ host, commandLine }: Origin, opened: readonly EventOnCpus[]): FeatureValues {
  const events = listedEvents(opened);
  return {
    hostname: host.hostname,
    osrelease: host.osrelease,
    arch: host.arch,
    nrcpus: { available: host.cpusAvailable, online: host.cpusOnline },
    cpudesc: host.cpudesc,
    cpuid: host.cpuid,
    totalMem: host.totalMemoryKb,
    cmdline: commandLine,
    ...readMachine(hostFiles),
    ...clockOf(opened),
    tracingData: readTracingData(events.flatMap(({ of }) => of.event.tracepoint ?? []), tracefsText),
    eventDesc: events.map(({ of, attr, ids }) => ({ attr, name: of.event.name, ids })),
    ...groupsOf(events.map(({ of }) => of)),
    buildIds: kernelBuildIds(events.some(({ attr }) => !attr.flags.has("excludeKernel"))),
  };
}

/** The version of what records. */
export const RECORDER = `pmuctl ${VERSION}`;

/** Processes that are told of first, where there is no room for all. */
const FIRST_PROCESSES = 16;

/**
 * Gives the payload of the VERSION section with the ledger, no longer than `most` bytes: where it would be, the details
 * go first, and the total of the ledger last. Undefined when not even that fits.
 */
export function versionSection(facts: RecordingFacts, most: number): Uint8Array | undefined {
  const { jitProcesses, ledger } = facts;
  const brief = { ...facts, jitProcesses: jitProcesses.slice(0, FIRST_PROCESSES) };
  const bare = { ...facts, jitProcesses: [], happened: { rateChanges: [], cpuChanges: [] } };
  for (const told of [facts, brief, bare, { ...bare, ledger: { ...ledger, rows: [] } }]) {
    const [{ payload }] = encodeFeatures({ version: RECORDER, ledger: sessionText(told) });
    if (payload.length <= most) return payload;
  }
  return undefined;
}

/** Where a clock was asked for: its resolution, and what time it is on the wall when that clock shows what it does. */
function clockOf(opened: readonly EventOnCpus[]): Pick<FeatureValues, "clockid" | "clockData"> {
  const attr = opened.find((each) => each.attr.flags.has("useClockid"))?.attr;
  if (!attr) return {};
  return {
    clockid: clockResolutionNs(attr.clockid),
    clockData: { clockid: attr.clockid, wallClock: clockNs(CLOCK_REALTIME), clock: clockNs(attr.clockid) },
  };
}

/** GROUP_DESC, where there are groups: by it `perf report` shows a group's events side by side. */
function groupsOf(opened: readonly EventOnCpus[]): Pick<FeatureValues, "groupDesc"> {
  const leaders = new Map<EventOnCpus, { name: string; leader: number; members: number }>();
  for (const { group } of opened) {
    if (!group) continue;
    const { leader, name = "{anon_group}" } = group; // as perf calls those without a name
    const known = leaders.get(leader) ?? { name, leader: opened.indexOf(leader), members: 1 };
    leaders.set(leader, { ...known, members: known.members + 1 });
  }
  return leaders.size > 0 ? { groupDesc: [...leaders.values()] } : {};
}

function sessionText(
  { unfinished, command, seconds, events, happened, pidNamespace, ledger, jitProcesses }: RecordingFacts,
): string {
  return encodeSessionInfo({
    tool: VERSION,
    command,
    seconds,
    ...unfinished ? { unfinished } : {},
    events,
    ...Object.fromEntries(Object.entries(happened).filter(([, changes]) => changes.length > 0)),
    ...pidNamespace ? { pidNamespace } : {},
    ledger: { rows: ledger.rows.map((row) => ({ ...row })), total: { ...ledger.total } },
    ended: Date.now() / 1000,
    ...(jitProcesses.length > 0 ? { jitProcesses } : {}),
  });
}

/** The error to throw when `path` could not be written. */
export function writeError(path: string, error: unknown): unknown {
  const attempt = `write ${path}`;
  if (error instanceof PmuError && error.errno === ERRNO.EPIPE) {
    return new UnsupportedError({ attempt, cause: "its reader has gone" }, error.errno);
  }
  return errnoOf(error) === undefined ? error : refusal(attempt, error, "name another file with -o");
}
