/**
 * PMUs under /sys/bus/event_source/devices: their type numbers, format fields, named events and CPUs. Layout: the
 * kernel's Documentation/ABI/testing/sysfs-bus-event_source-devices-*.
 */

import { parseCpuList } from "../base/text/cpu_list.ts";
import { globMatcher } from "./glob.ts";
import { hostFiles, type KernelFiles, readIfAllowed } from "./files.ts";

/** Folder where the kernel lists its PMUs. */
export const PMU_ROOT = "/sys/bus/event_source/devices";

/** Words of perf_event_attr that a format field can lie in. */
export type ConfigWord = "config" | "config1" | "config2" | "config3";

/** Field of a PMU's event code: which bits of which word it consists of. */
export interface FormatField {
  name: string;
  word: ConfigWord;
  /** Bit ranges [first, last], both inclusive; the value's low bits go into the first range. */
  ranges: [first: number, last: number][];
}

/** Event that the PMU's driver names. */
export interface PmuEvent {
  name: string;
  /** Terms as in an event string: `event=0x3c,umask=0x01`. */
  terms: string;
  /** Unit of one count times `scale`: `MiB`, `Joules`. */
  unit?: string;
  /** Factor of the counts; 1 when the driver gives none. */
  scale: number;
  /** Whether the count is of a whole package, the same on each of its CPUs (`.per-pkg`). */
  perPackage: boolean;
  /** Whether the count is a level, not a sum (`.snapshot`). */
  snapshot: boolean;
}

/** PMU of this machine. */
export interface Pmu {
  name: string;
  /** Type (perf_event_attr.type) of its events. */
  type: number;
  formats: ReadonlyMap<string, FormatField>;
  events: ReadonlyMap<string, PmuEvent>;
  /** Whether it is the CPU's own counters (`cpu`, `cpu_core`, `armv8_pmuv3_0`), which can count per task. */
  core: boolean;
  /**
   * CPUs to open its events on: all that a core PMU covers, or one per package for an uncore PMU; undefined for any.
   */
  cpus?: number[];
  /** Files of `caps/`: `branches` -> `32`, `max_precise` -> `3`. */
  caps: ReadonlyMap<string, string>;
}

/** PMUs of the machine, each read when it is first needed. */
export class Pmus {
  readonly #files: KernelFiles;
  readonly #read = new Map<string, Pmu>();
  #names?: string[];

  constructor(files: KernelFiles = hostFiles) {
    this.#files = files;
  }

  /** Returns the names of all PMUs, sorted; none without sysfs or perf events. */
  names(): string[] {
    return this.#names ??= this.#list("");
  }

  /** Returns the PMU with this name, or undefined. */
  get(name: string): Pmu | undefined {
    if (!this.names().includes(name)) return undefined;
    let pmu = this.#read.get(name);
    if (!pmu) this.#read.set(name, pmu = this.#load(name));
    return pmu;
  }

  /** Returns all PMUs, in the order of their names. */
  all(): Pmu[] {
    return this.names().map((name) => this.get(name)!);
  }

  /** Returns the CPU's own PMUs: none in most virtual machines, one on most others, two or more on a hybrid CPU. */
  core(): Pmu[] {
    return this.names().filter((name) => this.#isCore(name)).map((name) => this.get(name)!);
  }

  /**
   * Returns the PMUs that `name` means in an event string, as in perf: the one with this very name; or all with a
   * number after it, `uncore_` before it, or both (`imc` is uncore_imc_0, uncore_imc_1); or those that match a glob.
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
      return []; // an unreadable list of names is like a missing one
    }
  }

  #text(path: string): string | undefined {
    return readIfAllowed(this.#files, `${PMU_ROOT}/${path}`);
  }

  /**
   * Returns whether a PMU is a core PMU, by perf's is_pmu_core(): it is named `cpu`, or has a `cpus` file as hybrid and
   * ARM PMUs do.
   */
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
 * Parses the text of a format file: `config:0-7,21` is a word, then bit ranges. Undefined for an unknown form, so that
 * one odd driver does not affect the rest.
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

/** Formats a field as in sysfs: `config:0-7,32-35`. */
export function formatText(field: FormatField): string {
  return `${field.word}:${field.ranges.map(([a, b]) => a === b ? `${a}` : `${a}-${b}`).join(",")}`;
}

/** Returns the largest value that fits the field. */
export function fieldMaximum(field: FormatField): bigint {
  const bits = field.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  return (1n << BigInt(bits)) - 1n;
}

/** Returns `word` with the field's bits replaced by those of `value`, which must be at most fieldMaximum(). */
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

/** Last list of online CPUs, as text and parsed: it is asked for ten times a second, and hardly ever changes. */
let lastOnline: { text: string; cpus: number[] } = { text: "", cpus: [0] };

/** Returns the online CPUs; CPU 0 alone where they cannot be read. */
export function onlineCpus(files: KernelFiles = hostFiles): readonly number[] {
  const text = readIfAllowed(files, "/sys/devices/system/cpu/online") ?? "";
  if (text !== lastOnline.text) {
    const cpus = parseCpuList(text);
    lastOnline = { text, cpus: cpus.length > 0 ? cpus : [0] };
  }
  return lastOnline.cpus;
}
