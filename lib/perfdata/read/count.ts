/** Statistics of a recording, without its contents. */

import type { ByteInput } from "../../base/bytes/byte_source.ts";
import { isUnfinished, refuseDamage } from "./damage.ts";
import { PerfDataReader, type ReadStats } from "./reader.ts";

/**
 * Counts the records of `input`; also returns the names of its events, and whether the recording was not finished.
 * Throws BadInputError when it is not perf.data, or is damaged and not `force`d.
 */
export async function countRecords(
  input: ByteInput,
  force: boolean,
): Promise<{ stats: ReadStats; events: string[]; unfinished: boolean }> {
  const reader = new PerfDataReader(input, { damaged: "stop" });
  await reader.open();
  const stats = reader.read({ sample() {} });
  if (!force) refuseDamage(stats);
  const { header } = reader;
  return { stats, events: header.events.map(({ name }) => name), unfinished: isUnfinished(header, stats) };
}
