/**
 * Session information: the measured command and the ledger, which pmuctl keeps in a perf.data file after the version
 * string, where perf does not look (Features.ledger). It is JSON, so that later versions can add to it.
 */

/** Ledger row of one CPU, or the total: see ledger.ts. */
export interface LedgerCounts {
  sample: number;
  [name: string]: number | undefined;
}

/** Event as it was sampled. */
export interface SampledEvent {
  /** Name of the event that was really sampled, as perf spells it. */
  name: string;
  /** Sampling rate: `4000 Hz`. */
  rate: string;
  /** Backend that took the samples: `perf`, `clock`. */
  backend: string;
  /** Event that was requested, when `name` replaces it. */
  insteadOf?: string;
}

/** Reduction of the sampling rate during the recording, because of its cost to the machine. */
export interface TimedRateChange {
  /** Seconds since the start of the recording. */
  seconds: number;
  /** Previous rate in Hz. */
  from: number;
  /** New rate in Hz. */
  to: number;
  /** Cause: `31% of the samples came faster than the recorder could take them`. */
  reason: string;
}

/** CPU that went offline or came online during the recording, so that samples are missing. */
export interface CpuChange {
  /** Seconds since the start of the recording. */
  seconds: number;
  cpu: number;
  /** True when the CPU came online. */
  online: boolean;
  /** True when it is recorded from then on. */
  recorded?: boolean;
}

/** Changes during a recording, each list in order of time. */
export interface RecordingChanges {
  rateChanges: readonly TimedRateChange[];
  cpuChanges: readonly CpuChange[];
}

/** Describes the change: `CPU 1 went offline after 3.2 s: ...`. */
export function cpuChangeText({ seconds, cpu, online, recorded }: CpuChange): string {
  const when = `after ${seconds.toFixed(1)} s`;
  if (online && recorded) return `CPU ${cpu} came online ${when}: what runs there is recorded from then on`;
  return online
    ? `CPU ${cpu} came online ${when}: what runs there is not recorded; a new recording has it`
    : `CPU ${cpu} went offline ${when}: nothing is recorded there while it is`;
}

/** Information about a recording that only pmuctl writes. */
export interface SessionInfo {
  /** Version of this layout. Readers take the fields that they know from a newer one. */
  version: number;
  /** Version of pmuctl. */
  tool: string;
  /** Words of the command that was run; without one, the target: `pid 412`. */
  command: readonly string[];
  /** Wall-clock seconds of recording. */
  seconds: number;
  /** Set when this was written during a recording that was never finished: the ledger is as of then. */
  unfinished?: true;
  /** Sampled events; absent in files of pmuctl versions before it had backends. */
  events?: SampledEvent[];
  /** Rate changes in order of time; absent when there were none. */
  rateChanges?: readonly TimedRateChange[];
  /** CPU changes in order of time; absent when there were none. */
  cpuChanges?: readonly CpuChange[];
  ledger: { rows: LedgerCounts[]; total: LedgerCounts };
  /** Set when recorded in a pid namespace other than the initial one: processes outside it have pid 0. */
  pidNamespace?: true;
  /** Time of the end, in seconds since 1970. */
  ended?: number;
  /**
   * Set when call chains were unwound while they were recorded, from copies of up to so many bytes of each stack. Chains
   * that end early then end in a mark (lib/unwind/chain_marks.ts).
   */
  unwound?: { stackBytes: number };
  /** Processes that generated code at run time; absent when there were none. */
  jitProcesses?: readonly RecordedProcess[];
}

/** Process that generated code at run time. Its user and start time tell it from other processes with its pid. */
export interface RecordedProcess {
  pid: number;
  /** User id of the process. */
  uid: number;
  /** Time that it started, in seconds since 1970. */
  started: number;
}

/** Version of the layout that encodeSessionInfo() writes. */
const SESSION_INFO_VERSION = 1;

/** Encodes the section's text. */
export function encodeSessionInfo(info: Omit<SessionInfo, "version">): string {
  return JSON.stringify({ version: SESSION_INFO_VERSION, ...info });
}

/** Decodes the section's text; undefined when it is not what pmuctl writes. Never throws. */
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
    allOf(info.jitProcesses, isProcess) && (info.unwound === undefined || isUnwound(info.unwound)) &&
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

function isUnwound(value: unknown): boolean {
  const { stackBytes } = (value ?? {}) as Partial<NonNullable<SessionInfo["unwound"]>>;
  return Number.isSafeInteger(stackBytes) && stackBytes! > 0;
}

function isProcess(value: unknown): boolean {
  const { pid, uid, started } = (value ?? {}) as Partial<RecordedProcess>;
  return [pid, uid, started].every((number) => typeof number === "number");
}

/** Returns whether a value is absent, or a list whose items all pass `is`. */
function allOf(value: unknown, is: (each: unknown) => boolean): boolean {
  return value === undefined || (Array.isArray(value) && value.every(is));
}
