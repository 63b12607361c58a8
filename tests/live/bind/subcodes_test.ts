/** Every subcode of cpc, provoked through the command line: its sentence, its number's name, its exit status. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { asNobody, pmuctl, type Ran, withFolder } from "../harness.ts";

function assertRefused(ran: Ran, status: number, codes: string, sentence: string) {
  assertEquals(ran.stdout, "");
  const lines = ran.stderr.trim().split("\n");
  assertEquals(lines.length, 1, ran.stderr);
  assertStringIncludes(lines[0], sentence);
  assertEquals(lines[0].endsWith(`(${codes})`), true, lines[0]);
  assertEquals(ran.status, status);
}

/** `bind` with these options, which verification refuses before anything runs. */
const refusals: [what: string, args: string[], status: number, codes: string, sentence: string][] = [
  [
    "1, an event nobody knows",
    ["-c", "pic0=nonsense"],
    2,
    "CPC_INVALID_EVENT, EINVAL",
    "cannot bind request 0 (nonsense): ",
  ],
  [
    "2, a counter that is not there",
    ["-c", "pic500=page-faults"],
    2,
    "CPC_INVALID_PICNUM, EINVAL",
    "has no pic500",
  ],
  [
    "3, an attribute nobody knows",
    ["-c", "page-faults,frobnicate=1"],
    2,
    "CPC_INVALID_ATTRIBUTE, EINVAL",
    "has no attribute frobnicate",
  ],
  [
    "4, an attribute out of range",
    ["-c", "page-faults,precise=9"],
    2,
    "CPC_ATTRIBUTE_OUT_OF_RANGE, EINVAL",
    "precise cannot be 9: use 0 to 3",
  ],
  [
    "10, a CPU that cannot be bound",
    ["-c", "page-faults", "-C", "8191"],
    3,
    "CPC_PBIND_FAILED, EINVAL",
    "CPU 8191",
  ],
];

for (const [what, args, status, codes, sentence] of refusals) {
  Deno.test(`bind refuses with subcode ${what}`, async () => {
    const target = args.includes("-C") ? [] : ["--", "true"];
    assertRefused(await pmuctl(["bind", ...args, ...target]), status, codes, sentence);
  });
}

Deno.test("bind refuses with subcode 5 what no counter is there for", async () => {
  // more cycles than any machine has counters: none at all in one without a PMU
  const set = Array.from({ length: 60 }, () => "branch-misses").join(",");
  assertRefused(
    await pmuctl(["bind", "-c", set, "--", "true"]),
    3,
    "CPC_RESOURCE_UNAVAIL, EINVAL",
    "cannot bind ",
  );
});

/** `bind --set` of a file with these requests. */
function bindSet(reqs: unknown[]): Promise<Ran> {
  return (async () => {
    let ran: Ran;
    await withFolder(async (cwd) => {
      await Deno.writeTextFile(`${cwd}/set.json`, JSON.stringify({ flags: 0, reqs }));
      ran = await pmuctl(["bind", "--set", "set.json", "--", "true"], { cwd });
    });
    return ran!;
  })();
}

Deno.test("bind refuses with subcode 7 request flags nobody knows", async () => {
  const ran = await bindSet([{ event: "page-faults", preset: "0", flags: 64, attrs: {} }]);
  assertRefused(ran, 2, "CPC_REQ_INVALID_FLAGS, EINVAL", "its flags 64 have unknown bits");
});

Deno.test("bind refuses with subcode 8 requests that exclude each other", async () => {
  const req = (event: string, attrs: Record<string, number>) => ({ event, preset: "0", flags: 2, attrs });
  const ran = await bindSet([req("page-faults", { freq: 100, period: 5 })]);
  assertRefused(ran, 3, "CPC_CONFLICTING_REQS, EINVAL", "request 0 (page-faults)");
});

testNeeding(["otherUser"], "bind refuses with subcode 9 what takes privilege", async () => {
  const ran = await asNobody([
    "bind",
    "-c",
    "page-faults,sys",
    "--",
    "true",
  ]);
  assertRefused(ran, 3, "CPC_ATTR_REQUIRES_PRIVILEGE, EACCES", "perf_event_paranoid is");
});
