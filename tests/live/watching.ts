/** What can be seen of running programs from outside, for tests to wait for. */

export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Size of a file in bytes; 0 while it is not there. */
export function sizeOf(file: string): number {
  try {
    return Deno.statSync(file).size;
  } catch {
    return 0;
  }
}

/** User and system time of a process in seconds: fields 14 and 15 of its stat, in ticks of 10 ms. */
export function cpuSeconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** True when a thread of a process waits in the kernel for `call`, a function of it; takes root. */
export function waitsIn(pid: number, call: RegExp): boolean {
  return Array.from(Deno.readDirSync(`/proc/${pid}/task`)).some(({ name }) => {
    try {
      return call.test(Deno.readTextFileSync(`/proc/${pid}/task/${name}/wchan`));
    } catch {
      return false; // it has just ended
    }
  });
}
