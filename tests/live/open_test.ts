/** `--open`, and formats by the endings of files. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { pmuctl, pmuctlOk, program, withFolder } from "./harness.ts";
import { testNeeding } from "../needs.ts";

testNeeding(
  ["cc"],
  "record --open and report --open show a page in the browser, or say where it is",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`, opened = `${folder}/opened`, browser = `${folder}/browser`;
      await Deno.writeTextFile(browser, `#!/bin/sh\nhead -c 15 "$1" >>${opened}; echo " $1" >>${opened}\n`, {
        mode: 0o700,
      });
      const env = { BROWSER: browser, XDG_CACHE_HOME: `${folder}/cache`, DISPLAY: "", WAYLAND_DISPLAY: "" };
      const work = ["--", program("ratio"), "50", "1"];
      const ran = await pmuctl(["record", "-q", "-g", "-e", "cpu-clock", "--open", "-o", file, ...work], {
        env,
      });
      assertEquals(ran.status, 0, ran.stderr);
      assertMatch(
        await Deno.readTextFile(opened),
        /^<!doctype html> .*\/cache\/pmuctl\/pages\/report-.*\.html\n$/i,
      );
      await pmuctlOk(["report", "--open", "-i", file, "-o", `${folder}/x.svg`, "--format", "flamegraph"], {
        env,
      });
      assertStringIncludes(await Deno.readTextFile(opened), `${folder}/x.svg`);
      await pmuctlOk(["report", "--open", "-i", file, "-o", `${folder}/y.svg`], { env });
      assertStringIncludes(await Deno.readTextFile(opened), `<?xml version=" ${folder}/y.svg`);
      const none = await pmuctl(["report", "--open", "-i", file], { env: { ...env, BROWSER: "" } });
      assertEquals(none.status, 0, none.stderr);
      assertMatch(none.stderr, /pmuctl: wrote \S+\.html: open it in a browser$/m);
    }),
);

testNeeding(["cc"], "the ending of -o chooses the format", () =>
  withFolder(async (folder) => {
    const file = `${folder}/perf.data`;
    await pmuctlOk(["record", "-q", "-g", "-e", "cpu-clock", "-o", file, "--", program("ratio"), "50", "1"]);
    for (
      const [name, begins] of [
        ["a.html", "<!doctype"],
        ["a.svg", "<?xml"],
        ["a.json", "{\n"],
        ["a.speedscope.json", '{"$schema"'],
        ["a.folded", "ratio;"],
        ["a.pb.gz", "\x1f"],
        ["a.txt", "command"],
      ]
    ) {
      await pmuctlOk(["report", "-i", file, "-o", `${folder}/${name}`]);
      const text = new TextDecoder().decode(await Deno.readFile(`${folder}/${name}`));
      assertEquals(text.slice(0, begins.length).toLowerCase(), begins.toLowerCase(), name);
    }
    const ran = await pmuctl(["report", "--open", "--json", "-i", file]);
    assertEquals([ran.status, ran.stderr.trim().split("\n").length], [2, 1], ran.stderr);
  }));
