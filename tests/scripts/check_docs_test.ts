import { assert, assertEquals } from "@std/assert";
import { ENTRIES, parseFindings } from "../../scripts/check-docs.ts";

Deno.test("parseFindings() takes place and rule of each finding of deno doc --lint", () => {
  const text = [
    "error[missing-jsdoc]: exported symbol is missing JSDoc documentation",
    " --> /src/lib/a.ts:7:3",
    "  | ",
    "7 |   end: number;",
    "  |   ^",
    "",
    "",
    "error[private-type-ref]: public type 'Rows' references private type 'Row'",
    "   --> /src/lib/b.ts:259:1",
    "    | ",
    "259 | export type Rows = Row[];",
    "    | ^",
    "    = hint: make the referenced type public or remove the reference",
    "",
    "error: Found 2 documentation lint errors.",
  ].join("\n");
  assertEquals(parseFindings(text), [
    { path: "/src/lib/a.ts", line: 7, rule: "exported symbol is missing JSDoc documentation" },
    { path: "/src/lib/b.ts", line: 259, rule: "public type 'Rows' references private type 'Row'" },
  ]);
  assertEquals(parseFindings("error: Module not found"), []);
});

Deno.test("check-docs finds what an entry file leaves undocumented, and nothing in others", () => {
  const root = Deno.makeTempDirSync();
  try {
    for (const path of ENTRIES) {
      Deno.mkdirSync(`${root}/${path}/..`.replace(/[^/]+\/\.\.$/, ""), { recursive: true });
      Deno.writeTextFileSync(`${root}/${path}`, "/** Nothing. */\nexport {};\n");
    }
    Deno.mkdirSync(`${root}/scripts`);
    Deno.writeTextFileSync(`${root}/scripts/deno`, `#!/bin/sh\nexec "${Deno.execPath()}" "$@"\n`, {
      mode: 0o755,
    });
    Deno.writeTextFileSync(`${root}/lib/other.ts`, "/** Row. */\nexport interface Row {\n  at: number;\n}\n");
    const check = () => {
      const script = new URL("../../scripts/check-docs.ts", import.meta.url).pathname;
      const { code, stderr } = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "-q", script, root],
        env: { NO_COLOR: "1" },
      }).outputSync();
      return { code, lines: new TextDecoder().decode(stderr).trim().split("\n") };
    };
    assertEquals(check(), { code: 0, lines: [""] });
    Deno.writeTextFileSync(
      `${root}/main.ts`,
      'import type { Row } from "./lib/other.ts";\n/** Rows. */\nexport interface Rows {\n  rows: Row[];\n}\n',
    );
    assertEquals(check(), { code: 1, lines: ["main.ts:4: exported symbol is missing JSDoc documentation"] });
    Deno.removeSync(`${root}/${ENTRIES[1]}`);
    assert(check().lines.includes(`${ENTRIES[1]}:1: is not there`));
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
