/**
 * Commands of a program that is measured, which come through a FIFO while it runs, and are answered in another one: which
 * parts of it are counted. The words and the answer are those of `perf stat --control` and `perf record --control`.
 *
 *     program                 CTL              pmuctl
 *     "enable\n"  ---------------------------> enables the events
 *     waits       <---------- ACK ------------ "ack\n"
 *     (the part that counts)
 *     "disable\n" ---------------------------> disables them
 *     waits       <---------- ACK ------------ "ack\n"
 */

import { ERRNO, PmuError } from "../lib/base/system/errno.ts";
import { BadInputError, UserError } from "../lib/base/system/errors.ts";
import { printable } from "../lib/base/text/printable.ts";
import type { ControlPaths } from "../lib/base/system/control_option.ts";
import { toCString } from "../lib/base/bytes/bytes.ts";
import { shim } from "./load.ts";
import { closeFd, makePipe } from "./pmu.ts";
import { checked, checkedSize } from "./result.ts";

/** Events that a program controls. */
export interface Controlled {
  enable(): void;
  disable(): void;
  /** Ends the measurement; absent where it ends with the program alone. */
  stop?(): void;
}

/** Answer to a command, with the NUL that perf sends behind it. */
const ACK = new TextEncoder().encode("ack\n\0");
/** Bytes of a command at most. A longer line is none, and is passed over up to its end. */
const MAX_COMMAND = 64;
/** Commands that are named in notes at most, and their length there. */
const MAX_NOTED = 5, MAX_SHOWN = 40;
const LINE_FEED = 10;
/** Bytes that a FIFO holds at most, unless root has made it larger (fcntl(2), F_SETPIPE_SZ). */
const MAX_LEFT = 1 << 20;

/** The two FIFOs, open from the start of a measurement to its end. */
export class Control {
  readonly #paths: ControlPaths;
  readonly #commands: number;
  readonly #answers: number | undefined;
  readonly #wake = makePipe();
  readonly #note: (line: string) => void;
  readonly #line = new Uint8Array(MAX_COMMAND);
  /** Bytes of the current line so far, beyond MAX_COMMAND too. */
  #length = 0;
  #target: Controlled | undefined;
  #notes = 0;
  #notedUnanswered = false;
  #closing = false;

  private constructor(paths: ControlPaths, fds: readonly number[], note: (line: string) => void) {
    this.#paths = paths;
    [this.#commands, this.#answers] = fds;
    this.#note = note;
    this.#read();
  }

  /** Opens both FIFOs, which never waits for the other end. Throws BadInputError for what is none. */
  static open(paths: ControlPaths, note: (line: string) => void): Control {
    const fds: number[] = [];
    try {
      fds.push(openFifo(paths.commands));
      if (paths.answers !== undefined) fds.push(openFifo(paths.answers));
      return new Control(paths, fds, note);
    } catch (error) {
      for (const fd of fds) closeFd(fd);
      throw error;
    }
  }

  /** Path of the FIFO of commands. */
  get path(): string {
    return this.#paths.commands;
  }

  /**
   * Lets commands act on these events from now on. What came before, and answers that nobody has read, are dropped: they
   * are of a run before.
   */
  attach(target: Controlled): void {
    const left = new Uint8Array(1 << 16);
    for (const fd of [this.#commands, this.#answers]) {
      // not without end: somebody may write faster than this reads
      for (let at = 0, n = 1; fd !== undefined && n > 0 && at < MAX_LEFT; at += n) {
        n = Number(shim().pmu_read(fd, left, BigInt(left.length)));
      }
    }
    this.#length = 0;
    this.#target = target;
  }

  /** Lets commands act on nothing. They are answered all the same, so that nothing waits for an answer. */
  detach(): void {
    this.#target = undefined;
  }

  /** Stops reading, and closes both FIFOs soon. */
  close(): void {
    this.#target = undefined;
    this.#closing = true;
    checkedSize("write", shim().pmu_write(this.#wake.writeFd, ACK, 1n));
  }

  async #read(): Promise<void> {
    const bytes = new Uint8Array(4096);
    const { readFd, writeFd } = this.#wake;
    while (await shim().pmu_wait_readable(this.#commands, readFd) >= 0 && !this.#closing) {
      const n = Number(shim().pmu_read(this.#commands, bytes, BigInt(bytes.length)));
      for (let i = 0; i < n; i++) this.#take(bytes[i]);
    }
    for (const fd of [this.#commands, this.#answers, readFd, writeFd]) if (fd !== undefined) closeFd(fd);
  }

  /** Takes a byte. A command ends with a line feed or a NUL. */
  #take(byte: number): void {
    if (byte !== LINE_FEED && byte !== 0) {
      if (this.#length < MAX_COMMAND) this.#line[this.#length] = byte;
      this.#length++;
      return;
    }
    const length = this.#length;
    this.#length = 0;
    if (length === 0) return;
    const isLong = length > MAX_COMMAND;
    const text = new TextDecoder().decode(this.#line.subarray(0, Math.min(length, MAX_COMMAND)));
    try {
      if (isLong || !this.#act(text.trim())) this.#refuse(text);
      else this.#answer();
    } catch (error) {
      if (!(error instanceof PmuError || error instanceof UserError)) throw error;
      this.#note(
        `warning: cannot ${text.trim()} as ${printable(this.#paths.commands)} says: ${error.message}`,
      );
    }
  }

  /** Does what a command says. Returns false for one that there is not. */
  #act(command: string): boolean {
    switch (command) {
      case "enable":
        this.#target?.enable();
        return true;
      case "disable":
        this.#target?.disable();
        return true;
      case "ping":
        return true;
      case "ack": // an answer that was written into the wrong FIFO
        return true;
      case "stop":
        this.#target?.stop?.();
        return this.#target === undefined || this.#target.stop !== undefined;
      default:
        return false;
    }
  }

  #refuse(text: string): void {
    if (++this.#notes > MAX_NOTED) return;
    const shown = printable(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
    const stop = this.#target?.stop ? ", disable, stop" : ", disable";
    this.#note(
      `warning: ${
        printable(this.#paths.commands)
      }: '${shown}' is no command: expected enable${stop} or ping, a line each` +
        (this.#notes === MAX_NOTED ? "; others like it are not shown" : ""),
    );
  }

  #answer(): void {
    if (this.#answers === undefined) return;
    const n = Number(shim().pmu_try_write(this.#answers, ACK, BigInt(ACK.length)));
    if (n === ACK.length || this.#notedUnanswered) return;
    this.#notedUnanswered = true;
    this.#note(
      `warning: ${printable(this.#paths.answers!)} is full of answers that nobody reads: no more are written`,
    );
  }
}

function openFifo(path: string): number {
  try {
    return checked("open", shim().pmu_open_control(toCString(path)));
  } catch (error) {
    if (!(error instanceof PmuError)) throw error;
    const cause = error.errno === ERRNO.EINVAL ? "it is no FIFO" : error.text;
    throw new BadInputError(
      `cannot take commands from ${printable(path)} (--control): ${cause}: make it with mkfifo`,
    );
  }
}
