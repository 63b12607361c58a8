import { assertEquals } from "@std/assert";
import { toolFile, toolFolders } from "../../../lib/base/system/tools.ts";

Deno.test("programs that we run for ourselves are looked for in the absolute entries of PATH", () => {
  assertEquals(toolFolders("/usr/bin:.::bin:./x:/bin:"), "/usr/bin:/bin");
  assertEquals(toolFile("sh", "/nonexistent:/bin"), "/bin/sh");
});

Deno.test("a program of the working directory is not taken, nor a file that cannot be run", () => {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-tools-" });
  const before = Deno.cwd();
  try {
    Deno.writeTextFileSync(`${folder}/tool`, "#!/bin/sh\n", { mode: 0o755 });
    Deno.writeTextFileSync(`${folder}/text`, "", { mode: 0o644 });
    Deno.mkdirSync(`${folder}/folder`);
    Deno.chdir(folder);
    assertEquals(toolFile("tool", `.::${folder.slice(1)}`), undefined);
    assertEquals(toolFile("tool", `.:${folder}`), `${folder}/tool`);
    assertEquals([toolFile("text", folder), toolFile("folder", folder)], [undefined, undefined]);
  } finally {
    Deno.chdir(before);
    Deno.removeSync(folder, { recursive: true });
  }
});
