/** Value of `--control`: the FIFOs through which a command says what of it is to be counted, as perf has it. */

import { UsageError } from "./errors.ts";

/** FIFOs of `--control=fifo:COMMANDS[,ANSWERS]`. */
export interface ControlPaths {
  commands: string;
  /** FIFO that each command is answered in; undefined for no answers. */
  answers?: string;
}

/** Parses `fifo:CTL[,ACK]`. Throws UsageError. */
export function parseControl(text: string): ControlPaths {
  const [, kind, paths] = /^(\w+):(.*)$/s.exec(text) ?? [];
  if (kind === "fd") {
    throw new UsageError(
      `--control '${text}': expected FIFOs, by their paths: fifo:CTL[,ACK]; make them with mkfifo`,
    );
  }
  const [commands, answers, more] = (kind === "fifo" ? paths : "").split(",");
  if (commands === "" || answers === "" || more !== undefined) {
    throw new UsageError(`--control '${text}': expected fifo:CTL or fifo:CTL,ACK, paths of FIFOs`);
  }
  return { commands, ...(answers === undefined ? {} : { answers }) };
}

/** FIFOs by which a command controls its events, and how these begin. */
export interface ControlRequest extends ControlPaths {
  /** Whether nothing is counted until the first `enable`. */
  startDisabled: boolean;
}
