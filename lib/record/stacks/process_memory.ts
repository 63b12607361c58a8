/** Reads memory of processes that run, for code that they have made themselves and that no file has. */

/**
 * Whether any process may answer page faults of its own memory in its own time (userfaultfd(2)), also those of whoever reads
 * that: 1, or 0, the kernel's default.
 */
const USER_FAULTS = "/proc/sys/vm/unprivileged_userfaultfd";
/** Processes whose memory is kept open. */
const MAX_OPEN = 32;
const NOTHING = new Uint8Array(0);

/** Memory of processes, by /proc/PID/mem. */
export class ProcessMemory {
  /** Open files by process, oldest first; undefined for a process whose memory cannot be read. */
  readonly #files = new Map<number, Deno.FsFile | undefined>();
  readonly #buffer = new Uint8Array(4096);

  #mayBlock: boolean | undefined;

  /**
   * Reads up to `length` bytes from `address` on; none where they cannot be read, or reading could wait for the
   * process. They are valid until the next call. Takes some 5 us.
   */
  read(pid: number, address: number, length: number): Uint8Array {
    this.#mayBlock ??= mayBlock();
    if (this.#mayBlock) return NOTHING;
    const bytes = this.#readFrom(this.#open(pid), address, length);
    if (bytes.length > 0) return bytes;
    // a process that has become another program has other memory
    this.forget(pid);
    return this.#readFrom(this.#open(pid), address, length);
  }

  /** Forgets a process, which has ended. */
  forget(pid: number): void {
    this.#files.get(pid)?.close();
    this.#files.delete(pid);
  }

  /** Closes all files. */
  close(): void {
    for (const file of this.#files.values()) file?.close();
    this.#files.clear();
  }

  #open(pid: number): Deno.FsFile | undefined {
    if (this.#files.has(pid)) return this.#files.get(pid);
    if (this.#files.size >= MAX_OPEN) this.forget(this.#files.keys().next().value!);
    let file: Deno.FsFile | undefined;
    try {
      file = Deno.openSync(`/proc/${pid}/mem`);
    } catch {
      // it has ended, or is another user's
    }
    this.#files.set(pid, file);
    return file;
  }

  #readFrom(file: Deno.FsFile | undefined, address: number, length: number): Uint8Array {
    if (file === undefined) return NOTHING;
    try {
      file.seekSync(address, Deno.SeekMode.Start);
      return this.#buffer.subarray(0, file.readSync(this.#buffer.subarray(0, length)) ?? 0);
    } catch {
      return NOTHING; // nothing is mapped there
    }
  }
}

function mayBlock(): boolean {
  try {
    return Deno.readTextFileSync(USER_FAULTS).trim() !== "0";
  } catch {
    return false; // a kernel without userfaultfd
  }
}
