/**
 * What pmuctl alone keeps in a perf.data file, behind the version string, where perf does not look
 * (Features.ledger): the command that was measured and the ledger. JSON, so that a later pmuctl can add
 * to it.
 */

/** One CPU's line of the ledger, or their total: see perfdata/ledger.ts. */
export interface LedgerCounts {
  sample: number;
  [name: string]: number | undefined;
}

/** How an event was sampled. */
export interface SampledEvent {
  /** What was really sampled, as perf spells it. */
  name: string;
  /** How often: `4000 Hz`. */
  rate: string;
  /** The backend that took the samples: `perf`, `clock`. */
  backend: string;
  /** The event that was asked for, when `name` stands in for it. */
  insteadOf?: string;
}

/** A rate that was lowered while it was recorded, for what it cost the machine. */
export interface TimedRateChange {
  /** After the start of the recording. */
  seconds: number;
  /** In Hz. */
  from: number;
  to: number;
  /** `31% of the samples came faster than they could be written`. */
  reason: string;
}

/** A CPU that went or came while it was recorded, so that samples are missing. */
export interface CpuChange {
  /** After the start of the recording. */
  seconds: number;
  cpu: number;
  /** It came. */
  online: boolean;
  /** What runs there is recorded from then on. */
  recorded?: boolean;
}

/** What happened on the way, in order each. */
export interface RecordingChanges {
  rateChanges: readonly TimedRateChange[];
  cpuChanges: readonly CpuChange[];
}

/** The change in words: `CPU 1 went offline after 3.2 s: ...`. */
export function cpuChangeText({ seconds, cpu, online, recorded }: CpuChange): string {
  const when = `after ${seconds.toFixed(1)} s`;
  if (online && recorded) return `CPU ${cpu} came online ${when}: what runs there is recorded from then on`;
  return online
    ? `CPU ${cpu} came online ${when}: what runs there is not recorded; a new recording has it`
    : `CPU ${cpu} went offline ${when}: nothing is recorded there while it is`;
}

export interface SessionInfo {
  /** Of this layout. Readers take what they know from a newer one. */
  version: number;
  /** pmuctl's version. */
  tool: string;
  /** The words of the command that was run; without one, what was measured: `pid 412`. */
  command: readonly string[];
  /** Wall-clock seconds of recording. */
  seconds: number;
  /** It was written while the recording went on, which then was not finished: the ledger is of what was known by then. */
  unfinished?: true;
  /** What was sampled; none in files of pmuctl before it had backends. */
  events?: SampledEvent[];
  /** In order; left out when there was none, as the next one. */
  rateChanges?: readonly TimedRateChange[];
  cpuChanges?: readonly CpuChange[];
  ledger: { rows: LedgerCounts[]; total: LedgerCounts };
  /** It was recorded in a pid namespace other than the machine's first: processes outside it have pid 0. */
  pidNamespace?: true;
  /** When it ended, in seconds since 1970. */
  ended?: number;
  /** Processes that made code as they ran, left out when there was none. */
  jitProcesses?: readonly RecordedProcess[];
}

/** A process that made code as it ran, so that what it says about that code can be told from what others say. */
export interface RecordedProcess {
  pid: number;
  /** The user it belonged to. */
  uid: number;
  /** When it started, in seconds since 1970. */
  started: number;
  /** Name of the copy of its perf map among those that were saved. */
  map?: string;
}

/** Of what `encodeSessionInfo` writes. */
export const SESSION_INFO_VERSION = 1;

/** The section's text. */
export function encodeSessionInfo(info: Omit<SessionInfo, "version">): string {
  return JSON.stringify({ version: SESSION_INFO_VERSION, ...info });
}

/** The section's content, or undefined when it is not what pmuctl writes. Never throws. */
export function decodeSessionInfo(text: string): SessionInfo | undefined {
  let info: unknown;
  try {
    info = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isSessionInfo(info) ? info : undefined;
}

function isSessionInfo(value: unknown): value is SessionInfo {
  const info = value as SessionInfo | null;
  return typeof info === "object" && info !== null && typeof info.version === "number" &&
    allOf(info.events, isSampledEvent) && allOf(info.rateChanges, isRateChange) &&
    ["number", "undefined"].includes(typeof info.ended) &&
    [true, undefined].includes(info.pidNamespace) && allOf(info.cpuChanges, isCpuChange) &&
    allOf(info.jitProcesses, isProcess) &&
    Array.isArray(info.command) && info.command.every((word) => typeof word === "string") &&
    Array.isArray(info.ledger?.rows) && [...info.ledger.rows, info.ledger.total].every(isCounts);
}

function isCounts(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    typeof (value as LedgerCounts).sample === "number" &&
    Object.values(value).every((count) => typeof count === "number");
}

function isSampledEvent(value: unknown): boolean {
  const { name, rate, backend, insteadOf } = (value ?? {}) as Partial<SampledEvent>;
  return [name, rate, backend, insteadOf ?? ""].every((text) => typeof text === "string");
}

function isRateChange(value: unknown): boolean {
  const { seconds, from, to, reason } = (value ?? {}) as Partial<TimedRateChange>;
  return [seconds, from, to].every((number) => typeof number === "number") && typeof reason === "string";
}

function isCpuChange(value: unknown): boolean {
  const { seconds, cpu, online, recorded } = (value ?? {}) as Partial<CpuChange>;
  return [seconds, cpu].every((number) => typeof number === "number") && typeof online === "boolean" &&
    typeof (recorded ?? false) === "boolean";
}

function isProcess(value: unknown): boolean {
  const { pid, uid, started, map } = (value ?? {}) as Partial<RecordedProcess>;
  return [pid, uid, started].every((number) => typeof number === "number") && typeof (map ?? "") === "string";
}

/** Whether it is left out, or a list of such things. */
function allOf(value: unknown, is: (each: unknown) => boolean): boolean {
  return value === undefined || (Array.isArray(value) && value.every(is));
}
