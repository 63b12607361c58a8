import {
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ERRNO, PmuError } from "../../lib/base/system/errno.ts";
import { Child, closeFd, makePipe, readPipe, spawn, type SpawnOptions } from "../../ffi/pmu.ts";

/** Runs a command to its end: what it wrote on standard output, and how it ended. */
async function run(options: SpawnOptions) {
  const { readFd, writeFd } = makePipe();
  const child = spawn({ ...options, stdio: [-1, writeFd, -1] });
  closeFd(writeFd);
  await child.release();
  const chunk = new Uint8Array(65536);
  let out = "";
  for (let n; (n = await readPipe(readFd, chunk)) > 0;) out += new TextDecoder().decode(chunk.subarray(0, n));
  closeFd(readFd);
  return { out, exit: await child.wait() };
}

/** The error of running a command that cannot be. */
async function refusal(options: SpawnOptions): Promise<PmuError> {
  return await assertRejects(async () => await spawn(options).release(), PmuError);
}

Deno.test("a child runs when it is released and not before", async () => {
  const child = spawn({ argv: ["sh", "-c", "exit 3"] });
  assertEquals(Deno.readLinkSync(`/proc/${child.pid}/exe`), Deno.execPath());
  assertEquals(child.poll(), undefined);
  await child.release();
  const { code, signal, usage } = await child.wait();
  assertEquals([code, signal], [3, 0]);
  assertGreater(usage.maxrssBytes, 0);
  assertGreater(usage.minflt, 0);
  assertEquals(assertThrows(() => child.poll(), PmuError).errno, ERRNO.ECHILD);
});

Deno.test("a child that is to have its own memory counts none of ours", async () => {
  const ours = new Uint8Array(64 << 20).fill(1);
  const small = await spawn({ argv: ["true"], ownMemory: true }).run();
  const forked = await spawn({ argv: ["true"] }).run();
  assertEquals([small.code, forked.code, ours.length], [0, 0, 64 << 20]);
  assertLess(small.usage.maxrssBytes, 8 << 20);
  assertGreaterOrEqual(forked.usage.maxrssBytes, 64 << 20);
});

for (const ownMemory of [false, true]) {
  Deno.test(`a run ${ownMemory ? "by the launcher " : ""}is the command's from its exec on, not what was before`, async () => {
    // the same, with what was before: the way there has page faults of its own
    const whole = spawn({ argv: ["true"], ownMemory });
    await whole.release();
    const { usage: all } = await whole.wait();
    const begin = performance.now();
    const child = spawn({ argv: ["true"], ownMemory });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { usage, wallNs } = await child.run();
    assertLess(wallNs, 1e6 * (performance.now() - begin) - 290e6);
    assertLess(usage.minflt, all.minflt);
    for (const value of Object.values(usage)) assertGreaterOrEqual(value, 0);
  });
}

for (const ownMemory of [false, true]) {
  const kind = ownMemory ? "made by the launcher" : "forked";
  Deno.test(`a child ${kind} is run as it was asked for, or refused`, async () => {
    const argv = ["sh", "-c", 'test "$1/$2/$(pwd)/$NAME" = "a b////x y" && exit 3', "", "a b", ""];
    const path = "/no/such/folder:/bin";
    const ran = await spawn({ argv, ownMemory, cwd: "/", env: { NAME: "x y", PATH: path } }).run();
    assertEquals(ran.code, 3);
    assertGreater(ran.wallNs, 0);
    assertLess(ran.wallNs, 60e9);
    const missing = await assertRejects(
      () => spawn({ argv: ["no-such-program"], ownMemory }).run(),
      PmuError,
    );
    assertEquals(missing.errno, ERRNO.ENOENT);
    assertEquals(
      assertThrows(() => spawn({ argv: ["true"], cwd: "/nope", ownMemory }), PmuError).call,
      "chdir",
    );
    const cancelled = spawn({ argv: ["true"], ownMemory });
    cancelled.cancel();
    assertEquals(assertThrows(() => cancelled.poll(), PmuError).errno, ERRNO.ECHILD);
  });
}

Deno.test("a child gets argv, environment and directory as they are given", async () => {
  const script = 'printf "%s|" "$0" "$@" "$NAME" "${HOME-none}"; pwd';
  const dir = Deno.realPathSync(Deno.makeTempDirSync());
  const { out } = await run({
    argv: ["sh", "-c", script, "zero", "", "two words", "ünïcode"],
    env: { NAME: "a=b", PATH: "/usr/bin:/bin" },
    cwd: dir,
  });
  assertEquals(out, `zero||two words|ünïcode|a=b|none|${dir}\n`);
  Deno.removeSync(dir);
  assertStringIncludes((await run({ argv: ["env"] })).out, `PATH=${Deno.env.get("PATH")}\n`);
  assertEquals((await run({ argv: ["env"], env: {}, path: "/usr/bin/env" })).out, "");
  assertEquals((await run({ argv: ["other name", "-c", "echo $0"], path: "sh" })).out, "other name\n");
});

Deno.test("a detached child leads a session of its own and has no descriptors but the standard three", async () => {
  // Deno has descriptors that it would pass on, such as its copy of standard input
  const script = 'cut -d " " -f 1,6 /proc/$$/stat; ls /proc/$$/fd; :'; // no pipe: the shell would have its ends
  const { out } = await run({ argv: ["sh", "-c", script], detach: true });
  const [ids, ...fds] = out.trim().split("\n");
  const [pid, session] = ids.split(" ");
  assertEquals(session, pid);
  assertEquals(fds, ["0", "1", "2"]);
});

Deno.test("a child that exec refuses ends with the errno", async () => {
  const failure = await refusal({ argv: ["no-such-command-anywhere"] });
  assertEquals([failure.call, failure.errno], ["execve", ERRNO.ENOENT]);
  assertEquals((await refusal({ argv: ["/"] })).errno, ERRNO.EACCES);
  assertEquals((await refusal({ argv: ["/etc/passwd"] })).errno, ERRNO.EACCES);
});

Deno.test("spawn() says which call failed", () => {
  const failure = (options: SpawnOptions) => {
    const { call, errno } = assertThrows(() => spawn(options), PmuError);
    return [call, errno];
  };
  assertEquals(failure({ argv: ["true"], cwd: "/nowhere" }), ["chdir", ERRNO.ENOENT]);
  assertEquals(failure({ argv: ["true"], stdio: [999999, -1, -1] }), ["dup2", ERRNO.EBADF]);
  assertEquals(failure({ argv: [] }), ["spawn", ERRNO.EINVAL]);
  assertEquals(failure({ argv: ["true", "a\0b"] }), ["spawn", ERRNO.EINVAL]);
});

Deno.test("a child that a signal ends has a shell's code", async () => {
  const child = spawn({ argv: ["sleep", "100"] });
  await child.release();
  child.kill(9);
  const { code, signal } = await child.wait();
  assertEquals([code, signal], [137, 9]);
});

Deno.test("cancel() ends a child that was not released", () => {
  const child: Child = spawn({ argv: ["sleep", "100"] });
  child.cancel();
  assertEquals(assertThrows(() => child.poll(), PmuError).errno, ERRNO.ECHILD);
  assertEquals(assertThrows(() => child.cancel(), PmuError).errno, ERRNO.EINVAL);
});

Deno.test("a child does not ignore SIGPIPE, as Deno does", async () => {
  const { out } = await run({ argv: ["grep", "SigIgn", "/proc/self/status"] });
  const ignored = BigInt("0x" + out.split("\t")[1].trim());
  assertEquals(ignored & (1n << 12n), 0n); // SIGPIPE is signal 13
});
