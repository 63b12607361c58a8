/** Lists of CPUs as text. */

/**
 * Parses the kernel's CPU list format: `0-3,8` is [0, 1, 2, 3, 8]. Skips parts of another form, and numbers of more
 * than five digits, so that no range is endless.
 */
export function parseCpuList(text: string): number[] {
  const cpus: number[] = [];
  for (const part of text.trim().split(",")) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    if (!match) continue;
    for (let cpu = Number(match[1]); cpu <= Number(match[2] ?? match[1]); cpu++) cpus.push(cpu);
  }
  return cpus;
}

/** Parses a CPU list that a user wrote (`0-3,8`): each CPU once, ascending. Undefined when it is malformed. */
export function parseWrittenCpus(text: string): number[] | undefined {
  if (!/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/.test(text)) return undefined;
  return [...new Set(parseCpuList(text))].sort((a, b) => a - b);
}
