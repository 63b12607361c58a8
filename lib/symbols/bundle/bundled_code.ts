/** Code of functions that a recording carries, so that it can be annotated without the programs. */

import { BLOCK } from "./block_types.ts";
import { type BlockLayout, type BlockReader, BlockWriter, type ColumnsRead, damaged } from "./blocks.ts";

/** Code of a function. */
export interface FunctionCode {
  bytes: Uint8Array;
  /** Address of its first byte: the one that it was linked for; of the kernel, the one in memory. */
  address: number;
  /** ELF's number of the machine (e_machine). */
  machine: number;
}

/** Code of a function, or the reason why it cannot be read. */
export type FunctionOutcome = FunctionCode | { cause: string };

/** Columns of the functions, by their first addresses. */
const FUNCTIONS = {
  starts: "doubles",
  addresses: "doubles",
  machines: [0, 1 << 16],
  causes: "strings",
  bytes: "pieces",
} as const satisfies BlockLayout;

/** Encodes the code of functions by their first addresses. */
export function writeCode(functions: ReadonlyMap<number, FunctionOutcome>): Uint8Array<ArrayBuffer> {
  const all = Array.from(functions).sort((a, b) => a[0] - b[0]);
  const codes = all.map(([, outcome]) =>
    "cause" in outcome ? { bytes: new Uint8Array(), address: 0, machine: 0 } : outcome
  );
  return new BlockWriter().table(FUNCTIONS, {
    starts: Float64Array.from(all, ([start]) => start),
    addresses: Float64Array.from(codes, ({ address }) => address),
    machines: Int32Array.from(codes, ({ machine }) => machine),
    causes: all.map(([, outcome]) => "cause" in outcome ? outcome.cause : ""),
    bytes: codes.map(({ bytes }) => bytes),
  }).block(BLOCK.CODE);
}

/** Code of functions of a bundled object. */
export class BundledCode {
  readonly #rows: Map<number, number>;
  readonly #functions: ColumnsRead<typeof FUNCTIONS>;

  /** Reads what writeCode() wrote. Throws BadInputError. */
  constructor(r: BlockReader) {
    this.#functions = r.table(FUNCTIONS);
    this.#rows = new Map(Array.from(this.#functions.starts, (start, row) => [start, row]));
    if (!this.#functions.addresses.every(isAddress)) throw damaged();
  }

  /** Returns the code of the function that starts at an address (as in AddressSpaces.at); undefined if it is not carried. */
  of(start: number): FunctionOutcome | undefined {
    const row = this.#rows.get(start);
    if (row === undefined) return undefined;
    const { addresses, machines, causes } = this.#functions, bytes = this.#functions.bytes.bytes(row);
    return bytes.length === 0
      ? { cause: causes.text(row) }
      : { bytes, address: addresses[row], machine: machines[row] };
  }

  /** Returns whether the recording carries the code of that function. */
  has(start: number): boolean {
    const row = this.#rows.get(start);
    return row !== undefined && this.#functions.bytes.bytes(row).length > 0;
  }
}

function isAddress(address: number): boolean {
  return Number.isInteger(address) && Math.abs(address) <= 2 ** 63;
}
