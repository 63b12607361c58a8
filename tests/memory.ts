/** How much memory something keeps, for tests of what may cost how much. */

import v8 from "node:v8";
import vm from "node:vm";

let collect: (() => void) | undefined;

/** Collects all garbage there is. */
function collectGarbage(): void {
  if (!collect) {
    v8.setFlagsFromString("--expose-gc");
    collect = vm.runInNewContext("gc") as () => void;
  }
  collect();
}

/** Bytes of this program's memory that `make` takes for what it gives, once all garbage is gone. */
export function bytesKept(make: () => object): number {
  const used = () => {
    collectGarbage();
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  const kept = make();
  const bytes = used() - before;
  if (Object.keys(kept).length < 0) throw new Error("cannot be"); // it is in use until here
  return bytes;
}
