/** Notes on what a recording holds that reports do not show, so that nobody believes it was not recorded. */

import {
  PERF_COUNT_SW,
  PERF_RECORD,
  PERF_RECORD_USER,
  PERF_SAMPLE,
  PERF_TYPE,
} from "../../base/system/abi.ts";
import type { EventAttr } from "../../events/attr.ts";
import type { EventDesc, ReadStats } from "../../perfdata/read/reader.ts";

/** Fields of samples: bits of sample_type, name, and command that shows them. */
const FIELDS: readonly [bits: number, what: string, shownBy: string][] = [
  [PERF_SAMPLE.BRANCH_STACK, "branch stacks", "perf report --branch-history"],
  [PERF_SAMPLE.ADDR, "data addresses", "perf script -F addr"],
  [
    PERF_SAMPLE.DATA_SRC | PERF_SAMPLE.WEIGHT | PERF_SAMPLE.WEIGHT_STRUCT,
    "costs of memory accesses",
    "perf mem report",
  ],
  [PERF_SAMPLE.PHYS_ADDR, "physical addresses", "perf script -F phys_addr"],
  [PERF_SAMPLE.DATA_PAGE_SIZE, "sizes of data pages", "perf script -F data_page_size"],
  [PERF_SAMPLE.CODE_PAGE_SIZE, "sizes of code pages", "perf script -F code_page_size"],
  [PERF_SAMPLE.REGS_USER, "registers", "perf script -F uregs"],
  [PERF_SAMPLE.REGS_INTR, "registers at the interrupt", "perf script -F iregs"],
  [PERF_SAMPLE.TRANSACTION, "transactions", "perf report -s transaction"],
  [PERF_SAMPLE.CGROUP, "control groups", "perf report -s cgroup"],
];

/** Records: types, name, and command that shows them. */
const RECORDS: readonly [types: readonly number[], what: string, shownBy: string][] = [
  [
    [PERF_RECORD.AUX, PERF_RECORD_USER.AUXTRACE_INFO, PERF_RECORD_USER.AUXTRACE],
    "AUX data",
    "perf report --itrace",
  ],
  [[PERF_RECORD.SWITCH, PERF_RECORD.SWITCH_CPU_WIDE], "context switches", "perf script --show-switch-events"],
  [[PERF_RECORD.READ], "counts by thread", "perf report -T"],
  [[PERF_RECORD.NAMESPACES], "namespaces", "perf report -s cgroup_id"],
  [[PERF_RECORD.TEXT_POKE], "changes of the kernel's code", "perf script --show-text-poke-events"],
  [[PERF_RECORD_USER.STAT], "counts of perf stat", "perf stat report"],
  [
    [PERF_RECORD_USER.SCHEDSTAT_CPU, PERF_RECORD_USER.SCHEDSTAT_DOMAIN],
    "statistics of the scheduler",
    "perf sched stats report",
  ],
];

/**
 * Returns one sentence that names everything that is not shown, with the command that shows it; none if all is shown.
 */
export function notShown(events: readonly EventDesc[], stats: ReadStats): string[] {
  const parts = [...fieldsNotShown(events, stats), ...recordsNotShown(stats)];
  return parts.length === 0 ? [] : [`the recording holds more than this shows: ${parts.join(", ")}`];
}

function fieldsNotShown(events: readonly EventDesc[], { samplesByEvent }: ReadStats): string[] {
  const sampled = events.filter((_, event) => samplesByEvent[event] > 0).map(({ attr, layout }) => {
    let bits = attr.sampleType & ~emptyFields(attr);
    if (layout.tail.callStack) bits &= ~PERF_SAMPLE.BRANCH_STACK; // these are the callers
    if (layout.tail.copiesStack) bits &= ~PERF_SAMPLE.REGS_USER; // these belong to the copied stack; see chainWarnings()
    return { type: attr.type, bits };
  });
  const parts = FIELDS.filter(([bits]) => sampled.some((event) => (event.bits & bits) !== 0))
    .map(([, what, shownBy]) => `${what} (${shownBy})`);
  const raw = sampled.filter(({ bits }) => bits & PERF_SAMPLE.RAW);
  if (raw.some(({ type }) => type === PERF_TYPE.TRACEPOINT)) {
    parts.push("fields of tracepoints (perf script)");
  }
  if (raw.some(({ type }) => type !== PERF_TYPE.TRACEPOINT)) {
    parts.push("raw data of the PMU (perf script -D)");
  }
  return parts;
}

/** Returns the memory fields that are empty in samples of a software event. Only faults have an address. */
function emptyFields({ type, config }: EventAttr): number {
  if (type !== PERF_TYPE.SOFTWARE) return 0;
  return FAULTS.has(Number(config)) ? MEMORY_FIELDS & ~PERF_SAMPLE.ADDR : MEMORY_FIELDS;
}

const MEMORY_FIELDS = PERF_SAMPLE.ADDR | PERF_SAMPLE.DATA_SRC | PERF_SAMPLE.WEIGHT |
  PERF_SAMPLE.WEIGHT_STRUCT |
  PERF_SAMPLE.PHYS_ADDR | PERF_SAMPLE.DATA_PAGE_SIZE;

const FAULTS = new Set<number>([
  PERF_COUNT_SW.PAGE_FAULTS,
  PERF_COUNT_SW.PAGE_FAULTS_MIN,
  PERF_COUNT_SW.PAGE_FAULTS_MAJ,
  PERF_COUNT_SW.ALIGNMENT_FAULTS,
]);

function recordsNotShown({ byType, unknownRecords }: ReadStats): string[] {
  const parts = RECORDS.filter(([types]) => types.some((type) => byType.has(type)))
    .map(([, what, shownBy]) => `${what} (${shownBy})`);
  if (unknownRecords > 0) parts.push(`${unknownRecords} records of unknown types (a newer perf)`);
  return parts;
}

/** Counts of samples with a copied stack. */
export interface ChainCounts {
  /** Samples with a copy of the user stack. */
  copied: number;
  /** Samples with a copy of the user stack, but no callers in user space in their call chains. */
  withoutCallers: number;
  /** Samples whose callers in user space came in a later record, and those whose callers never came. */
  joined: number;
  lost: number;
}

/** Warns of call chains that end at user space because their callers there were left unread, or are missing. */
export function chainWarnings({ copied, withoutCallers, joined, lost }: ChainCounts): string[] {
  const warnings: string[] = [];
  if (withoutCallers > 0) {
    const which = withoutCallers === copied ? "" : ` of ${withoutCallers} of ${copied} samples`;
    warnings.push(
      `callers in user space${which} are not shown: they are in copies of the stack, which --no-unwind leaves unread`,
    );
  }
  if (lost > 0) {
    const share = `${lost} of ${joined + lost} samples`;
    warnings.push(
      `callers in user space of ${share} are not shown: they come in records of their own, which are missing here; ` +
        "record without defer (--call-graph fp,defer)",
    );
  }
  return warnings;
}
