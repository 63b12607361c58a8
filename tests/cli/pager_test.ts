import { assertEquals } from "@std/assert";
import type { Io } from "../../lib/cli/command.ts";
import { page } from "../../lib/cli/pager.ts";

/** What goes to standard output, and to a pager that writes to a file, on a terminal of `rows` lines. */
async function paged(
  text: string | string[],
  rows: number,
  env: Record<string, string>,
  terminal = true,
  how = {},
) {
  const file = await Deno.makeTempFile();
  let out = "";
  const io: Io = {
    out: (more) => out += more,
    outBytes: () => {},
    err: () => {},
    status: () => {},
    flush: () => {},
    stdoutIsTerminal: terminal,
    stderrIsTerminal: terminal,
    columns: 10,
    rows,
    env: (name) => env[name]?.replace("FILE", file),
  };
  await page(text, io, how);
  const pager = await Deno.readTextFile(file);
  await Deno.remove(file);
  return { out, pager };
}

const LINES = "one\ntwo\nthree\n";
const env = { PAGER: "sed s/^/page:/ >FILE" };

Deno.test("page() sends what is longer than the terminal through $PAGER, a command line", async () => {
  assertEquals(await paged(LINES, 3, env), { out: "", pager: "page:one\npage:two\npage:three\n" });
  const mine = { ...env, PMUCTL_PAGER: "cat >FILE" };
  assertEquals(await paged(LINES, 2, mine), { out: "", pager: LINES });
});

Deno.test("page() prints what fits, what goes to no terminal, and for an empty or a plain cat as pager", async () => {
  const printed = { out: LINES, pager: "" };
  assertEquals(await paged(LINES, 4, env), printed);
  assertEquals(await paged(LINES, 3, env, false), printed);
  assertEquals(await paged(LINES, 3, { PAGER: "" }), printed);
  assertEquals(await paged(LINES, 3, { ...env, PMUCTL_PAGER: "cat" }), printed);
});

Deno.test("page() goes on when the pager is left early", async () => {
  assertEquals((await paged(LINES.repeat(100_000), 3, { PAGER: "sed 1q >FILE" })).pager, "one\n");
});

const LONG = ["one\n", "two\n", "a line of 23 columns ..\n"];

Deno.test("page() cuts lines to the terminal for no pager, and gives a pager whole ones", async () => {
  const cut = { out: "one\ntwo\na line of…\n", pager: "" };
  assertEquals(await paged(LONG, 4, env, true, { cut: true }), cut);
  assertEquals(await paged(LONG, 3, { PAGER: "" }, true, { cut: true }), cut);
  assertEquals(await paged(LONG, 3, env, true, { cut: true, paged: false }), cut);
  assertEquals(await paged(LONG, 3, { PAGER: "cat >FILE" }, true, { cut: true }), {
    out: "",
    pager: LONG.join(""),
  });
  assertEquals(await paged(LONG, 3, env, false, { cut: true }), { out: LONG.join(""), pager: "" });
});

Deno.test("page() counts a line that the terminal breaks as the lines that it takes", async () => {
  assertEquals((await paged(LONG, 6, env)).pager, "");
  assertEquals((await paged(LONG, 5, env)).out, "");
});

Deno.test("page() has less show a line as one, and leaves the user's own options the last word", async () => {
  const less = { PAGER: "printenv LESS >FILE; cat >/dev/null" };
  assertEquals((await paged(LINES, 2, less)).pager, "FRSX\n");
  assertEquals((await paged(LINES, 2, { ...less, LESS: "-iM" })).pager, "-RS -iM\n");
});
