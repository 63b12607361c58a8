/** Open descriptors of this process, which somebody else reads or writes through as well, and paths that stand for them. */

import { procField } from "../text/proc_text.ts";

const O_ACCMODE = 3, O_RDONLY = 0;
/** Limit on links that are followed, as in path_resolution(7). */
const MAX_LINKS = 40;

/**
 * Returns the descriptor of this process that a path stands for, through links too: /dev/stdout, /dev/fd/63,
 * /proc/self/fd/63. Undefined for other paths.
 */
export function ownDescriptor(path: string): number | undefined {
  for (let link: string | undefined = path, left = MAX_LINKS; link !== undefined && left > 0; left--) {
    const fd = named(link);
    if (fd !== undefined) return fd;
    link = targetOf(link);
  }
  return undefined;
}

function named(path: string): number | undefined {
  const stream = ["/dev/stdin", "/dev/stdout", "/dev/stderr"].indexOf(path);
  if (stream >= 0) return stream;
  const number = new RegExp(`^(?:/dev|/proc/(?:self|thread-self|${Deno.pid}))/fd/([0-9]{1,9})$`).exec(path)
    ?.[1];
  return number === undefined ? undefined : Number(number);
}

/** Returns the absolute path that a link holds; undefined for what is no link. */
function targetOf(path: string): string | undefined {
  try {
    const target = Deno.readLinkSync(path);
    return target.startsWith("/") ? target : path.slice(0, path.lastIndexOf("/") + 1) + target;
  } catch {
    return undefined;
  }
}

/** Returns the flags that a descriptor was opened with; undefined if it is not open, or without /proc. */
export function descriptorFlags(fd: number): number | undefined {
  try {
    const flags = procField(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`), "flags");
    return flags === undefined ? undefined : parseInt(flags, 8);
  } catch {
    return undefined;
  }
}

/** Returns whether flags say that a descriptor is open for reading alone. */
export function readsAlone(flags: number): boolean {
  return (flags & O_ACCMODE) === O_RDONLY;
}
