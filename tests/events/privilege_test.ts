import { assertEquals } from "@std/assert";
import { makeAttr } from "../../lib/events/attr.ts";
import {
  lockableRingBytes,
  paranoidNeeded,
  readPrivilege,
  restrictToUser,
} from "../../lib/events/privilege.ts";
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

Deno.test("lockableRingBytes() adds up what the kernel lets each user lock for each CPU, and ulimit -l", () => {
  const bytes = (
    { paranoid = "2", mlock = "516", limit = "8388608", effective = "0", pinned = "0" },
    more: Record<string, string> = {},
  ) =>
    lockableRingBytes(treeFiles({
      "/proc/self/status": `Name:\tdeno\nVmPin:\t${pinned} kB\nCapEff:\t${effective.padStart(16, "0")}\n`,
      "/proc/self/limits":
        "Limit                     Soft Limit           Hard Limit           Units     \n" +
        `Max locked memory         ${limit.padEnd(20)} unlimited            bytes     \n`,
      "/proc/sys/kernel": { perf_event_paranoid: paranoid, perf_event_mlock_kb: mlock },
      "/sys/devices/system/cpu/online": "0,2-3\n",
      ...more,
    }));
  assertEquals(bytes({}), 3 * 516 * 1024 + 8388608);
  assertEquals(bytes({ pinned: "1024" }), 3 * 516 * 1024 + 7 * 1024 * 1024);
  assertEquals(bytes({ pinned: "9000" }), 3 * 516 * 1024);
  assertEquals(bytes({ limit: "unlimited" }), Infinity);
  assertEquals(bytes({ paranoid: "-1" }), Infinity);
  assertEquals(bytes({ paranoid: "0" }), 3 * 516 * 1024 + 8388608);
  assertEquals(bytes({ effective: "4000" }), Infinity); // CAP_IPC_LOCK
  assertEquals(bytes({ effective: "4000" }, { "/proc/self/uid_map": "0 1000 1\n" }), bytes({}));
  assertEquals(lockableRingBytes(treeFiles({})), Infinity);
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
