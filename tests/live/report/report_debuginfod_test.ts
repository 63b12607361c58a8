/** Reports of a stripped program whose debug file only a server has. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../../eventually.ts";
import { testNeeding } from "../../needs.ts";
import { jsonReport, PMUCTL, pmuctl, pmuctlOk, run, withFolder } from "../harness.ts";

const SOURCE = `
volatile long sink;
static inline __attribute__((always_inline)) void inlined_step(long n) { sink += n * n % 7; }
static __attribute__((noinline, noclone)) void hidden_work(long n) { for (long i = 0; i < n; i++) inlined_step(i); }
int main(void) { hidden_work(300000000); return 0; }
`;

/** A recording of a stripped program, the folder with its debug file alone, and its build id. */
interface Scene {
  folder: string;
  file: string;
  program: string;
  debug: string;
  buildId: string;
  /** Environment with a cache of its own, and no other server than given. */
  env(urls?: string): Record<string, string>;
}

async function inScene(body: (scene: Scene) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const program = `${folder}/stripped`, debug = `${folder}/debug/stripped.debug`, file = `${folder}/r.data`;
    Deno.mkdirSync(`${folder}/debug`);
    Deno.writeTextFileSync(`${folder}/w.c`, SOURCE);
    await ok("gcc", ["-g", "-O2", "-Wl,--build-id", "-o", program, `${folder}/w.c`]);
    await ok("objcopy", ["--only-keep-debug", program, debug]);
    await ok("strip", ["-s", program]);
    const notes = await ok("readelf", ["-n", debug]);
    // perf 6.1 aborts while another recording on this machine asks for build ids
    const recording = ["record", "-N", "-q", "-e", "cpu-clock", "-g", "-o", file, program];
    await eventually(async () => (await run("perf", recording)).status === 0, "perf to record");
    await body({
      ...{ folder, file, program, debug },
      buildId: /Build ID: ([0-9a-f]+)/.exec(notes)![1],
      env: (urls = "") => ({
        DEBUGINFOD_URLS: urls,
        DEBUGINFOD_CACHE_PATH: `${folder}/cache`,
        HOME: folder,
        XDG_CACHE_HOME: `${folder}/xdg`,
      }),
    });
  });
}

async function ok(command: string, args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(command, args);
  assertEquals(status, 0, stderr);
  return stdout;
}

/** Calls `body` with the URL of a server of a debug file, and the paths that were asked for. */
function withServer(
  { debug, buildId }: Pick<Scene, "debug" | "buildId">,
  body: (url: string, asked: string[]) => Promise<void>,
): Promise<void> {
  return withFiles({ [`${buildId}/debuginfo`]: debug }, body);
}

/** Calls `body` with the URL of a server of these files, by build id and kind, and the paths that were asked for. */
async function withFiles(
  files: Record<string, string>,
  body: (url: string, asked: string[]) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, ({ url }) => {
    const { pathname } = new URL(url);
    asked.push(pathname);
    const path = files[pathname.replace(/^\/buildid\//, "")];
    return path ? new Response(Deno.readFileSync(path)) : new Response("", { status: 404 });
  });
  try {
    await body(`http://127.0.0.1:${server.addr.port}`, asked);
  } finally {
    await server.shutdown();
  }
}

/** Names of the program's own code that have samples. */
async function names({ file }: Scene, args: string[], env: Record<string, string>): Promise<string[]> {
  const report = JSON.parse(await pmuctlOk(["report", "--json", ...args, "-i", file], { env }));
  const rows: { object: string; symbol: string | null; self: { count: number } }[] = report.events[0].rows;
  return rows.filter(({ object, self }) => object === "stripped" && self.count > 10).map(({ symbol }) =>
    symbol ?? ""
  );
}

testNeeding(
  ["perf", "cc", "binutils"],
  "a debug file is fetched once, where a server was named, and for what is sampled",
  async () => {
    await inScene(async (scene) => {
      await withServer(scene, async (url, asked) => {
        const wanted = `/buildid/${scene.buildId}/debuginfo`;
        assertEquals(await names(scene, [], scene.env()), [""]);
        assertEquals(await names(scene, ["--no-debuginfod"], scene.env(url)), [""]);
        assertEquals(asked, [], "nobody asked for it");
        assertEquals(await names(scene, [], scene.env(url)), ["hidden_work"]);
        assert(asked.includes(wanted));
        // the other sampled objects are those of the system
        assertEquals(asked.filter((path) => path === wanted).length, 1);
        asked.length = 0;
        assertEquals(await names(scene, ["--debuginfod", url], scene.env()), ["hidden_work"]);
        assert((await names(scene, ["--debuginfod", url, "-g"], scene.env())).includes("inlined_step"));
        assert(!asked.includes(wanted), "it is in the cache");
        assertEquals(await names(scene, [], scene.env()), ["hidden_work"], "which is read without a server");
      });
    });
  },
);

testNeeding(
  ["perf", "cc", "binutils"],
  "what a server lacks is told with what else helps, and is not asked for again",
  async () => {
    await inScene(async (scene) => {
      await withServer({ ...scene, buildId: "none" }, async (url, asked) => {
        const unresolved = async (env: Record<string, string>) => {
          const { unresolved } = await jsonReport(scene.file, env);
          return unresolved.find(({ object }) => object === "stripped")!.remedy;
        };
        assertStringIncludes(await unresolved(scene.env()), "fetch them with --debuginfod URL");
        assert(!(await unresolved(scene.env(url))).includes("--debuginfod"));
        const { length } = asked;
        assert(length > 0);
        assertEquals(Deno.statSync(`${scene.folder}/cache/${scene.buildId}/debuginfo`).size, 0);
        await unresolved(scene.env(url));
        assertEquals(asked.length, length);
      });
    });
  },
);

testNeeding(
  ["perf", "cc", "binutils"],
  "bundle warns of names that are missing, and of servers that did not send them",
  async () => {
    await inScene(async (scene) => {
      const { buildId, file, folder } = scene, bundle = `${folder}/b.data`;
      const warnings = async (more: string[], env: Record<string, string>) => {
        const { status, stderr } = await pmuctl(["bundle", ...more, file, "-o", bundle], { env });
        assertEquals(status, 0, stderr);
        return stderr.split("\n").filter((line) => line.startsWith("pmuctl: warning: "));
      };
      const nameless = (lines: string[]) =>
        lines.filter((line) => /without names of [^:]*stripped/.test(line));
      const [line] = nameless(await warnings([], scene.env()));
      assertMatch(
        line,
        /\([0-9.]+% of the samples\): no symbols?.*: install its debug symbols .*, and bundle again$/,
      );
      assertStringIncludes(line, "fetch them with --debuginfod URL");
      assertEquals(await warnings(["-q"], scene.env()), []);
      await withFiles({ [`${buildId}/debuginfo`]: file }, async (url) => {
        const failed = await warnings([], scene.env(url));
        assertMatch(
          failed.join("\n"),
          /cannot fetch debug files of stripped from .*: it sent .* not an ELF file/,
        );
        assert(!nameless(failed)[0].includes("--debuginfod"), "it was asked for");
      });
      await withServer(scene, async (url) => {
        assertEquals(
          nameless(await warnings([], scene.env(url))),
          [],
          "no time passes before it is asked again",
        );
      });
      assertEquals(await names({ ...scene, file: bundle }, [], { HOME: folder }), ["hidden_work"]);
    });
  },
);

testNeeding(
  ["perf", "cc", "binutils"],
  "a program that is gone, or was upgraded, is fetched too",
  async () => {
    await inScene(async (scene) => {
      const { buildId, debug, program } = scene, moved = `${scene.folder}/moved`;
      Deno.renameSync(program, moved);
      await withFiles(
        { [`${buildId}/debuginfo`]: debug, [`${buildId}/executable`]: moved },
        async (url, asked) => {
          Deno.copyFileSync("/bin/true", program);
          assertEquals(await names(scene, [], scene.env()), [""]);
          const { unresolved } = await jsonReport(scene.file, scene.env());
          assert(unresolved.some(({ remedy }) => remedy.includes("fetch it with --debuginfod URL")));
          assertEquals(await names(scene, [], scene.env(url)), ["hidden_work"]);
          Deno.removeSync(program);
          assertEquals(new Set(await names(scene, ["--lines"], scene.env(url))), new Set(["hidden_work"]));
          for (const kind of ["debuginfo", "executable"]) {
            assertEquals(asked.filter((path) => path === `/buildid/${buildId}/${kind}`).length, 1);
          }
        },
      );
    });
  },
);

testNeeding(
  ["perf", "cc", "binutils"],
  "nothing is fetched into a cache that others can write to, which is said",
  async () => {
    await inScene(async (scene) => {
      await withServer(scene, async (url, asked) => {
        Deno.mkdirSync(`${scene.folder}/cache`);
        Deno.chmodSync(`${scene.folder}/cache`, 0o777);
        const { meta } = await jsonReport(scene.file, scene.env(url));
        assertEquals(asked, []);
        assert(
          meta.warnings.some((text) => text.startsWith("debug files are not fetched: others may write to")),
        );
      });
    });
  },
);

testNeeding(
  ["perf", "cc", "binutils"],
  "annotate fetches the debug information of the function's program, which may have symbols",
  async () => {
    await inScene(async (scene) => {
      const { program, debug, file, buildId } = scene;
      await ok("gcc", ["-g", "-O2", "-Wl,--build-id", "-o", program, `${scene.folder}/w.c`]);
      await ok("strip", ["-g", program]);
      await withServer({ debug, buildId }, async (url, asked) => {
        const annotated = async (...args: string[]) =>
          JSON.parse(
            await pmuctlOk(["annotate", "--json", "-i", file, ...args, "hidden_work"], {
              env: scene.env(url),
            }),
          );
        await annotated("--no-source");
        assert(!asked.includes(`/buildid/${buildId}/debuginfo`), "nobody asked for lines");
        const { lines, instructions, warnings } = await annotated();
        assertEquals(asked.filter((path) => path === `/buildid/${buildId}/debuginfo`).length, 1);
        assert(lines.some(({ text = "" }) => text.includes("sink += n * n % 7")), JSON.stringify(warnings));
        assert(JSON.stringify(instructions).includes('"inlined":["inlined_step"]'));
      });
    });
  },
);

testNeeding(
  ["perf", "cc", "binutils"],
  "annotate says what could not be fetched, as report does",
  async () => {
    await inScene(async (scene) => {
      const failing = Deno.serve(
        { port: 0, hostname: "127.0.0.1", onListen: () => {} },
        () => new Response("", { status: 500 }),
      );
      try {
        const url = `http://127.0.0.1:${failing.addr.port}`;
        const told = (warnings: string[]) =>
          warnings.filter((text) => text.startsWith("cannot fetch debug files"));
        const { meta } = await jsonReport(scene.file, scene.env(url));
        assertEquals(told(meta.warnings).length > 0, true, JSON.stringify(meta.warnings));
        Deno.removeSync(`${scene.folder}/cache`, { recursive: true });
        const { warnings } = JSON.parse(
          await pmuctlOk(["annotate", "--json", "-i", scene.file], { env: scene.env(url) }),
        );
        assertEquals(told(warnings), told(meta.warnings));
      } finally {
        await failing.shutdown();
      }
    });
  },
);

testNeeding(["perf", "cc", "binutils"], "Ctrl-C while fetching goes on with the report", async () => {
  await inScene(async (scene) => {
    const { promise: began, resolve } = Promise.withResolvers<void>();
    const ended = new AbortController();
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", signal: ended.signal, onListen: () => {} },
      () => {
        resolve();
        return new Promise<Response>(() => {});
      },
    );
    const child = new Deno.Command(PMUCTL, {
      args: ["report", "-i", scene.file, "--debuginfod", `http://127.0.0.1:${server.addr.port}`],
      env: scene.env(),
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    await began;
    child.kill("SIGINT");
    const { code, stdout } = await child.output();
    ended.abort();
    await server.finished;
    const text = new TextDecoder().decode(stdout);
    assertEquals(code, 0);
    assertStringIncludes(text, "not fetched: interrupted");
    assertStringIncludes(text, "stripped+0x");
  });
});

/** Calls `body` with the URL of elfutils' server of the files in a folder, once that has the debug file of a build. */
async function withDebuginfod(
  { folder, buildId }: { folder: string; buildId: string },
  body: (url: string) => Promise<void>,
): Promise<void> {
  using free = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = free.addr, url = `http://127.0.0.1:${port}`;
  free.close();
  const server = new Deno.Command("debuginfod", {
    args: ["-p", String(port), "-d", ":memory:", "-F", folder],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await eventually(async () => {
      const answer = await fetch(`${url}/buildid/${buildId}/debuginfo`).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.status === 200;
    }, "debuginfod to have read its folder");
    await body(url);
  } finally {
    server.kill();
    await server.status;
  }
}

/** Build id of the running kernel. */
function kernelBuildId(): string {
  const notes = Deno.readFileSync("/sys/kernel/notes"), at = notes.indexOf(3, 8); // NT_GNU_BUILD_ID
  return Array.from(notes.subarray(at + 8, at + 28), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

testNeeding(
  ["cc", "binutils", "debuginfod", "root", "mountNamespace", "mounts"],
  "the kernel's debug file is fetched where a server is named as an option, and not because of the variable",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`, debug = `${folder}/debug`, buildId = kernelBuildId();
      Deno.mkdirSync(debug);
      // stands for all of the kernel's code
      const code = ".text\n.globl _text, _stext, served\n.type served, @function\n" +
        "_text:\n_stext:\nserved: nop\n.skip 0x2000000, 0x90\n.size served, .-served\n";
      Deno.writeTextFileSync(`${folder}/kernel.s`, code);
      await ok("cc", ["-g", "-c", "-o", `${folder}/kernel.o`, `${folder}/kernel.s`]);
      const link = ["-nostdlib", "-static", "-no-pie", "-Wl,-Ttext=0xffffffff81000000", "-Wl,-e,_text"];
      const output = ["-o", `${debug}/vmlinux.debug`, `${folder}/kernel.o`];
      await ok("cc", [...link, `-Wl,--build-id=0x${buildId}`, ...output]);
      const copy = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1M", "count=20000", "status=none"];
      await pmuctlOk(["record", "-q", "-N", "-e", "cpu-clock", "-o", file, "--", ...copy]);
      await withDebuginfod({ folder: debug, buildId }, async (url) => {
        const env = (urls: string) => ({
          DEBUGINFOD_URLS: urls,
          DEBUGINFOD_CACHE_PATH: `${folder}/cache`,
          HOME: folder,
          XDG_CACHE_HOME: `${folder}/xdg`,
        });
        const named = async (args: string[], urls: string) => {
          const script = `mount --bind /dev/null /proc/kallsyms && exec "$0" "$@"`;
          const report = [PMUCTL, "report", "--json", "-s", "dso,symbol", ...args, "-i", file];
          const ran = await run("unshare", ["--mount", "sh", "-ec", script, ...report], { env: env(urls) });
          assertEquals(ran.status, 0, ran.stderr);
          const { events: [{ rows }], unresolved } = JSON.parse(ran.stdout);
          const remedies = unresolved.map(({ remedy }: { remedy: string }) => remedy).join();
          return { remedies, isNamed: rows.some(({ symbol }: { symbol: string }) => symbol === "served") };
        };
        const before = await named([], url);
        assertEquals(before.isNamed, false);
        assertStringIncludes(before.remedies, "fetch them with --debuginfod URL");
        assertEquals((await named(["--debuginfod", url], "")).isNamed, true);
        assertEquals((await named(["--no-debuginfod"], url)).isNamed, true, "it is in the cache");
      });
    }),
);

testNeeding(
  ["perf", "cc", "binutils", "debuginfod"],
  "elfutils' server and client share the cache",
  async () => {
    await inScene(async (scene) => {
      const served = { folder: `${scene.folder}/debug`, buildId: scene.buildId };
      let url = "";
      await withDebuginfod(served, async (named) => {
        url = named;
        assertEquals(await names(scene, [], scene.env(url)), ["hidden_work"]);
      });
      const found = await run("debuginfod-find", ["debuginfo", scene.buildId], { env: scene.env(url) });
      // where it is not installed, its server alone was tried
      if (found.status === 0) {
        assertEquals(found.stdout.trim(), `${scene.folder}/cache/${scene.buildId}/debuginfo`);
      }
    });
  },
);

Deno.test("a report that was not told of a server has given up the network before it reads", async () => {
  await withFolder(async (folder) => {
    await ok("mkfifo", [`${folder}/fifo`]);
    const child = new Deno.Command(PMUCTL, {
      args: ["report", "-i", `${folder}/fifo`],
      env: { DEBUGINFOD_URLS: "" },
      stdout: "null",
      stderr: "null",
    }).spawn();
    await eventually(() => {
      return /^Seccomp:\t2$/m.test(Deno.readTextFileSync(`/proc/${child.pid}/status`));
    }, "the report to give up the network");
    Deno.openSync(`${folder}/fifo`, { write: true }).close();
    assertEquals((await child.status).code, 4);
  });
});

Deno.test("variables that make no sense are a warning, and the report goes on", async () => {
  for (
    const [name, value] of [
      ["DEBUGINFOD_MAXSIZE", "2G"],
      ["DEBUGINFOD_HEADERS_FILE", "/nonexistent"],
      ["DEBUGINFOD_URLS", "ftp://a.example"],
    ]
  ) {
    const { status, stderr } = await pmuctl(["report", "-i", "/dev/null"], {
      env: { DEBUGINFOD_URLS: "http://127.0.0.1:9", [name]: value },
    });
    assertEquals(status, 4, stderr); // as that is no recording
    assertStringIncludes(stderr, "pmuctl: warning: ");
    assertStringIncludes(stderr, value);
  }
});

Deno.test("unusable servers and options that contradict are usage errors", async () => {
  for (
    const args of [
      ["--debuginfod", "file:///etc"],
      ["--debuginfod", "nonsense"],
      ["--debuginfod", "http://a.example", "--no-debuginfod"],
    ]
  ) {
    const { status, stderr } = await pmuctl(["report", "-i", "/dev/null", ...args]);
    assertEquals([status, stderr.split("\n").length], [2, 2], stderr);
  }
});
