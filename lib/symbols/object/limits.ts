/**
 * What the files that symbols are read from may cost. Whoever runs a program chooses its files, and every count and
 * size in them; most of what is recorded is somebody else's. So all that a file makes us hold in memory and do is
 * charged here first, and refused with a LimitError, which names the limit, before it is done:
 *
 *     Budget: of a report           memory for all; time for all
 *        |  one object gets at most a half of what is left, so some are left for those that follow
 *     Cost: of one object           hold: while it is read    keep: as long as the report    work: time
 *
 * The charges are counts, not clocks: a file is refused on every machine or on none.
 */

import { BadInputError, UsageError } from "../../base/system/errors.ts";

const MIB = 1 << 20;

/** The limits, each with what real files need. PMUCTL_LIMIT_FACTOR multiplies all. */
export const LIMITS = {
  /** Section headers of a file: a program has 40, one linked with -r from -ffunction-sections 100,000. */
  sections: 1 << 17,
  /** Symbols of all tables of a file: unstripped browsers and compilers have 5 million. */
  symbols: 6_000_000,
  /** Bytes of a list of symbols in text: a Java server's perf map has 100 MB. */
  text: 512 * MIB,
  /** Bytes of a list of a kernel's symbols: those of a distribution, with many modules, have 20 MB. */
  kernelText: 64 * MIB,
  /** Bytes of memory for one object while it is read: 5 million symbols take 300 MiB. */
  objectMemory: 448 * MIB,
  /** Bytes of memory for all that is kept and what is read at the moment: a report stays below 1 GiB with it. */
  memory: 640 * MIB,
  /** Bytes of memory for what is kept of all objects: 5 million symbols take 150 MiB, a system's libraries 20. */
  keptMemory: 400 * MIB,
  /** Time for one object and for all, in units of 10 ns: 5 million symbols take 1.2 s, 300 MB of line tables 3 s. */
  objectWork: 600e6,
  work: 1200e6,
} as const;

/** Limits of text in words. */
export const KERNEL_TEXT_LIMIT = `${LIMITS.kernelText / MIB} MiB of a list of kernel symbols`;
export const TEXT_LIMIT = `${LIMITS.text / MIB} MiB of text`;

/** Units of work that common steps take. */
export const WORK = {
  /** A byte that is read. */
  read: 1 / 16,
  /** A byte that is read and goes into a checksum. */
  checksum: 1 / 6,
  /** A byte that is unpacked: with xz, zlib and zstd. */
  xz: 2,
  zlib: 1 / 4,
  zstd: 1,
  /** A section header. */
  section: 100,
  /** A byte of notes, which are 12 bytes or more each. */
  note: 8,
  /** A byte of text that is searched for ends of lines, and a line. */
  text: 1 / 4,
  line: 10,
  /** A record of a jitdump. */
  record: 60,
  /** A symbol: read, sorted, put into a table. */
  symbol: 25,
  /** A unit of line tables, a byte of its program, and one of its tables of files. */
  lineUnit: 100,
  lineProgram: 1,
  fileTable: 2,
  /** A unit of debug information, and a byte of abbreviations. */
  debugUnit: 100,
  abbreviation: 2,
  /** A symbol put into a search tree. */
  node: 35,
} as const;

/** A file would cost more than a limit allows. `limit` completes a sentence: `it is over the limit of ...`. */
export class LimitError extends BadInputError {
  readonly limit: string;

  constructor(name: string, limit: string) {
    super(`cannot read symbols of ${name}: it is over the limit of ${limit}`);
    this.limit = limit;
  }
}

/** What all objects of a report may cost, and have cost so far. */
export class Budget {
  readonly factor: number;
  kept = 0;
  worked = 0;

  /** @param factor what to multiply all limits by. */
  constructor(factor = limitFactor()) {
    this.factor = factor;
  }

  /** The account of an object, called `name` in errors. */
  cost(name: string): Cost {
    return new Cost(this, name);
  }
}

/** The account of one object. Each charge throws LimitError when it is over a limit. */
export class Cost {
  readonly name: string;
  readonly #budget: Budget;
  readonly #maxWork: number;
  readonly #maxKept: number;
  #held = 0;
  #kept = 0;
  #worked = 0;

  constructor(budget = new Budget(), name = "an object") {
    const { factor, worked, kept } = budget;
    this.name = name;
    this.#budget = budget;
    this.#maxWork = Math.min(LIMITS.objectWork * factor, (LIMITS.work * factor - worked) / 2);
    this.#maxKept = (LIMITS.keptMemory * factor - kept) / 2;
  }

  /** Checks a count of what a file says it has. */
  count(count: number, limit: "sections" | "symbols"): void {
    const most = LIMITS[limit] * this.#budget.factor;
    if (!(count <= most)) throw this.over(`${most.toLocaleString("en-US")} ${limit}`);
  }

  /** Checks the size of a list of symbols in text. */
  text(bytes: number): void {
    const most = LIMITS.text * this.#budget.factor;
    if (!(bytes <= most)) throw this.over(`${most / MIB} MiB of text`);
  }

  /** Charges memory that is needed until `done`. */
  hold(bytes: number): void {
    const { factor, kept } = this.#budget;
    const held = this.#held + bytes, most = LIMITS.objectMemory * factor;
    if (!(held <= most)) throw this.over(`${most / MIB} MiB of memory`);
    if (held > LIMITS.memory * factor - kept) throw this.over("memory for all objects together");
    this.#held = held;
  }

  /** Gives back what was held. */
  release(bytes: number): void {
    this.#held -= bytes;
  }

  /** The reading is over: nothing is held. What is kept stays. */
  done(): void {
    this.#held = 0;
  }

  /** The reading has failed: nothing is kept of it. */
  abandon(): void {
    this.#budget.kept -= this.#kept;
    this.#held = this.#kept = 0;
  }

  /** Charges memory that stays as long as the report. */
  keep(bytes: number): void {
    if (!(this.#kept + bytes <= this.#maxKept)) throw this.over("memory for all objects together");
    this.#kept += bytes;
    this.#budget.kept += bytes;
  }

  /** Charges time, in units of 10 ns. */
  work(units: number): void {
    const worked = this.#worked + units;
    if (!(worked <= this.#maxWork)) {
      const alone = this.#maxWork === LIMITS.objectWork * this.#budget.factor;
      throw this.over(alone ? "time for one object" : "time for all objects together");
    }
    this.#worked = worked;
    this.#budget.worked += units;
  }

  /** The error of a limit that is no number here. */
  over(limit: string): LimitError {
    return new LimitError(this.name, limit);
  }
}

const FACTOR = "PMUCTL_LIMIT_FACTOR";

/** What the user wants all limits multiplied by, 1 unless told. Throws UsageError. */
function limitFactor(): number {
  const text = Deno.env.get(FACTOR);
  if (text === undefined || text === "") return 1;
  const factor = Number(text);
  if (factor >= 1 && factor <= 1000) return factor;
  throw new UsageError(`cannot take ${FACTOR}=${text}: expected a number from 1 to 1000`);
}
