/** Limits and refusals of the system: a line with the cause and status 3, or it simply works. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { asNobody, PMUCTL, pmuctl, pmuctlOk, program, type Ran, run, withFolder } from "./harness.ts";

const RECORD = ["record", "-q", "-e", "cpu-clock:u", "-o", "/dev/null", "--", "true"];

/** Runs pmuctl by a script of sh, in which "$@" is pmuctl with its arguments. */
function sh(script: string, args: string[], options: { cwd?: string; prefix?: string[] } = {}): Promise<Ran> {
  const [first, ...rest] = [...options.prefix ?? [], "sh", "-c", script, "sh", PMUCTL, ...args];
  return run(first, rest, { cwd: options.cwd });
}

/** Runs pmuctl behind tests/programs/hamper.c. */
function hampered(how: string[], args: string[]): Promise<Ran> {
  return run(program("hamper"), [...how, PMUCTL, ...args]);
}

/** Asserts that the last line, and the only one that pmuctl wrote, tells the cause, with status 3. */
function assertRefused({ status, stderr }: Ran, cause: RegExp) {
  const line = stderr.trim().split("\n").at(-1)!;
  assertEquals(status, 3, stderr);
  assertMatch(line, new RegExp(`^pmuctl: cannot .*${cause.source}`));
  assert(!/panicked|Stack backtrace|Uncaught/.test(stderr), stderr);
}

testNeeding([], "a working directory that was removed is told", () =>
  withFolder(async (folder) => {
    const script = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"';
    for (const args of [["--version"], RECORD, ["check", "-m", "wall", "--", "true"]]) {
      assertRefused(await sh(script, args, { cwd: folder }), /the working directory has been removed/);
    }
  }));

testNeeding([], "too few file descriptors to start with are told", async () => {
  for (const args of [["--version"], RECORD, ["stat", "-r", "2", "--", "true"]]) {
    assertRefused(
      await sh('ulimit -n 20; exec "$@"', args),
      /may open \d+ more files, and the runtime alone takes/,
    );
  }
});

testNeeding([], "with few file descriptors a command works, or says that there are too few", async () => {
  for (const limit of [36, 40, 48, 64]) {
    for (
      const args of [RECORD, ["bind", "-e", "task-clock", "--", "true"], ["stat", "-r", "2", "--", "true"]]
    ) {
      const ran = await sh(`ulimit -n ${limit}; exec "$@"`, args);
      if (ran.status !== 0) assertRefused(ran, /too many open files|file descriptors/);
    }
  }
});

testNeeding([], "too little address space is told, with the limit", async () => {
  for (const args of [["--version"], RECORD]) {
    assertRefused(
      await sh('ulimit -v 4000000; exec "$@"', args),
      /within the limits in force \(ulimit -v 4000000\)/,
    );
  }
  // V8 would start with this most of the time, and be ended by a trap the other times
  for (let i = 0; i < 3; i++) {
    const ran = await sh('ulimit -v 40000000; exec "$@"', ["--version"]);
    assertRefused(ran, /\(ulimit -v 40000000\): raise them, ulimit -v to at least 56623104$/m);
  }
  assertEquals((await sh('ulimit -v 60000000; exec "$@"', ["--version"])).status, 0);
});

testNeeding([], "too small a stack is told", async () => {
  for (const args of [["--version"], RECORD]) {
    assertRefused(await sh('ulimit -s 256; exec "$@"', args), /the stack may have 256 KiB/);
  }
});

testNeeding(["otherUser"], "too few processes are told, with the limit", async () => {
  const prefix = ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups"];
  // dash has no -u; which of the two the shell has does not matter
  const script = '(ulimit -u 2) 2>/dev/null && ulimit -u 2 || ulimit -p 2; exec "$@"';
  assertRefused(
    await sh(script, ["--version"], { prefix, cwd: "/" }),
    /within the limits in force \(ulimit -u 2\)/,
  );
});

testNeeding(["cc"], "refused system calls are told, or done without", async () => {
  assertRefused(await hampered(["refuse", "EPERM", "clone3"], ["--version"]), /clone3 is refused/);
  for (const how of [["ENOSYS", "clone3"], ["EPERM", "prlimit64"], ["ENOSYS", "prlimit64"]]) {
    for (const args of [["--version"], RECORD, ["stat", "-r", "2", "--", "true"]]) {
      const { status, stderr } = await hampered(["refuse", ...how], args);
      assertEquals([how, args, status, stderr], [how, args, 0, (await pmuctl(args)).stderr]);
    }
  }
});

const NEEDED = [
  "epoll_create1",
  "epoll_ctl",
  "eventfd2",
  "madvise",
  "recvfrom",
  "rt_sigaction",
  "socketpair",
  "uname",
];

testNeeding(["cc"], "system calls that the runtime ends without are told when they are refused", async () => {
  for (const call of NEEDED) {
    assertRefused(await hampered(["refuse", "EPERM", call], ["--version"]), new RegExp(`${call} is refused`));
  }
});

testNeeding(
  ["cc"],
  "closed standard descriptors hinder only what needs them, in any combination",
  async () => {
    for (const fds of ["0", "1", "2", "01", "02", "12", "012"]) {
      for (const args of [RECORD, ["list-events"]]) {
        const { status, stderr } = await hampered(["closed", fds], args);
        const isLost = fds.includes("1") && args !== RECORD;
        assertEquals([fds, args, status], [fds, args, isLost ? 3 : 0], stderr);
        // what it says to this user is said where there is a standard error
        if (fds.includes("2")) assertEquals(stderr, "");
        else if (isLost) assertMatch(stderr, /^pmuctl: cannot write to standard output: it is closed.*\n$/);
        else assertEquals(stderr, (await pmuctl(args)).stderr);
      }
    }
  },
);

testNeeding(
  [],
  "HOME that is no folder, is not there, is not set, or has a FIFO for ~/.npmrc is no hindrance",
  () =>
    withFolder(async (folder) => {
      await run("mkfifo", [`${folder}/.npmrc`]);
      for (const home of ["HOME=/dev/null", "HOME=/nonexistent", "-uHOME", "HOME=", `HOME=${folder}`]) {
        const { status, stdout } = await run("env", [home, "timeout", "20", PMUCTL, "list-events", "--json"]);
        assertEquals([home, status], [home, 0]);
        assert(stdout.length > 0);
      }
    }),
);

testNeeding([], "the commands that pmuctl runs have the environment that it was given", async () => {
  const environment = async (home: string, command: string[]) => {
    const { stdout } = await run("env", [
      "-i",
      "PATH=/usr/bin:/bin",
      "A=1",
      ...home ? [home] : [],
      ...command,
    ]);
    return stdout.split("\n").filter((line) => /^\w+=/.test(line)).sort();
  };
  for (const home of ["", "HOME=/x y/z", "HOME="]) {
    const direct = await environment(home, ["env"]);
    for (
      const command of [["record", "-q", "-e", "cpu-clock", "-o", "/dev/null"], ["bind", "-e", "task-clock"]]
    ) {
      // the shell that starts the launcher may set PWD
      const given = (await environment(home, [PMUCTL, ...command, "--", "env"]))
        .filter((line) => !/^(PWD|OLDPWD|_|SHLVL)=/.test(line));
      assertEquals(given, direct);
    }
  }
});

testNeeding(
  [],
  "variables that Deno and Node act on do nothing, and reach the command",
  () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/loaded.js`, 'console.error("LOADED");');
      const variables = [
        "NODE_OPTIONS=--inspect=127.0.0.1:9339 --require ./loaded.js",
        "COMPLETE=bash",
        "OTEL_DENO=true",
        "DENO_V8_FLAGS=--help",
        "DENO_DIR=there",
        "NODE_CHANNEL_FD=7",
      ];
      const prefix = ["-i", "PATH=/usr/bin:/bin", "A=1", ...variables, "Z=1"];
      const direct = (await run("env", [...prefix, "env"])).stdout;
      const listening = "env; grep -c 0100007F:247B /proc/net/tcp"; // 9339
      const bind = ["bind", "-o", "/dev/null", "-e", "task-clock", "--", "sh", "-c", listening];
      const { stdout, stderr } = await run("env", [...prefix, PMUCTL, ...bind], { cwd: folder });
      // the shell adds to them
      const lines = stdout.trim().split("\n").filter((line) => !/^(PWD|OLDPWD|_|SHLVL)=/.test(line));
      assertEquals(lines.sort(), [...direct.trim().split("\n"), "0"].sort());
      assert(!stderr.includes("LOADED") && !stderr.includes("ebugger"), stderr);
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["loaded.js"]);
    }),
);

testNeeding(["cc"], "a standard output that does not block gets all there is, once", async () => {
  const { status, stdout } = await hampered(["nonblocking"], ["list-events", "--json"]);
  assertEquals([status, stdout], [0, await pmuctlOk(["list-events", "--json"])]);
});

testNeeding(
  [],
  "a full or closed standard output is told by every command, with status 3, and so is a full file",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/x.data`;
      await pmuctlOk(["record", "-q", "-e", "cpu-clock", "-o", file, "--", "true"]);
      const bind = ["bind", "-e", "task-clock"];
      for (
        const args of [
          ...["list-events", "info", "attrlist", "sets", "--help", "--version"].map((command) => [command]),
          ...[[], ["--json"], ["-g"], ["--format", "html"], ["--format", "pprof"]].map((
            more,
          ) => ["report", "-i", file, ...more]),
          ...["script", "annotate", "bundle -o -"].map((words) => [...words.split(" "), "-i", file]),
          ["script", "--json", "-i", file],
          ["analyze", file],
          ["diff", file, file],
          ["stat", "-r", "2", "--json", "--", "true"],
          [...bind, "--", "true"],
          ["record", "-q", "-e", "cpu-clock", "-o", "-", "--", "true"],
        ]
      ) {
        const ran = await sh('exec "$@" >/dev/full', args);
        assertRefused(ran, /write to standard output: no space left on device/);
        for (const closed of [">&-", ">&- <&-", "1</dev/null"]) {
          const unseen = await sh(`exec "$@" ${closed}`, args);
          assertRefused(unseen, /write to standard output: (it is closed|bad file descriptor)/);
        }
      }
      Deno.symlinkSync("/dev/stdout", `${folder}/link`);
      for (
        const args of [
          ...["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", `${folder}/link`].map((path) => [
            ...["report", "-i", file, "-o", path],
          ]),
          ["report", "-i", file, "--format", "html", "-o", "/dev/stdout"],
          ["script", "-i", file, "-o", "/dev/stdout"],
          ["diff", file, file, "-o", "/dev/stdout"],
          ["bundle", "-i", file, "-o", "/dev/stdout"],
          [...bind, "-o", "/dev/stdout", "--", "true"],
          ["record", "-q", "-e", "cpu-clock", "-o", "/dev/stdout", "--", "true"],
        ]
      ) {
        const unseen = await sh('exec "$@" >&-', args);
        assertRefused(unseen, /write to standard output: it is closed/);
      }
      const other = await sh('exec "$@" 5</dev/null', ["report", "-i", file, "-o", "/dev/fd/5"]);
      assertRefused(other, /write \/dev\/fd\/5: that descriptor is open for reading alone/);
      const report = ["report", "-i", file, "-o", "/dev/stdout"], all = `${folder}/all`;
      const { stdout } = await sh(`{ echo first; "$@"; echo last; } >${all} && cat ${all}`, report);
      assertMatch(
        stdout,
        /^first\ncommand [^]*\nlast\n$/,
        "what is there stays, and what comes is behind it",
      );
      for (
        const args of [["report", "-i", file, "-o", `${folder}/x.txt`], ["record", "-o", file, "--", "true"]]
      ) {
        assertEquals((await sh('exec "$@" >&-', args)).status, 0, `${args}: it needs no standard output`);
      }
      for (
        const args of [["report", "-i", file, "-o", "/dev/full"], [...bind, "-o", "/dev/full", "--", "true"]]
      ) {
        assertRefused(await pmuctl(args), /write \/dev\/full: no space left on device/);
      }
    }),
);

testNeeding([], "a folder for temporary files that is not there is told", async () => {
  const { status, stderr } = await run("env", [
    "TMPDIR=/nonexistent",
    PMUCTL,
    "stat",
    "-r",
    "2",
    "--",
    "true",
  ]);
  if (status !== 0) assertRefused({ status, stderr, signal: null, stdout: "" }, /TMPDIR/);
});

const paranoid = Number(Deno.readTextFileSync("/proc/sys/kernel/perf_event_paranoid"));

testNeeding(["otherUser"], "a user who may not see the kernel is told so once, of all events", async () => {
  const commands = [
    ["record", "-o", "/dev/null", "--", "true"],
    ["record", "-o", "/dev/null", "-e", "page-faults,cpu-clock", "--", "true"],
    ["stat", "-r", "1", "--", "true"],
    ["bind", "--", "true"],
    ["bind", "-e", "task-clock,page-faults", "--", "true"],
    ["record", "-a", "-o", "/dev/null", "--duration", "1"],
  ];
  for (const words of commands) {
    const { stderr } = await asNobody(words);
    const told = stderr.split("\n").filter((line) => line.includes(`perf_event_paranoid is ${paranoid}`));
    // lower levels leave nothing out, but of whole CPUs
    assert(paranoid < 2 ? told.length <= 1 : told.length === 1, `${words.join(" ")}: ${stderr}`);
    assertEquals(/\bdummy\b/.test(stderr), false, stderr); // nobody asked for it
  }
});
