/** The compiled binaries. Made here and left in build/, where the live tests find this machine's. */
import { assertEquals, assertMatch } from "@std/assert";
import { VERSION } from "../../lib/base/version.ts";
import { hasCommand } from "../needs.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const CI = Boolean(Deno.env.get("CI"));
const HOST = Deno.build.arch;

/** Runs a command with no Deno cache to fall back on; its output as text. */
async function run(program: string, args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: "/",
    env: { DENO_DIR: "/nonexistent", NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** Compiles for one architecture; false when what that takes is missing and this is not CI. */
async function compile(arch: string): Promise<boolean> {
  const { code, stderr } = await new Deno.Command(`${ROOT}/scripts/compile`, { args: [arch] }).output();
  const message = new TextDecoder().decode(stderr);
  if (code === 3 && !CI) {
    console.error(`SKIP the compiled binary for ${arch}: ${message}`);
    return false;
  }
  assertEquals(code, 0, message);
  return true;
}

Deno.test("the binary for this machine runs by itself, with no cache and from any directory", async () => {
  if (!await compile(HOST)) return;
  const binary = `${ROOT}/build/pmuctl-${HOST}`;
  assertEquals(await run(binary, ["--version"]), { code: 0, out: `pmuctl ${VERSION}\n`, err: "" });
  assertEquals((await run(binary, ["no-such-command"])).code, 2);
  const { code, out, err } = await run(binary, ["info", "--json"]);
  assertEquals(code, 0, err);
  assertEquals(typeof JSON.parse(out), "object");
});

Deno.test("the binary for the other architecture runs, too", async () => {
  const [arch, emulator] = HOST === "x86_64"
    ? ["aarch64", "qemu-aarch64-static"]
    : ["x86_64", "qemu-x86_64-static"];
  if (!CI && !hasCommand(emulator)) {
    console.error(`SKIP the binary for ${arch}: it needs ${emulator} (apt-get install qemu-user-static)`);
    return;
  }
  if (!await compile(arch)) return;
  const { code, out, err } = await run(emulator, [
    "-L",
    `/usr/${arch}-linux-gnu`,
    `${ROOT}/build/pmuctl-${arch}`,
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
