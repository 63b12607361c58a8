/** Programs that the kernel stops measuring at their exec: what is not counted is never shown as a count. */

import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { NOBODY, testNeeding } from "../needs.ts";
import { asNobody, program, type Ran, withFolder } from "./harness.ts";

/** Calls `body` with programs that burn CPU time: set-user-ID, not readable, and as any other; and with a folder of nobody's. */
async function withPrograms(
  body: (names: { suid: string; unreadable: string; plain: string }, folder: string) => Promise<void>,
) {
  await withFolder(async (folder) => {
    await Deno.chmod(folder, 0o755);
    for (const [name, mode] of [["suid", 0o4755], ["unreadable", 0o711], ["plain", 0o755]] as const) {
      await Deno.copyFile(program("ratio"), `${folder}/${name}`);
      await Deno.chmod(`${folder}/${name}`, mode);
    }
    await Deno.mkdir(`${folder}/home`);
    await Deno.chown(`${folder}/home`, NOBODY.uid, NOBODY.uid);
    const path = (name: string) => `${folder}/${name}`;
    await body({ suid: path("suid"), unreadable: path("unreadable"), plain: path("plain") }, path("home"));
  });
}

function asNobodyAt(home: string, args: readonly string[]): Promise<Ran> {
  return asNobody(args, { cwd: home, env: { HOME: home } });
}

/** Every way to come to such a program: as the command, from a shell, after work of the shell's own. */
const ways = (path: string): string[][] => [
  [path, "20"],
  ["sh", "-c", `exec ${path} 20`],
  ["sh", "-c", `i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; ${path} 20; :`],
];

testNeeding(
  ["cc", "otherUser"],
  "stat drops events where the kernel stops counting, and has getrusage instead",
  () =>
    withPrograms(async ({ suid, unreadable, plain }, home) => {
      for (const command of [...ways(suid), ...ways(unreadable)]) {
        const { status, stdout, stderr } = await asNobodyAt(home, [
          "stat",
          "-r",
          "2",
          "--json",
          "--",
          ...command,
        ]);
        assertEquals(status, 0, stderr);
        const { notCounted, commands: [{ metrics }] } = JSON.parse(stdout);
        assertStringIncludes(notCounted["task-clock"], "the kernel stops measuring");
        const cpu = metrics.user.median + metrics.sys.median;
        for (const [name, { median }] of Object.entries<{ median: number }>(metrics)) {
          if (name.startsWith("task-clock")) {
            assert(Math.abs(median / cpu - 1) < 0.1, `${name} ${median}, CPU ${cpu}`);
          }
        }
      }
      for (const command of ways(plain)) {
        const { stdout } = await asNobodyAt(home, ["stat", "-r", "2", "--json", "--", ...command]);
        assert(!Object.hasOwn(JSON.parse(stdout).notCounted, "task-clock"), stdout);
      }
      const asked = await asNobodyAt(home, ["stat", "-r", "2", "-e", "page-faults", "--", suid, "5"]);
      assertEquals([asked.status, asked.stdout], [3, ""]);
      assertStringIncludes(
        asked.stderr,
        "cannot count page-faults: the kernel stops measuring suid at the exec",
      );
    }),
);

testNeeding(
  ["cc", "otherUser"],
  "check goes by getrusage where the kernel stops counting, of either command",
  () =>
    withPrograms(async ({ suid, plain }, home) => {
      const args = ["check", "-m", "task-clock", "-t", "60", "--max-runs", "40", "--against"];
      for (const [old, now] of [[suid, suid], [plain, suid], [suid, plain]]) {
        const { status, stdout } = await asNobodyAt(home, [...args, `${old} 20`, "--", now, "200"]);
        assertEquals(status, 1, stdout);
        assertStringIncludes(stdout, "task-clock(rusage)");
      }
    }),
);

testNeeding(
  ["cc", "otherUser"],
  "bind has no total where the kernel stops counting, and says in what",
  () =>
    withPrograms(async ({ suid, unreadable, plain }, home) => {
      for (const command of [...ways(suid), ...ways(unreadable)]) {
        for (const options of [["-f"], ["-f", "-T", "0"]]) {
          const args = ["bind", ...options, "--json", "-e", "task-clock", "--", ...command];
          const { status, stdout, stderr } = await asNobodyAt(home, args);
          assertEquals(status, 0, stderr);
          const rows = stdout.trim().split("\n").map((line) => JSON.parse(line));
          assertEquals(rows.at(-1).counts[0].count, null, stdout);
          assertStringIncludes(stderr, "warning: totals are not known: the kernel stops measuring");
          const cut = rows.filter(({ remark }) => remark === "not measured from its exec on");
          assertEquals(cut.length, options.length > 1 ? 2 : 0, stdout);
          for (const { counts } of cut) assertEquals(counts[0].count, null);
        }
      }
      for (const command of ways(plain)) {
        const { stdout } = await asNobodyAt(home, [
          "bind",
          "-f",
          "--json",
          "-e",
          "task-clock",
          "--",
          ...command,
        ]);
        assertGreater(JSON.parse(stdout.trim().split("\n").at(-1)!).counts[0].count, 1e6);
      }
    }),
);

testNeeding(
  ["cc", "otherUser"],
  "record says in what the kernel stopped sampling, and of nothing else",
  () =>
    withPrograms(async ({ suid, unreadable, plain }, home) => {
      for (const path of [suid, unreadable, plain]) {
        for (const command of ways(path)) {
          const { status, stderr } = await asNobodyAt(home, ["record", "-o", "d", "--", ...command]);
          assertEquals(status, 0, stderr);
          const name = path.split("/").at(-1)!;
          const line = `warning: samples are missing: the kernel stops measuring ${name} at the exec`;
          assertEquals(stderr.includes(line), path !== plain, stderr);
        }
      }
    }),
);
