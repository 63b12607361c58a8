/** Reads a recording for its figures alone. */

import type { ByteInput } from "../base/byte_source.ts";
import { refuseDamage } from "./damage.ts";
import { PerfDataReader, type ReadStats } from "./reader.ts";

/**
 * The records of `input`, counted, and the names of its events. Throws BadInputError when it is not
 * perf.data, or is damaged and not `force`d.
 */
export async function countRecords(
  input: ByteInput,
  force: boolean,
): Promise<{ stats: ReadStats; events: string[] }> {
  const reader = new PerfDataReader(input, { damaged: "stop" });
  await reader.open();
  const stats = reader.read({ sample() {} });
  if (!force) refuseDamage(stats);
  return { stats, events: reader.header.events.map(({ name }) => name) };
}
