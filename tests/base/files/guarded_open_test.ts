import { assert, assertEquals, assertMatch } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { FileBytes, readNamedText } from "../../../lib/base/files/file_bytes.ts";
import { openGuarded, type OpenPolicy, type OpenRefusal } from "../../../lib/base/files/guarded_open.ts";

/** What opening gives: the text of the file, or the kind of the refusal and its cause. */
function outcome(path: string, policy?: OpenPolicy): string {
  const opened = FileBytes.open(path, policy);
  if (!(opened instanceof FileBytes)) return `${opened.kind}: ${opened.cause}`;
  const text = new TextDecoder().decode(opened.read(0, 100));
  opened.close();
  return text;
}

/** Runs `test` with a folder of files, links, and what is no file. */
function inFolder(test: (folder: string) => void) {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    Deno.mkdirSync(`${folder}/in`);
    Deno.writeTextFileSync(`${folder}/file`, "outside");
    Deno.writeTextFileSync(`${folder}/in/file`, "inside");
    for (
      const [link, target] of [["link", "file"], ["up", "../../../../../../file"], ["absolute", "/file"], [
        "loop",
        "loop",
      ]]
    ) {
      Deno.symlinkSync(target, `${folder}/in/${link}`);
    }
    const made = new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).outputSync();
    assert(made.success);
    test(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("a regular file is opened, and nothing else, without waiting", () => {
  inFolder((folder) => {
    assertEquals(outcome(`${folder}/file`), "outside");
    assertEquals(outcome(`${folder}/in`), "untrusted: it is a folder, not a regular file");
    assertEquals(outcome(`${folder}/fifo`), "untrusted: it is a FIFO, not a regular file");
    assertEquals(outcome("/dev/null"), "untrusted: it is a device, not a regular file");
    assertEquals(outcome(`${folder}/none`), "missing: no such file or directory");
    assertEquals(outcome(`${folder}/file/x`), "missing: not a directory");
    assertEquals(
      outcome(`${folder}/file`, { maxBytes: 6 }),
      "too large: it is 7 bytes large; at most 6 bytes are read",
    );
  });
});

Deno.test("links of this user are followed, but never out of the folder that stands for the root", () => {
  inFolder((folder) => {
    assertEquals(outcome(`${folder}/in/link`), "inside");
    const root = `${folder}/in`;
    for (const links of ["trusted", "all"] as const) {
      for (const path of ["/file", "/link", "/up", "/absolute", "/../../file", "//./link"]) {
        assertEquals(outcome(path, { root, links }), "inside", `${path} ${links}`);
      }
      assert(outcome("/loop", { root, links }).startsWith("un"), links);
    }
  });
});

Deno.test("a file of another user than those that are allowed is refused", () => {
  inFolder((folder) => {
    const uid = Deno.uid()!;
    assertEquals(outcome(`${folder}/file`, { owners: [uid] }), "outside");
    assertEquals(outcome(`${folder}/file`, { owners: [uid + 1] }), `untrusted: it belongs to user ${uid}`);
  });
});

testNeeding(["root"], "a link of another user is not followed, wherever in the path it stands", () => {
  inFolder((folder) => {
    Deno.mkdirSync(`${folder}/theirs`);
    for (const [link, target] of [["folder", "../in"], ["file", "../file"]]) {
      Deno.symlinkSync(target, `${folder}/theirs/${link}`);
      const chown = new Deno.Command("chown", { args: ["-h", "12345", `${folder}/theirs/${link}`] })
        .outputSync();
      assert(chown.success);
    }
    const refused = "untrusted: a link of another user leads to it";
    assertEquals(outcome(`${folder}/theirs/folder/file`), refused);
    assertEquals(outcome(`${folder}/theirs/file`), refused);
    assertEquals(outcome(`${folder}/theirs/file`, { links: "all" }), "outside");
    assertEquals(outcome("/theirs/folder/link", { root: folder }), refused);
  });
});

Deno.test("what was opened stays the same file whatever its name leads to later", () => {
  inFolder((folder) => {
    const opened = openGuarded(`${folder}/file`);
    assert("file" in opened);
    Deno.renameSync(`${folder}/in/file`, `${folder}/file`);
    const bytes = new Uint8Array(7);
    opened.file.readSync(bytes);
    assertEquals(new TextDecoder().decode(bytes), "outside");
    opened.file.close();
  });
});

Deno.test("a text that the user named is read whole, up to a limit, and nothing that has no end", () => {
  inFolder((folder) => {
    assertEquals(readNamedText(`${folder}/file`), "outside");
    assertEquals(readNamedText("/dev/zero"), {
      kind: "untrusted",
      cause: "it is a device, not a regular file",
    });
    Deno.truncateSync(`${folder}/file`, 1e10);
    assertMatch((readNamedText(`${folder}/file`) as OpenRefusal).cause, /10000000000 bytes large/);
    assertEquals((readNamedText(`${folder}/none`) as OpenRefusal).kind, "missing");
  });
});
