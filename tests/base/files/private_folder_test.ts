import { assert, assertEquals } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { folderProblem, makePrivateFolder } from "../../../lib/base/files/private_folder.ts";

function inFolder(test: (folder: string) => void) {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    test(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("a folder is made for this user alone, with all above it", () => {
  inFolder((folder) => {
    assertEquals(makePrivateFolder(`${folder}/a/b/c`), undefined);
    for (const path of ["a", "a/b", "a/b/c"]) {
      assertEquals(Deno.statSync(`${folder}/${path}`).mode! & 0o7777, 0o700, path);
    }
    assertEquals(makePrivateFolder(`${folder}/a/b/c`), undefined, "again");
    assertEquals(folderProblem(`${folder}/a/b`), undefined);
    assertEquals(folderProblem(`${folder}/x`), { cause: `${folder}/x does not exist` });
  });
});

Deno.test("a path that others may write to is refused, a sticky folder apart", () => {
  inFolder((folder) => {
    Deno.mkdirSync(`${folder}/open`);
    Deno.chmodSync(`${folder}/open`, 0o777);
    const cause = `others may write to ${folder}/open (mode 777)`;
    assertEquals(makePrivateFolder(`${folder}/open/x`), { cause });
    Deno.chmodSync(`${folder}/open`, 0o1777);
    assertEquals(makePrivateFolder(`${folder}/open/x`), undefined);
    for (const path of ["relative", `${folder}/../x`, `${folder}/./x`]) {
      assertEquals(makePrivateFolder(path), { cause: `${path} is not an absolute path` });
    }
    Deno.writeTextFileSync(`${folder}/file`, "");
    assertEquals(makePrivateFolder(`${folder}/file`), { cause: `${folder}/file is not a folder` });
  });
});

Deno.test("a link on the path is judged with what it leads to", () => {
  inFolder((folder) => {
    Deno.mkdirSync(`${folder}/open`);
    Deno.chmodSync(`${folder}/open`, 0o777);
    Deno.mkdirSync(`${folder}/closed`);
    Deno.symlinkSync("closed", `${folder}/good`);
    Deno.symlinkSync("open", `${folder}/bad`);
    Deno.symlinkSync("nowhere", `${folder}/dangling`);
    assertEquals(makePrivateFolder(`${folder}/good/x`), undefined);
    assertEquals(makePrivateFolder(`${folder}/bad/x`), {
      cause: `others may write to ${folder}/open (mode 777)`,
    });
    assert(makePrivateFolder(`${folder}/dangling/x`) !== undefined);
  });
});

testNeeding(["root"], "a folder or link of another user's on the path is refused", () => {
  inFolder((folder) => {
    Deno.mkdirSync(`${folder}/theirs`);
    Deno.chownSync(`${folder}/theirs`, 12345, 12345);
    const refused = { cause: `${folder}/theirs belongs to user 12345` };
    assertEquals(makePrivateFolder(`${folder}/theirs/x`), refused);
    assertEquals(makePrivateFolder(`${folder}/theirs`), refused);
    assertEquals(folderProblem(`${folder}/theirs`), refused);
  });
});
