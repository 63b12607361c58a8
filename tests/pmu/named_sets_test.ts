/** Named sets where counters can be taken: who is in whose way, and what a set is that has lost its own. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { OpenSet } from "../../lib/counters/open/open_set.ts";
import { readPrivilege } from "../../lib/events/privilege.ts";
import { counter } from "../counters/overflow_harness.ts";
import { pmuctl, pmuctlOk } from "../live/harness.ts";
import { workload } from "./guest.ts";

/** Status and last error line. */
async function refused(...args: string[]): Promise<string> {
  const ran = await pmuctl(args);
  return `${ran.status} ${ran.stderr.trimEnd().split("\n").at(-1)}`;
}

async function count(name: string): Promise<number> {
  return JSON.parse(await pmuctlOk(["sample", name, "--json"])).counts[0].count;
}

/** Runs a program that counts instructions all the time while `body` lasts. */
async function whileSpinning(body: (pid: string) => Promise<void>): Promise<void> {
  const child = new Deno.Command("/bin/sh", { args: ["-c", "while :; do :; done"] }).spawn();
  try {
    await body(String(child.pid));
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

Deno.test("a named set counts the instructions of a command exactly, after its end as well", async () => {
  await pmuctlOk(["bind", "--detach", "loop", "-e", "instructions:u", "--", workload("loop"), "10000000"]);
  for (let state = ""; state !== "ended";) {
    state = JSON.parse(await pmuctlOk(["sample", "loop", "--json"])).state;
  }
  const instructions = await count("loop");
  console.log(`instructions:u: ${instructions}`);
  assert(Math.abs(instructions / 40e6 - 1) < 0.002, `${instructions}`);
  await pmuctlOk(["unbind", "loop"]);
});

Deno.test("sets of threads and of CPUs exclude each other on a PMU, and a thread's new set takes the old one's place", () =>
  whileSpinning(async (pid) => {
    await pmuctlOk(["bind", "--detach", "a", "-c", Array(6).fill("instructions").join(), "-p", pid]);
    assertMatch(
      await refused("bind", "--detach", "b", "-e", "cycles", "-a"),
      /^3 .*set 'a' on pid \d+ holds PMU armv8_pmuv3.*: pmuctl unbind a \(EAGAIN\)$/,
    );
    // all six counters, which those of the set that goes are
    const ran = await pmuctl([
      "bind",
      "--detach",
      "c",
      "-c",
      Array(6).fill("instructions").join(),
      "-p",
      pid,
    ]);
    assertEquals(ran.status, 0, ran.stderr);
    assertMatch(ran.stderr, /was bound to set 'a', which is unbound first/);
    assert(await count("c") > 0);
    await pmuctlOk(["unbind", "c"]);
    await pmuctlOk(["bind", "--detach", "b", "-e", "cycles", "-a"]);
    assertMatch(
      await refused("bind", "--detach", "d", "-e", "cycles", "-C", "0"),
      /^3 .*CPU 0 has an owner: set 'b'.* \(EAGAIN\)$/,
    );
    assertMatch(
      await refused("bind", "--detach", "d", "-e", "cycles", "-p", pid),
      /^3 .*set 'b' on CPU 0 holds.* \(EAGAIN\)$/,
    );
    await pmuctlOk(["unbind", "b"]);
  }));

Deno.test("a set that lost its counters is invalid: sampling says so, and nothing but unbinding is left", () =>
  whileSpinning(async (pid) => {
    await pmuctlOk(["bind", "--detach", "e", "-e", "instructions", "-p", pid]);
    assert(await count("e") > 0);
    const place = { pid: -1, cpu: 0, target: "CPU 0" };
    const counters = Array.from({ length: 6 }, () => counter("instructions"));
    const standing = { privilege: readPrivilege(), hasCorePmu: true };
    const other = OpenSet.open(counters, place, {}, standing, () => {});
    other.enable(); // a CPU's pinned events come before those of its threads
    const first = await refused("sample", "e");
    other.close();
    for (const said of [first, await refused("sample", "e")]) {
      assertMatch(said, /^3 .* it is invalid: .* \(EAGAIN\)$/);
    }
    assertMatch(await refused("restart", "e"), /^3 .* \(EAGAIN\)$/);
    assertMatch(await pmuctlOk(["sets"]), /^e +invalid /m);
    assertMatch(await refused("unbind", "e"), /^0 .* had lost its counters/);
  }));
