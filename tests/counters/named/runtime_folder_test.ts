import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import {
  checkFolder,
  folderPath,
  isSetName,
  makeFolder,
  socketPath,
} from "../../../lib/counters/named/runtime_folder.ts";

const UID = Deno.uid()!;

/** Calls `body` with a folder of our own that is removed afterwards. */
function inFolder(body: (folder: string) => void) {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" });
  try {
    body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function problem(path: string, uid = UID): string {
  return assertThrows(() => checkFolder(path, uid), UnsupportedError).message;
}

Deno.test("the folder is /run/pmuctl for root, whatever the environment says", () => {
  assertEquals(folderPath(0, () => "/run/user/1000"), "/run/pmuctl");
});

Deno.test("the folder is in XDG_RUNTIME_DIR, or in /tmp by number where that is not set", () => {
  assertEquals(folderPath(1000, () => "/run/user/1000/"), "/run/user/1000/pmuctl");
  assertEquals(folderPath(1000, () => undefined), "/tmp/pmuctl-1000");
  assertEquals(folderPath(1000, () => ""), "/tmp/pmuctl-1000");
  assertThrows(() => folderPath(1000, () => "run"), UnsupportedError, "not an absolute path");
});

Deno.test("makeFolder() makes it its owner's alone, and takes one that is", () =>
  inFolder((folder) => {
    const path = `${folder}/pmuctl`;
    assertEquals(checkFolder(path, UID), false);
    makeFolder(path, UID);
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o700);
    makeFolder(path, UID);
    assertEquals(checkFolder(path, UID), true);
  }));

Deno.test("makeFolder() makes it whatever the umask, and below a folder with the set-group-ID bit", () =>
  inFolder((folder) => {
    Deno.chmodSync(folder, 0o2700);
    const path = `${folder}/pmuctl`;
    const umask = Deno.umask(0o777);
    try {
      makeFolder(path, UID);
    } finally {
      assertEquals(Deno.umask(umask), 0o777);
    }
    assertEquals(Deno.statSync(path).mode! & 0o7777, 0o2700);
  }));

Deno.test("checkFolder() refuses another mode, with what is wrong and what to do", () =>
  inFolder((folder) => {
    const path = `${folder}/pmuctl`;
    Deno.mkdirSync(path);
    Deno.chmodSync(path, 0o750);
    assertEquals(
      problem(path),
      `cannot use ${path} for the sockets of named sets: its mode is 0750, not 0700: ` +
        "find out who changed it, then remove it: pmuctl creates it again",
    );
  }));

Deno.test("checkFolder() refuses another owner, a symbolic link and a file", () =>
  inFolder((folder) => {
    makeFolder(`${folder}/pmuctl`, UID);
    assertStringIncludes(
      problem(`${folder}/pmuctl`, UID + 1),
      `belongs to user ${UID}, not to user ${UID + 1}`,
    );
    Deno.symlinkSync(`${folder}/pmuctl`, `${folder}/link`);
    assertStringIncludes(problem(`${folder}/link`), "symbolic link");
    Deno.writeTextFileSync(`${folder}/file`, "");
    assertStringIncludes(problem(`${folder}/file`), "not a folder");
  }));

Deno.test("checkFolder() refuses a parent in which others can put another folder", () =>
  inFolder((folder) => {
    makeFolder(`${folder}/pmuctl`, UID);
    Deno.chmodSync(folder, 0o777);
    assertStringIncludes(problem(`${folder}/pmuctl`), "others may write to");
    Deno.chmodSync(folder, 0o1777); // as /tmp
    assertEquals(checkFolder(`${folder}/pmuctl`, UID), true);
  }));

Deno.test("a name is up to 64 letters, digits, dots, dashes and underlines", () => {
  for (const name of ["a", "web-1.x_Y", ".", "..", "x".repeat(64)]) assertEquals(isSetName(name), true, name);
  for (const name of ["", "a/b", "a b", "ä", "a\n", "x".repeat(65)]) {
    assertEquals(isSetName(name), false, name);
  }
});

Deno.test("socketPath() refuses what is longer than the path of a socket can be", () => {
  assertEquals(socketPath("/run/pmuctl", "web"), "/run/pmuctl/web.sock");
  assertThrows(
    () => socketPath("/" + "d".repeat(60), "n".repeat(64)),
    UnsupportedError,
    "longer than a socket's path may be (107 bytes)",
  );
});
