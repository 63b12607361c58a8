/** The compiled binaries. Made here and left in build/, where the live tests find this machine's. */
import { assertEquals, assertMatch } from "@std/assert";
import { VERSION } from "../../lib/base/system/version.ts";
import { hasCommand, testUnless } from "../needs.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const HOST = Deno.build.arch;

/** Runs a command, its output as text; with no Deno cache to fall back on unless `env` says otherwise. */
async function run(
  program: string,
  args: string[],
  env: Record<string, string> = { DENO_DIR: "/nonexistent" },
) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: "/",
    env: { ...env, NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** Compiles for one architecture. Gives why that cannot be done here, or false when it has been. */
async function hindranceTo(arch: string): Promise<string | false> {
  const { code, stderr } = await new Deno.Command(`${ROOT}/scripts/compile`, { args: [arch] }).output();
  const message = new TextDecoder().decode(stderr).trim();
  if (code !== 0 && code !== 3) throw new Error(message);
  return code === 3 && message;
}

const [OTHER, EMULATOR] = HOST === "x86_64"
  ? ["aarch64", "qemu-aarch64-static"]
  : ["x86_64", "qemu-x86_64-static"];
const noHostBinary = await hindranceTo(HOST);
const noOtherBinary = hasCommand(EMULATOR)
  ? await hindranceTo(OTHER)
  : `it needs ${EMULATOR} (apt-get install qemu-user-static)`;

testUnless(
  noHostBinary,
  "the binary for this machine runs by itself, with no cache and from any directory",
  async () => {
    const binary = `${ROOT}/build/pmuctl-${HOST}`;
    assertEquals(await run(binary, ["--version"]), { code: 0, out: `pmuctl ${VERSION}\n`, err: "" });
    assertEquals((await run(binary, ["no-such-command"])).code, 2);
    const { code, out, err } = await run(binary, ["info", "--json"]);
    assertEquals(code, 0, err);
    assertEquals(typeof JSON.parse(out), "object");
  },
);

testUnless(
  noHostBinary,
  "the binary has the HTML report's page in it, as the checkout makes it",
  async () => {
    const report = ["report", "--format", "html", "-i", `${ROOT}/tests/testdata/perfdata/callgraph.data`];
    const { code, out, err } = await run(`${ROOT}/build/pmuctl-${HOST}`, report);
    assertEquals(code, 0, err);
    assertEquals(out, (await run(`${ROOT}/scripts/pmuctl`, report, {})).out);
  },
);

testUnless(noOtherBinary, "the binary for the other architecture runs, too", async () => {
  const { code, out, err } = await run(EMULATOR, [
    "-L",
    `/usr/${OTHER}-linux-gnu`,
    `${ROOT}/build/pmuctl-${OTHER}`,
    "--version",
  ]);
  assertEquals([code, out], [0, `pmuctl ${VERSION}\n`], err);
});

Deno.test("scripts/compile refuses what it does not know, with status 2", async () => {
  for (const args of [["sparc"], ["--base", "floppy"], ["--base"]]) {
    const { code, err } = await run(`${ROOT}/scripts/compile`, args);
    assertEquals(code, 2, args.join(" "));
    assertMatch(err, /usage: scripts\/compile/);
  }
});
