/** Code made at run time in a container: its map has a name and a place that only the container knows. */

import { assertEquals, assertGreater } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { jsonReport, pmuctlOk, withFolder } from "../harness.ts";

const SCRIPT = `
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
const end = Date.now() + 1500;
let x = 0;
while (Date.now() < end) x += fib(20);
`;

testNeeding(
  ["node", "mountNamespace", "mounts"],
  "code is named by the perf map of a process that ended in namespaces of its own",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      const inside = 'mount -t tmpfs none /tmp && exec node --perf-basic-prof -e "$0"';
      await pmuctlOk([
        ...["record", "-q", "-e", "cpu-clock:u", "-o", file, "--"],
        ...["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", inside, SCRIPT],
      ], { cwd: folder }); // where node leaves a log
      const rows = (await jsonReport(file)).events[0].rows;
      const ours = rows.filter(({ symbol }) => /\bfib\b/.test(symbol ?? ""));
      const pid = /tid (\d+)/.exec(ours[0]?.object ?? "")?.[1];
      await Deno.remove(`/tmp/perf-${pid}.map`).catch(() => {});
      const named = rows.slice(0, 5).map(({ object, symbol, self }) => `${object} ${symbol} ${self.count}`);
      assertEquals(ours.length > 0, true, `no sample is in fib, but ${named.join(", ")}`);
      assertGreater(ours.reduce((sum, { self }) => sum + self.count, 0), 100);
    }),
);
