/** Destination of a run's rows: the seam between counting and output. */

import type { ResolvedEvent } from "../../events/resolve.ts";
import { type BindRow, columnOf } from "./row.ts";
import { headerText, rowJson, type RowTable, rowText } from "./rows.ts";

/** Events that take turns with other sets. Each group is on the counters as a whole, or not at all. */
export interface CounterSet {
  /** Text of the set as the user wrote it. */
  text: string;
  groups: ResolvedEvent[][];
}

/** Receiver of the rows of a run. */
export interface RowSink {
  /** Starts the output, before the first row: the sets as they are really counted, and time 0 in ns of CLOCK_MONOTONIC. */
  begin(sets: readonly CounterSet[], startNs: bigint): void;
  /** Adds a row. */
  emit(row: BindRow): void;
  /** Makes all emitted rows visible. */
  flush(): void;
}

/** Output that formatted rows are written to. */
export interface RowOutput {
  /** Writes whole lines. */
  write(text: string): void;
  /** Makes all that was written visible. */
  flush(): void;
}

/** Format of rows. */
export interface RowFormat extends Pick<RowTable, "kind" | "stamps"> {
  /** Writes each row as a line of JSON, without a title line. */
  json: boolean;
}

/** Sink that formats rows and writes them to an output. */
export class RowWriter implements RowSink {
  readonly #format: RowFormat;
  readonly #output: RowOutput;
  #table: RowTable | undefined;

  constructor(format: RowFormat, output: RowOutput) {
    this.#format = format;
    this.#output = output;
  }

  begin(sets: readonly CounterSet[], startNs: bigint): void {
    const { kind, stamps, json } = this.#format;
    this.#table = {
      kind,
      sets: sets.map((set) => set.groups.flat().map(columnOf)),
      specs: sets.map((set) => set.text),
      startNs,
      stamps,
    };
    if (!json) this.#output.write(headerText(this.#table));
    this.#output.flush();
  }

  emit(row: BindRow): void {
    this.#output.write(this.#format.json ? rowJson(row, this.#table!) : rowText(row, this.#table!));
  }

  flush(): void {
    this.#output.flush();
  }
}
