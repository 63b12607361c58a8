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

/** Makes this machine's packages. Gives their names and contents' sums. */
async function packagesOfHost(): Promise<string> {
  const made = await run(`${ROOT}/scripts/package`, [HOST], {});
  assertEquals(made.code, 0, made.err);
  return Deno.readTextFileSync(`${PACKAGES}/SHA256SUMS`);
}

const PACKAGES = `${ROOT}/build/packages`;
const noPackages = noHostBinary || !hasCommand("dpkg-deb") && "it needs dpkg-deb (apt-get install dpkg)";

testUnless(
  noPackages,
  "packages hold a program that runs, and are the same when they are made again",
  async () => {
    const sums = await packagesOfHost();
    assertEquals(await packagesOfHost(), sums);
    const debian = HOST === "x86_64" ? "amd64" : "arm64";
    const tarball = `pmuctl-${VERSION}-linux-${HOST}`;
    const deb = `pmuctl_${VERSION}-1_${debian}.deb`;
    assertEquals(sums.trimEnd().split("\n").map((line) => line.split("  ")[1]), [`${tarball}.tar.gz`, deb]);
    const checked = await new Deno.Command("sha256sum", { args: ["-c", "SHA256SUMS"], cwd: PACKAGES })
      .output();
    assertEquals(checked.code, 0);

    const folder = Deno.makeTempDirSync();
    try {
      assertEquals((await run("tar", ["-C", folder, "-xf", `${PACKAGES}/${tarball}.tar.gz`], {})).code, 0);
      const program = `${folder}/${tarball}/bin/pmuctl`;
      assertEquals(await run(program, ["--version"]), { code: 0, out: `pmuctl ${VERSION}\n`, err: "" });

      assertEquals((await run("dpkg-deb", ["-x", `${PACKAGES}/${deb}`, `${folder}/deb`], {})).code, 0);
      for (
        const file of [
          "bin/pmuctl",
          "share/man/man1/pmuctl.1.gz",
          "share/bash-completion/completions/pmuctl",
          "share/zsh/vendor-completions/_pmuctl",
          "share/fish/vendor_completions.d/pmuctl.fish",
          "share/doc/pmuctl/copyright",
          "share/doc/pmuctl/changelog.Debian.gz",
        ]
      ) assertEquals(Deno.statSync(`${folder}/deb/usr/${file}`).isFile, true, file);
      assertEquals(await Deno.readFile(`${folder}/deb/usr/bin/pmuctl`), await Deno.readFile(program));
      const { out } = await run("dpkg-deb", ["-f", `${PACKAGES}/${deb}`, "Architecture", "Depends"], {});
      assertEquals(out, `Architecture: ${debian}\nDepends: libc6 (>= 2.27), libgcc-s1 | libgcc1\n`);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
);

/** Libraries that the packages' dependencies bring: those of glibc, and libgcc. */
const LIBRARIES = /^(lib(c|m|dl|rt|pthread|gcc_s)\.so\.\d+|ld-linux-[\w-]+\.so\.\d)$/;

for (const [arch, hindrance] of [[HOST, noHostBinary], [OTHER, noOtherBinary]] as const) {
  testUnless(
    hindrance || !hasCommand("objdump") && "it needs objdump (apt-get install binutils)",
    `the binary for ${arch} needs no library that its package does not depend on, and no newer glibc`,
    async () => {
      const tool = arch === HOST ? "objdump" : `${arch}-linux-gnu-objdump`;
      const { out } = await run(tool, ["-p", `${ROOT}/build/pmuctl-${arch}`], {});
      const needed = Array.from(out.matchAll(/NEEDED +(\S+)/g), ([, name]) => name);
      assertMatch(needed.join(), /libc\.so\.6/);
      assertEquals(needed.filter((name) => !LIBRARIES.test(name)), []);
      const versions = Array.from(out.matchAll(/GLIBC_2\.(\d+)/g), ([, minor]) => Number(minor));
      assertEquals(Math.max(...versions), 27);
    },
  );
}

testUnless(
  noPackages || !hasCommand("lintian") && "it needs lintian (apt-get install lintian)",
  "lintian has nothing to say about the .deb",
  async () => {
    const [deb] = Array.from(Deno.readDirSync(PACKAGES), ({ name }) => name).filter((name) =>
      name.endsWith(".deb")
    );
    assertEquals(await run("lintian", ["--allow-root", `${PACKAGES}/${deb}`], {}), {
      code: 0,
      out: "",
      err: "",
    });
  },
);
