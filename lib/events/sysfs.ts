/**
 * The PMUs under /sys/bus/event_source/devices: their type numbers, format fields, named events and
 * CPUs. Layout: the kernel's Documentation/ABI/testing/sysfs-bus-event_source-devices-*.
 */

import { parseCpuList } from "../base/text/cpu_list.ts";
import { globMatcher } from "./glob.ts";
import { hostFiles, type KernelFiles, readIfAllowed } from "./files.ts";

/** Where the kernel lists its PMUs. */
export const PMU_ROOT = "/sys/bus/event_source/devices";

/** The words of perf_event_attr that a format field can lie in. */
export type ConfigWord = "config" | "config1" | "config2" | "config3";

/** A field of a PMU's event code: which bits of which word hold it. */
export interface FormatField {
  name: string;
  word: ConfigWord;
  /** [first, last] bit, both inclusive; the value's low bits go into the first range. */
  ranges: [first: number, last: number][];
}

/** An event that the PMU's driver names. */
export interface PmuEvent {
  name: string;
  /** Terms as an event string has them: `event=0x3c,umask=0x01`. */
  terms: string;
  /** What one count times `scale` is: `MiB`, `Joules`. */
  unit?: string;
  /** Counts are to be multiplied by this; 1 when the driver gives none. */
  scale: number;
  /** The count is of a whole package, the same on each of its CPUs (`.per-pkg`). */
  perPackage: boolean;
  /** The count is a level, not a sum (`.snapshot`). */
  snapshot: boolean;
}

/** One PMU. */
export interface Pmu {
  name: string;
  /** perf_event_attr.type of its events. */
  type: number;
  formats: ReadonlyMap<string, FormatField>;
  events: ReadonlyMap<string, PmuEvent>;
  /** The CPU's own counters (`cpu`, `cpu_core`, `armv8_pmuv3_0`), which can follow a task. */
  core: boolean;
  /** The CPUs to open its events on: all that a core PMU covers, or one a package for an uncore PMU; undefined: any. */
  cpus?: number[];
  /** Files of `caps/`: `branches` -> `32`, `max_precise` -> `3`. */
  caps: ReadonlyMap<string, string>;
}

/** The machine's PMUs, each read when it is first asked for. */
export class Pmus {
  readonly #files: KernelFiles;
  readonly #read = new Map<string, Pmu>();
  #names?: string[];

  constructor(files: KernelFiles = hostFiles) {
    this.#files = files;
  }

  /** Names of all PMUs, sorted; empty when there is no sysfs or the kernel has no perf events. */
  names(): string[] {
    return this.#names ??= this.#list("");
  }

  /** The PMU of that name, or undefined. */
  get(name: string): Pmu | undefined {
    if (!this.names().includes(name)) return undefined;
    let pmu = this.#read.get(name);
    if (!pmu) this.#read.set(name, pmu = this.#load(name));
    return pmu;
  }

  /** All of them, in the order of their names. */
  all(): Pmu[] {
    return this.names().map((name) => this.get(name)!);
  }

  /** The CPU's own PMUs: none in most virtual machines, one on most others, two or more on a hybrid CPU. */
  core(): Pmu[] {
    return this.names().filter((name) => this.#isCore(name)).map((name) => this.get(name)!);
  }

  /**
   * The PMUs that an event string means by `name`, as perf has it: that very one; or all with a number
   * behind it, `uncore_` in front of it, or both (`imc` is uncore_imc_0, uncore_imc_1); or those that match a glob.
   */
  matching(name: string): Pmu[] {
    const exact = this.get(name);
    if (exact) return [exact];
    const matches = globMatcher(name);
    return this.names()
      .filter((full) => {
        const bare = full.replace(/^uncore_/, "");
        return [full, bare, withoutNumber(full), withoutNumber(bare)].some(matches);
      })
      .map((full) => this.get(full)!);
  }

  #list(path: string): string[] {
    try {
      return this.#files.list(path === "" ? PMU_ROOT : `${PMU_ROOT}/${path}`) ?? [];
    } catch {
      return []; // not readable is, to a list of names, the same as not there
    }
  }

  #text(path: string): string | undefined {
    return readIfAllowed(this.#files, `${PMU_ROOT}/${path}`);
  }

  /** perf's is_pmu_core(): named `cpu`, or with a `cpus` file as hybrid and ARM PMUs have. */
  #isCore(name: string): boolean {
    return name === "cpu" || this.#text(`${name}/cpus`) !== undefined;
  }

  #load(name: string): Pmu {
    const formats = new Map<string, FormatField>();
    for (const field of this.#list(`${name}/format`)) {
      const parsed = parseFormat(field, this.#text(`${name}/format/${field}`) ?? "");
      if (parsed) formats.set(field, parsed);
    }
    const caps = new Map<string, string>();
    for (const cap of this.#list(`${name}/caps`)) caps.set(cap, this.#text(`${name}/caps/${cap}`) ?? "");
    const cpus = this.#text(`${name}/cpus`) ?? this.#text(`${name}/cpumask`);
    return {
      name,
      type: Number(this.#text(`${name}/type`) ?? -1),
      formats,
      events: this.#events(name),
      core: this.#isCore(name),
      ...(cpus ? { cpus: parseCpuList(cpus) } : {}),
      caps,
    };
  }

  #events(pmu: string): Map<string, PmuEvent> {
    const files = this.#list(`${pmu}/events`);
    const has = new Set(files);
    const events = new Map<string, PmuEvent>();
    for (const name of files) {
      if (/\.(scale|unit|per-pkg|snapshot)$/.test(name)) continue;
      const at = `${pmu}/events/${name}`;
      const unit = has.has(`${name}.unit`) ? this.#text(`${at}.unit`) : undefined;
      const scale = has.has(`${name}.scale`) ? Number(this.#text(`${at}.scale`)) : 1;
      events.set(name, {
        name,
        terms: this.#text(at) ?? "",
        ...(unit ? { unit } : {}),
        scale: Number.isFinite(scale) && scale !== 0 ? scale : 1,
        perPackage: has.has(`${name}.per-pkg`),
        snapshot: has.has(`${name}.snapshot`),
      });
    }
    return events;
  }
}

function withoutNumber(name: string): string {
  return name.replace(/_?\d+$/, "");
}

/**
 * A format file's text: `config:0-7,21` is word, then bit ranges. Undefined when it is of no known
 * form, so that one odd driver does not take the rest with it.
 */
export function parseFormat(name: string, text: string): FormatField | undefined {
  const match = /^(config[123]?):(\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)$/.exec(text.trim());
  if (!match) return undefined;
  const ranges = match[2].split(",").map((range): [number, number] => {
    const [first, last = first] = range.split("-").map(Number);
    return [first, last];
  });
  if (ranges.some(([first, last]) => first > last || last > 63)) return undefined;
  return { name, word: match[1] as ConfigWord, ranges };
}

/** A field's format as sysfs writes it: `config:0-7,32-35`. */
export function formatText(field: FormatField): string {
  return `${field.word}:${field.ranges.map(([a, b]) => a === b ? `${a}` : `${a}-${b}`).join(",")}`;
}

/** The largest value that fits the field. */
export function fieldMaximum(field: FormatField): bigint {
  const bits = field.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  return (1n << BigInt(bits)) - 1n;
}

/** `word` with the field's bits replaced by those of `value`, which must be at most fieldMaximum(). */
export function packField(word: bigint, field: FormatField, value: bigint): bigint {
  let rest = value;
  for (const [first, last] of field.ranges) {
    const width = BigInt(last - first + 1);
    const mask = (1n << width) - 1n;
    const shift = BigInt(first);
    word = (word & ~(mask << shift)) | ((rest & mask) << shift);
    rest >>= width;
  }
  return BigInt.asUintN(64, word);
}

/** The CPUs that run; CPU 0 alone where that cannot be read. */
export function onlineCpus(files: KernelFiles = hostFiles): number[] {
  const cpus = parseCpuList(readIfAllowed(files, "/sys/devices/system/cpu/online") ?? "");
  return cpus.length > 0 ? cpus : [0];
}
