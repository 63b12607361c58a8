import { assertEquals } from "@std/assert";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Stand-in for Deno: `bundle` makes main.js, a part that all builds share, and one of this build; `eval` the demangler. */
const FAKE_DENO = `#!/bin/sh
case $1 in
  bundle)
    while [ "$1" != --outdir ]; do shift; done
    mkdir -p "$2"
    for name in main shared-1 "part-$BUILD"; do echo "$BUILD" >"$2/$name.js"; done
    ;;
  eval) while [ $# -gt 1 ]; do shift; done; echo wasm >"$1" ;;
esac
`;

Deno.test("build-program keeps the parts of the newest builds, and of no others", () => {
  const root = Deno.makeTempDirSync({ prefix: "pmuctl-program-" });
  try {
    Deno.mkdirSync(`${root}/scripts`);
    for (const name of ["build-program", "common.sh"]) {
      Deno.copyFileSync(`${ROOT}scripts/${name}`, `${root}/scripts/${name}`);
    }
    Deno.mkdirSync(`${root}/.deno`);
    Deno.writeTextFileSync(`${root}/.deno/fake`, FAKE_DENO, { mode: 0o755 });
    Deno.writeTextFileSync(`${root}/.deno/state`, `deno=${root}/.deno/fake\nimport_map=none\n`);
    const program = `${root}/build/program`;
    Deno.mkdirSync(program, { recursive: true });
    Deno.writeTextFileSync(`${program}/part-of-no-list.js`, "");
    const partsAfter = (build: number) => {
      const { success, stderr } = new Deno.Command(`${root}/scripts/build-program`, {
        env: { BUILD: String(build) },
      }).outputSync();
      assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
      assertEquals(Deno.readTextFileSync(`${program}/main.js`), `${build}\n`);
      return Array.from(Deno.readDirSync(program), ({ name }) => name).filter((name) => name.endsWith(".js"))
        .sort();
    };
    assertEquals(partsAfter(1), ["main.js", "part-1.js", "shared-1.js"]);
    for (const build of [2, 3, 4]) partsAfter(build);
    const five = ["main.js", "part-1.js", "part-2.js", "part-3.js", "part-4.js", "part-5.js", "shared-1.js"];
    assertEquals(partsAfter(5), five);
    assertEquals(partsAfter(6), ["main.js", ...[2, 3, 4, 5, 6].map((n) => `part-${n}.js`), "shared-1.js"]);
    assertEquals(Array.from(Deno.readDirSync(`${root}/build`), ({ name }) => name), ["program"]);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
