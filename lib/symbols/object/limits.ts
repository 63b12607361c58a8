/**
 * Limits on what reading symbols from files may cost. Whoever runs a program chooses its files, with every count and
 * size in them, and most recorded programs are somebody else's. So all memory and time that a file takes is charged
 * here before it is spent, and refused with a LimitError that names the limit:
 *
 *     Budget of a report          memory for all objects; time for all objects
 *        |  one object gets at most half of what is left, so that some is left for the next ones
 *     Cost of one object          hold: memory while it is read    keep: memory for the whole report    work: time
 *
 * The charges are counts, not clocks: a file is refused on every machine or on none.
 */

import { BadInputError, UsageError } from "../../base/system/errors.ts";

const MIB = 1 << 20;

/** Limits, each with what real files need. PMUCTL_LIMIT_FACTOR multiplies them all. */
export const LIMITS = {
  /** Section headers of a file. A program has 40; one linked with -r from -ffunction-sections 100,000. */
  sections: 1 << 17,
  /** Symbols in all tables of a file. Unstripped browsers and compilers have 5 million. */
  symbols: 6_000_000,
  /** Bytes of a symbol list in text. A Java server's perf map has 100 MB. */
  text: 512 * MIB,
  /** Bytes of a kernel's symbol list. Those of distributions, with many modules, have 20 MB. */
  kernelText: 64 * MIB,
  /** Bytes of memory for one object while it is read. 5 million symbols take 300 MiB. */
  objectMemory: 448 * MIB,
  /** Bytes of memory for everything kept plus what is being read. Keeps a report below 1 GiB. */
  memory: 640 * MIB,
  /** Bytes of memory kept for all objects. 5 million symbols take 150 MiB, a system's libraries 20. */
  keptMemory: 400 * MIB,
  /** Bytes of memory for the frames and stacks of inlined functions. A million samples of a C++ program take 60 MiB. */
  inlinedMemory: 512 * MIB,
  /** Time for one object and for all, in units of 10 ns. 5 million symbols take 1.2 s, 300 MB of line tables 3 s. */
  objectWork: 600e6,
  work: 1200e6,
} as const;

/** Name of the limit on a list of kernel symbols, for error messages. */
export const KERNEL_TEXT_LIMIT = `${LIMITS.kernelText / MIB} MiB of a list of kernel symbols`;
/** Name of the limit on text, for error messages. */
export const TEXT_LIMIT = `${LIMITS.text / MIB} MiB of text`;

/** Units of work of common steps. */
export const WORK = {
  /** Reading a byte. */
  read: 1 / 16,
  /** Reading a byte and adding it to a checksum. */
  checksum: 1 / 6,
  /** Decompressing a byte with xz, zlib or zstd. */
  xz: 2,
  zlib: 1 / 4,
  zstd: 1,
  /** Decompressing a block with zstd, besides its bytes: it may bring tables. */
  zstdBlock: 300,
  /** Reading a section header. */
  section: 100,
  /** Scanning a byte of notes, which have at least 12 bytes each. */
  note: 8,
  /** Searching a byte of text for line ends, and parsing a line. */
  text: 1 / 4,
  line: 10,
  /** Reading a record of a jitdump. */
  record: 60,
  /** Reading, sorting and storing a symbol. */
  symbol: 25,
  /** Reading a unit of line tables, a byte of its program, and a byte of its file tables. */
  lineUnit: 100,
  lineProgram: 1,
  fileTable: 2,
  /** Finding a unit of debug information, reading its header or an entry, a byte of entries, and one of abbreviations. */
  unitLength: 10,
  debugUnit: 100,
  entry: 2,
  abbreviation: 2,
  /** Reading a range of addresses, and sorting it in. */
  addressRange: 40,
  /** Reading a relocation, and doing as it says. */
  relocation: 5,
  /** Inserting a symbol into a search tree. */
  node: 35,
} as const;

/** Error for a file that would cost more than a limit allows. `limit` completes the phrase `over the limit of ...`. */
export class LimitError extends BadInputError {
  readonly limit: string;

  constructor(name: string, limit: string) {
    super(`cannot read symbols of ${name}: it is over the limit of ${limit}`);
    this.limit = limit;
  }
}

/** Limits on what all objects of a report may cost, and what they have cost so far. */
export class Budget {
  readonly factor: number;
  /** Time for one object and for all, in units of 10 ns. */
  readonly objectWork: number;
  readonly work: number;
  kept = 0;
  /** Bytes of memory that all objects that are open need at the moment. */
  held = 0;
  worked = 0;

  /**
   * @param factor multiplies all limits.
   * @param time limits on time other than those of LIMITS.
   */
  constructor(factor = limitFactor(), time: { objectWork: number; work: number } = LIMITS) {
    this.factor = factor;
    this.objectWork = time.objectWork * factor;
    this.work = time.work * factor;
  }

  /** Opens the account of an object; `name` is for errors. */
  cost(name: string): Cost {
    return new Cost(this, name);
  }
}

/** Account of one object. Each charge that exceeds a limit throws LimitError. */
export class Cost {
  readonly name: string;
  readonly #budget: Budget;
  readonly #maxWork: number;
  readonly #maxKept: number;
  #held = 0;
  #kept = 0;
  #worked = 0;

  constructor(budget = new Budget(), name = "an object") {
    const { factor, worked, kept, objectWork, work } = budget;
    this.name = name;
    this.#budget = budget;
    this.#maxWork = Math.min(objectWork, (work - worked) / 2);
    this.#maxKept = (LIMITS.keptMemory * factor - kept) / 2;
  }

  /** Returns the bytes of memory that are needed at the moment. */
  get held(): number {
    return this.#held;
  }

  /** Checks a count that a file claims. */
  count(count: number, limit: "sections" | "symbols"): void {
    const most = LIMITS[limit] * this.#budget.factor;
    if (!(count <= most)) throw this.over(`${most.toLocaleString("en-US")} ${limit}`);
  }

  /** Checks the size of a symbol list in text. */
  text(bytes: number): void {
    const most = LIMITS.text * this.#budget.factor;
    if (!(bytes <= most)) throw this.over(`${most / MIB} MiB of text`);
  }

  /** Charges memory that is needed until done() is called. */
  hold(bytes: number): void {
    const { factor, kept, held } = this.#budget, most = LIMITS.objectMemory * factor;
    if (!(this.#held + bytes <= most)) throw this.over(`${most / MIB} MiB of memory`);
    if (held + bytes > LIMITS.memory * factor - kept) throw this.over("memory for all objects together");
    this.#held += bytes;
    this.#budget.held += bytes;
  }

  /** Releases memory that was charged with hold(). */
  release(bytes: number): void {
    const released = Math.min(bytes, this.#held);
    this.#held -= released;
    this.#budget.held -= released;
  }

  /** Ends the reading of an object: releases what was held. What is kept stays charged. */
  done(): void {
    this.release(this.#held);
  }

  /** Ends a failed reading: nothing is held or kept. */
  abandon(): void {
    this.#budget.kept -= this.#kept;
    this.#kept = 0;
    this.done();
  }

  /** Charges memory that is needed for the whole report. */
  keep(bytes: number): void {
    if (!(this.#kept + bytes <= this.#maxKept)) throw this.over("memory for all objects together");
    this.#kept += bytes;
    this.#budget.kept += bytes;
  }

  /** Charges time, in units of 10 ns. */
  work(units: number): void {
    const worked = this.#worked + units;
    if (!(worked <= this.#maxWork)) {
      const alone = this.#maxWork === this.#budget.objectWork;
      throw this.over(alone ? "time for one object" : "time for all objects together");
    }
    this.#worked = worked;
    this.#budget.worked += units;
  }

  /** Makes the error for a limit that is not in LIMITS. */
  over(limit: string): LimitError {
    return new LimitError(this.name, limit);
  }
}

const FACTOR = "PMUCTL_LIMIT_FACTOR";

/** Returns the factor for all limits from the environment, 1 by default. Throws UsageError. */
function limitFactor(): number {
  const text = Deno.env.get(FACTOR);
  if (text === undefined || text === "") return 1;
  const factor = Number(text);
  if (factor >= 1 && factor <= 1000) return factor;
  throw new UsageError(`cannot take ${FACTOR}=${text}: expected a number from 1 to 1000`);
}
