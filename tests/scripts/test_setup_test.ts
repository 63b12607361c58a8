/** What scripts/test-setup says of what it will install, on a machine where apt is a script. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
/** Commands of a bare system that the script uses. */
const TOOLS = ["sh", "sed", "uname"];

/** What apt-get says of a plan, as Debian's does. */
const PLAN = `Reading package lists...
0 upgraded, 43 newly installed, 0 to remove and 139 not upgraded.
Need to get 81.1 MB of archives.
After this operation, 464 MB of additional disk space will be used.`;

/** Runs test-setup with an apt-get that notes what it is told and knows neither valgrind nor, as Ubuntu, linux-perf. */
async function setUp(args: string[], { uid = 0, plan = PLAN, fails = "" } = {}) {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-setup-" });
  try {
    for (const name of TOOLS) Deno.symlinkSync(await which(name), `${folder}/${name}`);
    Deno.writeTextFileSync(`${folder}/plan`, `${plan}\n`);
    const script = (name: string, text: string) =>
      Deno.writeTextFileSync(`${folder}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    script("id", `echo ${uid}`);
    script(
      "apt-get",
      `case "$*" in
         *-s*" valgrind" | *-s*" linux-perf") exit 100 ;;
         *-s*) ;;
         *--assume-no*) while IFS= read -r line; do echo "$line"; done <"${folder}/plan"; exit 1 ;;
         *) echo "$*" >>"${folder}/told"; case "$*" in ${fails || "none"}) exit 100 ;; esac ;;
       esac`,
    );
    const { code, stdout, stderr } = await new Deno.Command(`${ROOT}/scripts/test-setup`, {
      args,
      env: { PATH: folder, HOME: folder },
      clearEnv: true,
    }).output();
    let told: string[] = [];
    try {
      told = Deno.readTextFileSync(`${folder}/told`).trim().split("\n");
    } catch {
      // nothing
    }
    return { code, out: new TextDecoder().decode(stdout), said: new TextDecoder().decode(stderr), told };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

async function which(name: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${name}`] }).output();
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("test-setup says what it installs and how large that is, then installs it at once", async () => {
  const { code, said, told } = await setUp([]);
  assertEquals(code, 0, said);
  assertStringIncludes(
    said,
    "installing for the tests 43 packages, 81.1 MB to download, 464 MB on disk: gcc g++ ",
  );
  assertStringIncludes(said, "'scripts/test --quick' installs nothing");
  assertEquals(told.length, 2, told.join("\n"));
  assertMatch(told[0], /^update/);
  assertMatch(told[1], /^install -y .* gcc g\+\+ .* linux-tools-generic .* chromium/);
  assert(!told[1].includes("valgrind") && !told[1].includes("linux-perf"), told[1]);
  assertStringIncludes(said, "TESTS WILL BE SKIPPED for lack of valgrind: apt-get cannot install it");
});

Deno.test("test-setup says that apt does not know how large something is", async () => {
  const { said } = await setUp([], { plan: "E: broken" });
  assertStringIncludes(said, "some packages, an unknown size to download, an unknown size on disk: gcc");
});

Deno.test("test-setup --dry-run says it, and neither installs nor fetches lists", async () => {
  const { code, said, told } = await setUp(["--dry-run"]);
  assertEquals([code, told], [0, []], said);
  assertStringIncludes(said, "464 MB on disk");
});

Deno.test("where all packages together cannot be installed, test-setup installs those that can", async () => {
  const { code, said, told } = await setUp([], { fails: "*hyperfine*" });
  assertEquals(code, 0, said);
  assert(told.some((line) => / gcc$/.test(line)), told.join("\n"));
  assertStringIncludes(said, "TESTS WILL BE SKIPPED for lack of hyperfine: apt-get could not install it");
});

Deno.test("where it may not install, test-setup names the packages", async () => {
  const { code, said, told } = await setUp([], { uid: 1000 });
  assertEquals([code, told], [0, []], said);
  assertStringIncludes(said, "TESTS WILL BE SKIPPED for lack of packages: as root, apt-get install gcc g++");
});

Deno.test("test-setup refuses what it does not know", async () => {
  const { code, said } = await setUp(["--wet-run"]);
  assertEquals([code, said.split("\n").length], [2, 2]);
});
