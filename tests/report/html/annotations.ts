/** Made-up annotations of functions, for tests of pages. */

import type { AnnotatedInstruction, Annotation } from "../../../lib/report/shared/annotation.ts";

/** Markup that would run a script if it were not text. */
export const HOSTILE = "</script><img/src=x/onerror=window.hit=1><script>window.hit=2</script>";

/** Returns an instruction with samples of 100 each. */
export function instruction(address: number, samples: number, inlined: string[]): AnnotatedInstruction {
  return { address, text: "nop", line: -1, inlined, leftOut: 0, samples, period: 100 * samples };
}

/** Returns the annotation of a function of three instructions and two source lines. */
export function annotationOf(symbol: string): Annotation {
  return {
    ...{ symbol, object: "/bin/app", event: "cpu-clock", unit: "ns", warnings: [] },
    ...{ self: { samples: 9, period: 1000 }, all: { samples: 12, period: 1200 } },
    instructions: [
      { ...instruction(0x401150, 0, []), text: "mov %eax,%ebx", line: 0 },
      { ...instruction(0x401152, 6, ["twice"]), text: "add %eax,%eax", line: 1 },
      {
        ...instruction(0x401158, 3, []),
        ...{ text: "jne 401150 <+0x0>", line: 0, target: 0x401150, leftOut: 3, period: 400 },
      },
    ],
    lines: [
      { file: "/src/work.c", line: 5, text: "\ts += twice(i);", samples: 3, period: 400 },
      { file: "/src/work.c", line: 1, text: "int twice(int x) { return 2 * x; }", samples: 6, period: 600 },
    ],
  };
}
