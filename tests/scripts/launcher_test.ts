/** Set-up and launcher, on a copy of the checkout's scripts with a program that prints its arguments. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** What the scripts may use of a bare system besides npm, git and a compiler. */
const TOOLS = ["sh", "flock", "uname", "mkdir", "cat", "mv", "rm", "timeout", "readlink", "dirname", "cp"];

/** Of each place that the program is put together from one. */
const PROGRAM_SOURCES = [
  "main.ts",
  "lib/base/root.ts",
  "lib/base/system/errors.ts",
  "lib/report/html/tables.ts",
  "ffi/load.ts",
  "deno.json",
  "deno.lock",
];
const PAGE_SOURCES = [
  "lib/report/page/main.ts",
  "lib/report/html/tables.ts",
  "lib/report/flame/chart.js",
  "lib/report/flame/layout.ts",
  "lib/report/shared/amount.ts",
  "lib/profile/model/profile.ts",
  "lib/profile/query/aggregation_keys.ts",
];

interface Checkout extends Disposable {
  path: string;
  /** Runs a script of the checkout; PATH holds `first`, TOOLS, this Deno and, unless told otherwise, a compiler. */
  run(script: string, args: string[], options?: RunOptions): Promise<Result>;
}

interface RunOptions {
  cwd?: string;
  compiler?: boolean;
  first?: string;
}

interface Result {
  code: number;
  out: string;
  err: string;
}

/** Writes a folder of links to TOOLS, a `cc` when asked for, and `deno`: the one running this. */
function toolbox(path: string, compiler: boolean): string {
  Deno.mkdirSync(path, { recursive: true });
  for (const name of TOOLS) {
    const dir = (Deno.env.get("PATH") ?? "").split(":").find((dir) => {
      try {
        return Deno.statSync(`${dir}/${name}`).isFile;
      } catch {
        return false;
      }
    });
    if (dir === undefined) throw new Error(`this test needs ${name} on PATH`);
    Deno.symlinkSync(`${dir}/${name}`, `${path}/${name}`);
  }
  if (compiler) Deno.writeTextFileSync(`${path}/cc`, "#!/bin/sh\n", { mode: 0o755 });
  Deno.symlinkSync(Deno.execPath(), `${path}/deno`);
  return path;
}

/** A fresh checkout: no .deno, no build, and a shim and a page "built" by stand-ins for their scripts. */
function freshCheckout(): Checkout {
  const path = Deno.makeTempDirSync({ prefix: "pmuctl-checkout-" });
  for (
    const dir of [
      "scripts/no-jsr",
      "ffi/shim/drain",
      ".deno",
      "lib/report/page",
      "lib/report/html",
      "lib/report/flame",
      "lib/report/shared",
      "lib/profile/model",
      "lib/profile/query",
      "lib/base/system",
      "lib/cli/completions",
    ]
  ) {
    Deno.mkdirSync(`${path}/${dir}`, { recursive: true });
  }
  for (const script of ["setup", "common.sh", "pmuctl", "deno"]) {
    Deno.copyFileSync(`${ROOT}/scripts/${script}`, `${path}/scripts/${script}`);
  }
  for (const file of ["deno.json", "deno.lock"]) Deno.copyFileSync(`${ROOT}/${file}`, `${path}/${file}`);
  Deno.writeTextFileSync(`${path}/scripts/no-jsr/import_map.json`, '{"imports":{}}');
  for (const source of ["pmu.c", "pmu.h", "pmu.map", "drain/drain.c"]) {
    Deno.writeTextFileSync(`${path}/ffi/shim/${source}`, "");
  }
  Deno.writeTextFileSync(
    `${path}/main.ts`,
    "console.log(Deno.cwd(), JSON.stringify(Deno.args)); Deno.exit(7);",
  );
  for (
    const source of [
      "lib/base/root.ts",
      "lib/base/system/errors.ts",
      "lib/cli/completions/pmuctl.bash",
      "ffi/load.ts",
    ]
  ) {
    Deno.writeTextFileSync(`${path}/${source}`, "");
  }
  const program = `${path}/build/program`;
  Deno.writeTextFileSync(
    `${path}/scripts/build-program`,
    `#!/bin/sh\nmkdir -p "${program}"\ncat "${path}/main.ts" >"${program}/main.js"\n` +
      `echo '{ "workspace": [] }' >"${program}/deno.json"\necho made >>"${path}/programs"\n`,
    { mode: 0o755 },
  );
  Deno.writeTextFileSync(
    `${path}/scripts/build-shim`,
    `#!/bin/sh\nmkdir -p "${path}/build/shim"\n: >"${path}/build/shim/libpmu-${Deno.build.arch}.so"\n`,
    { mode: 0o755 },
  );
  for (const source of PAGE_SOURCES) Deno.writeTextFileSync(`${path}/${source}`, "");
  Deno.writeTextFileSync(`${path}/lib/report/page/deno.json`, "{}");
  Deno.writeTextFileSync(
    `${path}/scripts/build-page`,
    `#!/bin/sh\nmkdir -p "${path}/build"\n: >"${path}/build/page.js"\necho page >>"${path}/pages"\n`,
    { mode: 0o755 },
  );
  // As if the network had been asked: the choice is remembered.
  Deno.writeTextFileSync(`${path}/.deno/imports`, "scripts/no-jsr/import_map.json\n");
  let boxes = 0;
  return {
    path,
    async run(script, args, { cwd = "/", compiler = true, first } = {}) {
      const box = toolbox(`${path}/box${boxes++}`, compiler), PATH = first ? `${first}:${box}` : box;
      const command = new Deno.Command(script, { args, cwd, env: { PATH, NO_COLOR: "1", CC: "cc" } });
      const { code, stdout, stderr } = await command.output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, out: text(stdout), err: text(stderr) };
    },
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

Deno.test("the launcher sets up a fresh checkout, then runs the program and passes its status on", async () => {
  using checkout = freshCheckout();
  const first = await checkout.run(`${checkout.path}/scripts/pmuctl`, ["a b", "", "--x"]);
  assertEquals(first, { code: 7, out: '/ ["a b","","--x"]\n', err: "pmuctl: building the shim\n" });
  const second = await checkout.run(`${checkout.path}/scripts/pmuctl`, []);
  assertEquals(second, { code: 7, out: "/ []\n", err: "" });
});

Deno.test("the launcher works through links and from any directory", async () => {
  using checkout = freshCheckout();
  await checkout.run(`${checkout.path}/scripts/setup`, []);
  Deno.mkdirSync(`${checkout.path}/bin`);
  Deno.symlinkSync("../scripts/pmuctl", `${checkout.path}/bin/one`);
  Deno.symlinkSync(`${checkout.path}/bin/one`, `${checkout.path}/bin/two`);
  const { path } = checkout;
  assertEquals((await checkout.run("../bin/two", [], { cwd: `${path}/ffi` })).out, `${path}/ffi []\n`);
  assertEquals((await checkout.run("./pmuctl", [], { cwd: `${path}/scripts` })).out, `${path}/scripts []\n`);
  assertEquals((await checkout.run("sh", ["one"], { cwd: `${path}/bin` })).out, `${path}/bin []\n`);
});

Deno.test("set-up takes another Deno than the checkout's own script, where PATH has that first", async () => {
  using checkout = freshCheckout();
  const scripts = `${checkout.path}/scripts`;
  const { code, out } = await checkout.run(`${scripts}/pmuctl`, [], { first: scripts });
  assertEquals([code, out], [7, "/ []\n"]);
});

Deno.test("the remembered choice decides between the stand-ins and deno.json's own imports", async () => {
  using checkout = freshCheckout();
  const { path } = checkout;
  Deno.writeTextFileSync(`${path}/real.ts`, 'export default "real";');
  Deno.writeTextFileSync(`${path}/stand_in.ts`, 'export default "stand-in";');
  Deno.writeTextFileSync(`${path}/main.ts`, 'import which from "which"; console.log(which);');
  Deno.writeTextFileSync(`${path}/deno.json`, '{"imports":{"which":"./real.ts"}}');
  // what is put together has its imports in it
  Deno.writeTextFileSync(`${path}/scripts/build-program`, "#!/bin/sh\nexit 3\n");
  const map = "scripts/no-jsr/import_map.json";
  Deno.writeTextFileSync(`${path}/${map}`, '{"imports":{"which":"../../stand_in.ts"}}');
  for (const [choice, expected] of [[map, "stand-in"], ["", "real"]]) {
    Deno.removeSync(`${path}/.deno`, { recursive: true });
    Deno.mkdirSync(`${path}/.deno`);
    Deno.writeTextFileSync(`${path}/.deno/imports`, `${choice}\n`);
    assertEquals((await checkout.run(`${path}/scripts/pmuctl`, [])).out, `${expected}\n`);
  }
});

Deno.test("two first launches at once set up once", async () => {
  using checkout = freshCheckout();
  const launch = () => checkout.run(`${checkout.path}/scripts/pmuctl`, []);
  const results = await Promise.all([launch(), launch(), launch()]);
  assertEquals(results.map(({ code }) => code), [7, 7, 7]);
  assertEquals(results.map(({ err }) => err).join("").split("building the shim").length - 1, 1);
});

Deno.test("set-up builds the shim again when a source is newer", async () => {
  using checkout = freshCheckout();
  const setup = () => checkout.run(`${checkout.path}/scripts/setup`, []);
  await setup();
  assertEquals((await setup()).err, "");
  const later = new Date(Date.now() + 5000);
  Deno.utimeSync(`${checkout.path}/ffi/shim/pmu.h`, later, later);
  assertStringIncludes((await setup()).err, "building the shim");
});

/** Asserts that running `script` has made something once, a line in `log`, and again after each of the sources became newer. */
async function assertMadeAgain(
  script: string,
  { status, log, sources }: { status: number; log: string; sources: readonly string[] },
) {
  using checkout = freshCheckout();
  const made = async () => {
    assertEquals((await checkout.run(`${checkout.path}/scripts/${script}`, [])).code, status);
    return Deno.readTextFileSync(`${checkout.path}/${log}`).split("\n").length - 1;
  };
  assertEquals([await made(), await made()], [1, 1]);
  for (const [i, source] of sources.entries()) {
    const later = new Date(Date.now() + 5000);
    Deno.utimeSync(`${checkout.path}/${source}`, later, later);
    assertEquals(await made(), i + 2, source);
    Deno.utimeSync(`${checkout.path}/${source}`, 0, 0);
  }
}

Deno.test("set-up makes the page of HTML reports, and again when a source of it is newer", async () => {
  await assertMadeAgain("setup", { status: 0, log: "pages", sources: PAGE_SOURCES });
});

Deno.test("set-up puts the program together, and again when a source of it is newer", async () => {
  await assertMadeAgain("pmuctl", { status: 7, log: "programs", sources: PROGRAM_SOURCES });
});

Deno.test("the launcher runs the program as put together, and as it is where that is out of date and fails", async () => {
  using checkout = freshCheckout();
  const { path } = checkout;
  const launch = () => checkout.run(`${path}/scripts/pmuctl`, []);
  await launch();
  Deno.writeTextFileSync(`${path}/build/program/main.js`, 'console.log("together");');
  assertEquals((await launch()).out, "together\n");
  Deno.writeTextFileSync(`${path}/scripts/build-program`, "#!/bin/sh\necho no program >&2; exit 3\n");
  const later = new Date(Date.now() + 5000);
  Deno.utimeSync(`${path}/main.ts`, later, later);
  assertEquals(await launch(), { code: 7, out: "/ []\n", err: "no program\n" });
});

Deno.test("where the page cannot be made set-up says so, and the launcher still runs the program", async () => {
  using checkout = freshCheckout();
  Deno.writeTextFileSync(`${checkout.path}/scripts/build-page`, "#!/bin/sh\necho no page >&2; exit 3\n");
  const setup = await checkout.run(`${checkout.path}/scripts/setup`, []);
  assertEquals([setup.code, setup.err], [3, "no page\npmuctl: building the shim\n"]);
  const launch = await checkout.run(`${checkout.path}/scripts/pmuctl`, []);
  assertEquals([launch.code, launch.out], [7, "/ []\n"]);
});

Deno.test("without a compiler set-up names the package, and the launcher still runs the program", async () => {
  using checkout = freshCheckout();
  const setup = await checkout.run(`${checkout.path}/scripts/setup`, [], { compiler: false });
  assertEquals(setup.code, 3);
  assertMatch(setup.err, /^pmuctl: no C compiler .*apt-get install gcc libc6-dev\n$/);
  const launch = await checkout.run(`${checkout.path}/scripts/pmuctl`, [], { compiler: false });
  assertEquals([launch.code, launch.out], [7, "/ []\n"]);
});

Deno.test("the launcher lets the program tell a closed standard output, without a compiler too", async () => {
  using checkout = freshCheckout();
  Deno.writeTextFileSync(
    `${checkout.path}/main.ts`,
    'console.error(parseInt(/^flags:\\s+(\\d+)/m.exec(Deno.readTextFileSync("/proc/self/fdinfo/1"))?.[1] ?? "", 8) & 3);',
  );
  const launcher = `${checkout.path}/scripts/pmuctl`;
  for (const [output, access] of [[">&-", "0"], [">/dev/null", "1"], ["", "1"]]) {
    const { err } = await checkout.run("sh", ["-c", `exec "$0" ${output}`, launcher], { compiler: false });
    assertEquals(err.trim().split("\n").at(-1), access, output);
  }
});

Deno.test("without Deno and npm set-up names the package", async () => {
  using checkout = freshCheckout();
  const PATH = toolbox(`${checkout.path}/box`, false);
  Deno.removeSync(`${PATH}/deno`);
  const command = new Deno.Command(`${checkout.path}/scripts/setup`, { env: { PATH } });
  const { code, stderr } = await command.output();
  assertEquals(code, 3);
  assertMatch(new TextDecoder().decode(stderr), /^pmuctl: no Deno .*apt-get install npm\n$/);
});
