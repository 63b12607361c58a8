/** Chains of a recording with copies of stacks against those that perf script finds in it. */

import { X86_64 } from "../../lib/unwind/arch.ts";
import { END, END_WORDS } from "../../lib/unwind/ends.ts";
import { RecordedStacks } from "./recorded.ts";

/** What came of a comparison. */
export interface ChainComparison {
  samples: number;
  equal: number;
  /** Ours are perf's and go on behind them, to the root. */
  longer: number;
  /** Ours reach the root. */
  whole: number;
  /** The first that are neither. */
  different: string[];
}

/** perf's chains of user space, by thread and time. */
async function perfChains(file: string): Promise<Map<string, string[]>> {
  const { stdout } = await new Deno.Command("perf", {
    args: ["script", "-i", file, "-F", "tid,time,ip", "--ns", "--no-inline", "--max-stack", "200"],
    stderr: "null",
  }).output();
  const chains = new Map<string, string[]>();
  for (const block of new TextDecoder().decode(stdout).split("\n\n")) {
    const [head, ...lines] = block.split("\n").filter((line) => line.trim() !== "");
    const sample = /(\d+)\s+(\d+)\.(\d+):/.exec(head ?? "");
    if (!sample) continue;
    const addresses = lines.map((line) => line.trim().split(/\s/)[0]);
    chains.set(
      `${sample[1]} ${sample[2]}${sample[3]}`,
      soundPart(addresses.filter((address) => !address.startsWith("ffff"))),
    );
  }
  return chains;
}

/** Returns a chain up to what can be no address: libunwind takes text on the stack for one, now and then. */
function soundPart(chain: readonly string[]): string[] {
  const end = chain.findIndex((address) => parseInt(address, 16) >= 2 ** 47);
  return chain.slice(0, end < 0 ? chain.length : end);
}

/** Whether two addresses are of one frame: perf gives call or return address, in the file or in memory, from version to version. */
function isNear(address: string, others: readonly string[]): boolean {
  return others.some((other) => Math.abs(parseInt(address, 16) - parseInt(other, 16)) <= 1);
}

/** Walks all stacks of `file`, and compares. */
export async function compareChains(file: string): Promise<ChainComparison> {
  const theirs = await perfChains(file);
  const stacks = new RecordedStacks(X86_64);
  const compared: ChainComparison = { samples: 0, equal: 0, longer: 0, whole: 0, different: [] };
  await stacks.read(file, (c, depth, end) => {
    const time = stacks.timeBase + BigInt(Math.round(c.time));
    const chain = theirs.get(`${c.tid} ${time}`);
    if (chain === undefined) return;
    compared.samples++;
    if (end === END.ROOT) compared.whole++;
    const inFiles = stacks.inFiles(depth);
    let same = 0;
    while (
      same < depth && same < chain.length &&
      isNear(chain[same], [inFiles[same], stacks.out[same].toString(16)])
    ) same++;
    if (same === chain.length && same === depth) compared.equal++;
    else if (same === chain.length && end === END.ROOT) compared.longer++;
    else compared.different.push(`${inFiles.join()} (${END_WORDS[end]}), not ${chain.join()}`);
  });
  return compared;
}
