/** Sink of a recording: what a file and a pipe have in common. */

import { CLOCK } from "../../base/system/numbers.ts";
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
} from "../../perfdata/own/session_info.ts";
import { namesParts } from "../../perfdata/own/names_part.ts";
import { pipedNamesParts } from "../../perfdata/rewrite/piped_names.ts";
import type { Host } from "../host/host.ts";
import type { Ledger } from "../../perfdata/format/ledger.ts";
import { kernelBuildIds } from "../objects/kernel_ids.ts";
import { readMachine } from "../host/machine.ts";
import type { RecordsFile } from "../rings/rings.ts";
import { readTracingData, tracefsText } from "../host/tracing.ts";
import { type EventOnCpus, fileEvents } from "../open/open_on_cpus.ts";

/** Facts of a recording that are known from its start. */
export interface Origin {
  host: Host;
  /** Command line of pmuctl itself. */
  commandLine: string[];
}

/** Facts that a file states of its recording: at the end in full, and on the way as far as they are known. */
export interface RecordingFacts {
  /** Set while the recording goes on. */
  unfinished?: true;
  /** Words of the command, or the target's name (`pid 412`, `all CPUs`). */
  command: readonly string[];
  events: SampledEvent[];
  /** Changes of rates and CPUs. */
  happened: RecordingChanges;
  /** Whether it was recorded in a pid namespace other than the machine's first. */
  pidNamespace: boolean;
  /** Bytes of stack that chains were unwound from while they were recorded; undefined where they were not. */
  unwoundBytes?: number;
  /** Build ids of the objects that ran. */
  buildIds: readonly BuildIdEntry[];
  /** Times of the first and last sample, in ns of the recording's clock; undefined when unknown. */
  sampleTime?: { first: bigint; last: bigint };
  ledger: Ledger;
  seconds: number;
  /** Processes that made code as they ran. */
  jitProcesses: readonly RecordedProcess[];
  /** Encoded bundle of names that the recording carries; written at the end only. */
  names?: Uint8Array;
}

/** Outcome of completing an output. */
export interface Finished {
  /** Size of the output. */
  bytes: number;
  /** Error that kept the facts, or some of them, from being written. */
  error?: PmuError;
}

/** File or pipe that records are written to, by `write()` and by a drain. */
export interface Sink extends RecordsFile {
  /** Bytes of records in the front, and of those written through `write()`. */
  readonly dataBytes: number;
  /** Writes whole records. Throws UnsupportedError. */
  write(records: readonly Uint8Array[]): void;
  /** Adds ids to events, by the event's index among the listed; returns false where that is impossible. */
  addIds(added: readonly { event: number; id: bigint }[]): boolean;
  /** Writes the facts known by now, for readers of an output that is never completed; does nothing without room. */
  keep(facts: RecordingFacts): void;
  /** Frees the room that is reserved for completing the output, once no more records are written. */
  freeBallast(): void;
  /** Completes the output behind `dataBytes` bytes of records; the last one may be cut off if writing `failed`. */
  finish(dataBytes: number, facts: RecordingFacts, failed: boolean): Finished;
  /** Undoes the output, as far as possible. */
  discard(): void;
  close(): void;
}

/** Returns the features of a recording that are known when it begins, except the version. */
export function knownFeatures({ host, commandLine }: Origin, opened: readonly EventOnCpus[]): FeatureValues {
  const events = fileEvents(opened);
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

/** Name and version of this recorder. */
export const RECORDER = `pmuctl ${VERSION}`;

/** Processes that are listed where there is no room for all. */
const FIRST_PROCESSES = 16;

/** Returns the payload of the VERSION section with the ledger and the bundle of names. */
export function lastVersionSection(facts: RecordingFacts): Uint8Array {
  const names = facts.names && namesParts(facts.names)[0];
  return encodeFeatures({ version: RECORDER, ledger: sessionText(facts), names })[0].payload;
}

/** Returns the payloads of the VERSION features of a pipe that together hold a bundle of names. */
export function pipedNames(bundle: Uint8Array): Uint8Array[] {
  return pipedNamesParts(bundle, RECORDER);
}

/**
 * Returns the payload of the VERSION section with the ledger, of at most `maxBytes`: the details are dropped first, the
 * rows of the ledger last, so that its total stays. Undefined when not even that fits.
 */
export function versionSection(facts: RecordingFacts, maxBytes: number): Uint8Array | undefined {
  const { jitProcesses, ledger } = facts;
  const brief = { ...facts, jitProcesses: jitProcesses.slice(0, FIRST_PROCESSES) };
  const bare = { ...facts, jitProcesses: [], happened: { rateChanges: [], cpuChanges: [] } };
  for (const shorter of [facts, brief, bare, { ...bare, ledger: { ...ledger, rows: [] } }]) {
    const [{ payload }] = encodeFeatures({ version: RECORDER, ledger: sessionText(shorter) });
    if (payload.length <= maxBytes) return payload;
  }
  return undefined;
}

/** Returns the resolution of the clock that was asked for, and its time beside the wall clock's; nothing without one. */
function clockOf(opened: readonly EventOnCpus[]): Pick<FeatureValues, "clockid" | "clockData"> {
  const attr = opened.find((each) => each.attr.flags.has("useClockid"))?.attr;
  if (!attr) return {};
  return {
    clockid: clockResolutionNs(attr.clockid),
    clockData: { clockid: attr.clockid, wallClock: clockNs(CLOCK.REALTIME), clock: clockNs(attr.clockid) },
  };
}

/** Returns GROUP_DESC where there are groups: by it `perf report` shows a group's events side by side. */
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
  { unfinished, command, seconds, events, happened, pidNamespace, unwoundBytes, ledger, jitProcesses }:
    RecordingFacts,
): string {
  return encodeSessionInfo({
    tool: VERSION,
    command,
    seconds,
    ...unfinished ? { unfinished } : {},
    events,
    ...Object.fromEntries(Object.entries(happened).filter(([, changes]) => changes.length > 0)),
    ...pidNamespace ? { pidNamespace } : {},
    ...unwoundBytes === undefined ? {} : { unwound: { stackBytes: unwoundBytes } },
    ledger: { rows: ledger.rows.map((row) => ({ ...row })), total: { ...ledger.total } },
    ended: Date.now() / 1000,
    ...(jitProcesses.length > 0 ? { jitProcesses } : {}),
  });
}

/** Returns the error to throw when `path` could not be written. */
export function writeError(path: string, error: unknown): unknown {
  const attempt = `write ${path}`;
  if (error instanceof PmuError && error.errno === ERRNO.EPIPE) {
    return new UnsupportedError({ attempt, cause: "its reader has gone" }, error.errno);
  }
  return errnoOf(error) === undefined ? error : refusal(attempt, error, "name another file with -o");
}
