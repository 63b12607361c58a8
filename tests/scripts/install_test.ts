/** scripts/install and scripts/uninstall, with a stand-in for the binary, below folders of their own. */

import { assertEquals, assertMatch } from "@std/assert";
import { NOBODY, testNeeding } from "../needs.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const FILES = [
  "bin/pmuctl",
  "share/bash-completion/completions/pmuctl",
  "share/doc/pmuctl/LICENSE",
  "share/doc/pmuctl/THIRD-PARTY.md",
  "share/doc/pmuctl/installed",
  "share/fish/vendor_completions.d/pmuctl.fish",
  "share/man/man1/pmuctl.1",
  "share/zsh/site-functions/_pmuctl",
];

interface Scene extends Disposable {
  /** A folder that is there, with a space in its name. */
  folder: string;
  /** A program to install. */
  program: string;
}

function scene(): Scene {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl install-" });
  const program = Deno.makeTempFileSync();
  Deno.writeTextFileSync(program, "#!/bin/sh\necho stand-in\n");
  return {
    folder,
    program,
    [Symbol.dispose]() {
      Deno.removeSync(folder, { recursive: true });
      Deno.removeSync(program);
    },
  };
}

async function run(command: string, args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, env, cwd: "/" }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

async function ok(script: string, args: string[], env?: Record<string, string>): Promise<void> {
  const { code, err } = await run(`${ROOT}/scripts/${script}`, args, env);
  assertEquals(code, 0, err);
}

/** Lists all that is in a folder, folders with a slash behind them. */
function tree(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) =>
    isDirectory ? [`${name}/`, ...tree(`${folder}/${name}`).map((path) => `${name}/${path}`)] : [name]
  ).sort();
}

const filesOf = (folder: string) => tree(folder).filter((path) => !path.endsWith("/"));

Deno.test("install puts the program, its page and completions in place, for everyone to read", async () => {
  using place = scene();
  const prefix = `${place.folder}/new`;
  await ok("install", ["--prefix", prefix, "--program", place.program]);
  assertEquals(filesOf(prefix), FILES);
  for (const file of FILES) {
    const mode = Deno.statSync(`${prefix}/${file}`).mode! & 0o777;
    assertEquals(mode, file === "bin/pmuctl" ? 0o755 : 0o644, file);
  }
  assertEquals((await run(`${prefix}/bin/pmuctl`, [])).out, "stand-in\n");
  assertMatch(Deno.readTextFileSync(`${prefix}/share/man/man1/pmuctl.1`), /^\.TH PMUCTL 1/);
  assertMatch(Deno.readTextFileSync(`${prefix}/share/zsh/site-functions/_pmuctl`), /^#compdef pmuctl\n/);

  await ok("uninstall", [`--prefix=${prefix}`]);
  assertEquals(tree(place.folder), []);
});

Deno.test("uninstall leaves what was there before, empty folders too, also after a second install", async () => {
  using place = scene();
  for (const path of ["bin", "share/man/man1", "share/fish"]) {
    Deno.mkdirSync(`${place.folder}/${path}`, { recursive: true });
  }
  Deno.writeTextFileSync(`${place.folder}/bin/other`, "");
  const before = tree(place.folder);
  for (const _ of [1, 2]) await ok("install", ["--prefix", `${place.folder}/`, "--program", place.program]);
  Deno.writeTextFileSync(`${place.folder}/share/zsh/site-functions/_other`, "");
  await ok("uninstall", ["--prefix", place.folder]);
  const kept = ["share/zsh/", "share/zsh/site-functions/", "share/zsh/site-functions/_other"];
  assertEquals(tree(place.folder), [...before, ...kept].sort());
});

Deno.test("uninstall removes no other folder, whatever the list of folders says", async () => {
  using place = scene();
  const prefix = `${place.folder}/new`;
  await ok("install", ["--prefix", prefix, "--program", place.program]);
  Deno.mkdirSync(`${prefix}/empty`);
  Deno.mkdirSync(`${place.folder}/outside`);
  Deno.writeTextFileSync(`${prefix}/share/doc/pmuctl/installed`, "empty\n../outside\nbin\n* /\n", {
    append: true,
  });
  await ok("uninstall", ["--prefix", prefix]);
  assertEquals(tree(place.folder), ["new/", "new/empty/", "outside/"]);
});

Deno.test("an install that fails half-way leaves nothing, and says the cause with status 3", async () => {
  for (const file of ["bin/pmuctl", "share/doc/pmuctl/installed"]) {
    using place = scene();
    Deno.mkdirSync(`${place.folder}/${file}`, { recursive: true }); // a folder where a file goes
    const before = tree(place.folder);
    const { code, err } = await run(`${ROOT}/scripts/install`, [
      ...["--prefix", place.folder, "--program", place.program],
    ]);
    assertEquals(code, 3);
    assertMatch(err, /^pmuctl: cannot install to .*: .* is a folder: nothing was installed\n$/);
    assertEquals(tree(place.folder), before);
  }
  using place = scene();
  Deno.symlinkSync("/nonexistent/folder", `${place.folder}/share`);
  const { code, err } = await run(`${ROOT}/scripts/install`, [
    ...["--prefix", place.folder, "--program", place.program],
  ]);
  assertEquals(code, 3);
  assertMatch(err, /^pmuctl: cannot install to .*mkdir: .*: nothing was installed\n$/);
  assertEquals(tree(place.folder), ["share"]);
});

Deno.test("install goes below DESTDIR, and as a link to the checkout with --link", async () => {
  using place = scene();
  const env = { DESTDIR: `${place.folder}/stage` };
  await ok("install", ["--prefix", "/usr", "--link"], env);
  assertEquals(filesOf(`${place.folder}/stage/usr`), FILES);
  assertEquals(Deno.readLinkSync(`${place.folder}/stage/usr/bin/pmuctl`), `${ROOT}/scripts/pmuctl`);
  await ok("uninstall", ["--prefix", "/usr"], env);
  assertEquals(tree(place.folder), ["stage/"]);
});

Deno.test("install and uninstall refuse command lines they do not understand, with status 2", async () => {
  using place = scene();
  for (
    const [script, ...args] of [
      ["install", "--prefix"],
      ["install", "--prefix", "relative"],
      ["install", "--nonsense"],
      ["install", "--program", "/nonexistent", "--prefix", place.folder],
      ["install", "--program", place.program, "--link", "--prefix", place.folder],
      ["uninstall", "--link"],
      ["uninstall", "extra"],
    ]
  ) {
    const { code, err } = await run(`${ROOT}/scripts/${script}`, args);
    assertEquals(code, 2, `${script} ${args.join(" ")}: ${err}`);
    assertMatch(err, /^pmuctl: (un)?install: .*\n$/);
  }
  assertEquals(tree(place.folder), []);
});

Deno.test("uninstall says where nothing was installed, with status 3", async () => {
  using place = scene();
  Deno.mkdirSync(`${place.folder}/bin`);
  Deno.writeTextFileSync(`${place.folder}/bin/pmuctl`, "");
  const { code, err } = await run(`${ROOT}/scripts/uninstall`, ["--prefix", place.folder]);
  assertEquals(code, 3);
  assertMatch(err, /scripts\/install has not installed it there/);
  assertEquals(tree(place.folder), ["bin/", "bin/pmuctl"]);
});

testNeeding(["otherUser"], "install says where it may not write, with status 3", async () => {
  const command = [
    ...NOBODY.options,
    "--",
    `${ROOT}/scripts/install`,
    "--prefix",
    "/usr/no-such-folder",
    "--link",
  ];
  const { code, err } = await run("setpriv", command);
  assertEquals(code, 3, err);
  assertMatch(
    err,
    /cannot install to \/usr\/no-such-folder: you may not write to \/usr: be root, or .*--prefix/,
  );
});
