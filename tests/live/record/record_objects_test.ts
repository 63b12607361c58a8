/** `pmuctl record` of programs that nobody can find by their path when the recording is over. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../../eventually.ts";
import { testNeeding } from "../../needs.ts";
import { jsonReport, perfOk, pmuctlOk, program, run, withFolder } from "../harness.ts";
import { sizeOf } from "../watching.ts";
import { exists } from "../../../lib/base/files/exists.ts";

const RATIO = new URL("../../programs/ratio.c", import.meta.url).pathname;

/** Builds the workload `ratio` as `path`, with a build id that no other build has; gives that. */
async function build(path: string, options: string[] = []): Promise<string> {
  const id = Array.from(crypto.getRandomValues(new Uint8Array(20)), (b) => b.toString(16).padStart(2, "0"))
    .join("");
  const args = [
    "-O1",
    "-g",
    "-fno-omit-frame-pointer",
    "-pthread",
    `-Wl,--build-id=0x${id}`,
    "-o",
    path,
    RATIO,
  ];
  const { status, stderr } = await run("cc", [...options, ...args]);
  assertEquals(status, 0, stderr);
  return id;
}

/** Calls `body` with a folder and an environment whose home, with the build id cache in it, is there. */
function withHome(body: (folder: string, env: Record<string, string>) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/home`);
    await body(folder, { HOME: `${folder}/home` });
  });
}

/** The report, and perf's, must name the two functions of the program, which must be listed with its build id. */
async function expectResolved(file: string, buildId: string, env: Record<string, string>): Promise<void> {
  const rows = (await jsonReport(file, env)).events.flatMap((event) => event.rows);
  const found = rows.filter((row) => row.self.count > 20).map((row) => row.symbol);
  assert(found.includes("hot") && found.includes("warm"), `found ${found}`);
  const perf = await run("perf", ["report", "-i", file, "--stdio", "--no-children", "-g", "none"], { env });
  assertMatch(perf.stdout, /\] hot$/m);
  assertStringIncludes(await perfOk(["buildid-list", "-i", file]), buildId);
}

/** A script that runs the program, and deletes it once it does. */
function deletingItself(path: string, rounds: number): string {
  return `${path} ${rounds} >&2 & until [ /proc/$!/exe -ef ${path} ]; do :; done; rm ${path}; wait`;
}

testNeeding(
  ["cc", "perf"],
  "record keeps a program that is deleted while it runs",
  () =>
    withHome(async (folder, env) => {
      const buildId = await build(`${folder}/gone`);
      const script = deletingItself(`${folder}/gone`, 2000);
      await pmuctlOk(["record", "-o", `${folder}/p.data`, "--", "sh", "-c", script], { env });
      await expectResolved(`${folder}/p.data`, buildId, env);
    }),
);

/** Builds and starts the program `path`, lets `change` do its work on the file, and records the process by its pid. */
async function recordRunning(
  path: string,
  seconds: number,
  env: Record<string, string>,
  change: () => void | Promise<void>,
): Promise<void> {
  const file = `${path}.data`;
  const buildId = await build(path);
  const child = new Deno.Command(path, { args: ["100000000"], stdout: "null" }).spawn();
  try {
    const changed = change();
    await pmuctlOk(["record", "-o", file, "-p", `${child.pid}`, "--duration", `${seconds}`], { env });
    await changed;
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
  await expectResolved(file, buildId, env);
}

testNeeding(
  ["cc", "perf"],
  "record -p keeps a program that is replaced by another build",
  () =>
    withHome(async (folder, env) => {
      const path = `${folder}/replaced`;
      await build(`${folder}/other`);
      await recordRunning(path, 1, env, async () => {
        await eventually(() => sizeOf(`${path}.data`) > 0, "the recording to begin");
        await Deno.rename(`${folder}/other`, path);
      });
    }),
);

testNeeding(
  ["cc", "perf", "root"],
  "record -p keeps a program that was deleted before",
  () =>
    withHome(async (folder, env) => {
      const path = `${folder}/gone`;
      await recordRunning(path, 0.5, env, () => Deno.removeSync(path));
    }),
);

testNeeding(
  ["cc", "perf", "root"],
  "record keeps a program that only a chroot can see",
  () =>
    withHome(async (folder, env) => {
      Deno.mkdirSync(`${folder}/root/bin`, { recursive: true });
      const buildId = await build(`${folder}/root/bin/inside`, ["-static"]);
      const command = ["chroot", `${folder}/root`, "/bin/inside", "300"];
      await pmuctlOk(["record", "-o", `${folder}/p.data`, "--", ...command], { env });
      await expectResolved(`${folder}/p.data`, buildId, env);
    }),
);

testNeeding(
  ["cc", "perf", "mountNamespace", "mounts"],
  "record keeps a program that only a mount namespace can see, once it is gone",
  () =>
    withHome(async (folder, env) => {
      Deno.mkdirSync(`${folder}/mount`);
      const buildId = await build(`${folder}/program`);
      const script =
        `mount -t tmpfs none ${folder}/mount && cp ${folder}/program ${folder}/mount/hidden && ` +
        `${folder}/mount/hidden 1000 && ${folder}/mount/hidden 1000`;
      await pmuctlOk(["record", "-o", `${folder}/p.data`, "--", "unshare", "-m", "sh", "-c", script], {
        env,
      });
      await Deno.remove(`${folder}/program`);
      await expectResolved(`${folder}/p.data`, buildId, env);
    }),
);

testNeeding(
  ["cc", "perf"],
  "record keeps a program that is in memory alone",
  () =>
    withHome(async (folder, env) => {
      const buildId = await build(`${folder}/program`);
      const command = [program("memfd"), `${folder}/program`, "2000"];
      await pmuctlOk(["record", "-o", `${folder}/p.data`, "--", ...command], { env });
      await expectResolved(`${folder}/p.data`, buildId, env);
    }),
);

testNeeding(
  ["cc"],
  "record keeps nothing that its path leads to, and nothing at all with -N",
  () =>
    withHome(async (folder, env) => {
      const there = ["record", "-o", `${folder}/p.data`, "--", program("ratio"), "100"];
      await pmuctlOk(there, { env });
      await build(`${folder}/gone`);
      const script = deletingItself(`${folder}/gone`, 300);
      await pmuctlOk(["record", "-N", "-o", `${folder}/p.data`, "--", "sh", "-c", script], { env });
      assert(!exists(`${folder}/home/.debug`));
      const { unresolved } = await jsonReport(`${folder}/p.data`, env);
      assertEquals(unresolved.find(({ object }) => object === "gone")?.cause, "no file");
    }),
);

testNeeding(["cc"], "record refuses no output that it cannot read back", () =>
  withHome(async (_, env) => {
    await pmuctlOk(["record", "-o", "/dev/null", "--", program("ratio"), "100"], { env });
  }));
