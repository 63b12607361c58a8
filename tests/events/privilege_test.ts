import { assertEquals } from "@std/assert";
import { makeAttr } from "../../lib/events/attr.ts";
import { paranoidNeeded, readPrivilege, restrictToUser } from "../../lib/events/privilege.ts";
import { treeFiles } from "./trees.ts";

const proc = (capEff: string, seccomp: number, paranoid?: string) =>
  treeFiles({
    "/proc/self/status": `Name:\tdeno\nCapEff:\t${capEff}\nSeccomp:\t${seccomp}\n`,
    "/proc/sys/kernel": paranoid === undefined ? {} : { perf_event_paranoid: paranoid },
  });

Deno.test("readPrivilege() reads the level, the capabilities and the seccomp filter", () => {
  assertEquals(readPrivilege(proc("000001fffeffffff", 0, "-1\n")), {
    paranoid: -1,
    capable: true,
    seccomp: false,
  });
  assertEquals(readPrivilege(proc("0000000000000000", 2, "2\n")), {
    paranoid: 2,
    capable: false,
    seccomp: true,
  });
  assertEquals(readPrivilege(proc("0000004000000000", 0, "4\n")).capable, true); // CAP_PERFMON alone
  assertEquals(readPrivilege(proc("0000000000200000", 0, "4\n")).capable, true); // CAP_SYS_ADMIN alone
  assertEquals(readPrivilege(proc("0000000000400000", 0)), { capable: false, seccomp: false });
});

Deno.test("capabilities of a user namespace of its own, as in a rootless container, count for nothing", () => {
  const inside = (map: string) =>
    readPrivilege(treeFiles({
      "/proc/self/status": "CapEff:\t000001ffffffffff\nSeccomp:\t0\n",
      "/proc/self/uid_map": map,
    })).capable;
  assertEquals(inside("         0          0 4294967295\n"), true);
  assertEquals(inside("         0       1000          1\n"), false);
  assertEquals(inside("         0       1000          1\n         1     100000      65536\n"), false);
});

Deno.test("paranoidNeeded() is 0 for a CPU, 1 with the kernel, 2 without", () => {
  const attr = makeAttr();
  assertEquals(
    [paranoidNeeded(attr, true), paranoidNeeded(attr, false), paranoidNeeded(restrictToUser(attr), false)],
    [0, 1, 2],
  );
});

Deno.test("restrictToUser() leaves the attr it was given alone", () => {
  const attr = makeAttr({ flags: ["inherit"] });
  assertEquals([...restrictToUser(attr).flags], ["inherit", "excludeKernel", "excludeHv"]);
  assertEquals([...attr.flags], ["inherit"]);
});
