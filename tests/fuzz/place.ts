/** Where a child process is in its job: the number of the input under way, in a file that its parent looks at. */

/** The number of a process that is between inputs. */
export const IDLE = 0xffffffff;

/** Writes the number of the input under way: a system call or two, which no input is too small for. */
export class PlaceWriter {
  readonly #file: Deno.FsFile;
  readonly #number = new Uint32Array(1);
  readonly #bytes = new Uint8Array(this.#number.buffer);

  constructor(path: string) {
    this.#file = Deno.openSync(path, { write: true, create: true });
  }

  set(seed: number): void {
    this.#number[0] = seed;
    this.#file.seekSync(0, Deno.SeekMode.Start);
    this.#file.writeSync(this.#bytes);
  }
}

/** The number in the file at `path`. */
export function readPlace(path: string): number {
  const bytes = Deno.readFileSync(path);
  return bytes.length === 4 ? new Uint32Array(bytes.buffer)[0] : IDLE;
}
