import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseCommandLine } from "../../../lib/cli/args.ts";
import type { Io } from "../../../lib/cli/command.ts";
import { command } from "../../../lib/commands/attrlist.ts";
import { pmuctl, pmuctlOk } from "../harness.ts";

interface Row {
  name: string;
  kind: string;
  pmu?: string;
  bits?: string;
  min: string;
  max: string;
  meaning: string;
}

const SYSFS = "/sys/bus/event_source/devices";
const pmus = [...Deno.readDirSync(SYSFS)].map((entry) => entry.name);
const formats = (pmu: string): string[] => {
  try {
    return [...Deno.readDirSync(`${SYSFS}/${pmu}/format`)].map((entry) => entry.name).sort();
  } catch {
    return [];
  }
};
const rows = async (...args: string[]) =>
  JSON.parse(await pmuctlOk(["attrlist", "--json", ...args])).attributes as Row[];

Deno.test("attrlist PMU has the fields that sysfs has, for every PMU here", async () => {
  assert(pmus.includes("software"));
  for (const pmu of pmus) {
    const fields = (await rows(pmu)).filter((row) => row.kind === "format");
    assertEquals(fields.map((row) => row.name), formats(pmu), pmu);
    for (const { name, bits } of fields) {
      assertEquals(bits, Deno.readTextFileSync(`${SYSFS}/${pmu}/format/${name}`).trim());
    }
  }
});

Deno.test("attrlist has every PMU's fields, then the generic attributes, and picnum last", async () => {
  const all = await rows();
  assertEquals(all.filter((row) => row.kind === "format").length, pmus.flatMap(formats).length);
  assertEquals(
    all.findLastIndex((row) => row.kind === "format") < all.findIndex((r) => r.kind === "generic"),
    true,
  );
  assertEquals(all.at(-1)!.name, "picnum");
  for (const { name, min, max, meaning, kind } of all) {
    assert(BigInt(min) <= BigInt(max), name);
    if (kind === "generic") assert(meaning, name);
  }
});

Deno.test("attrlist prints plain names into a pipe, each once", async () => {
  const names = (await pmuctlOk(["attrlist"])).trimEnd().split("\n");
  assertEquals(new Set(names).size, names.length);
  assertEquals(
    names.slice(-15).join(),
    "user,sys,hv,idle,host,guest,precise,pinned,exclusive,inherit,period,freq,preset,notify,picnum",
  );
});

Deno.test("attrlist aligns its columns on a terminal", async () => {
  let text = "";
  const terminal: Io = {
    out: (more) => text += more,
    outBytes: () => {},
    err: () => {},
    status: () => {},
    flush: () => {},
    stdoutIsTerminal: true,
    stderrIsTerminal: true,
    columns: 80,
    rows: Infinity,
    env: () => undefined,
  };
  assertEquals(
    await command.run(parseCommandLine(command, ["software"]), terminal, () => Promise.resolve([command])),
    0,
  );
  const lines = text.trimEnd().split("\n");
  assertEquals(lines.slice(0, 3), ["PMU software", "  no fields of its own", ""]);
  const generic = lines.slice(lines.indexOf("every request") + 1);
  assertEquals(generic.length, 15);
  assertEquals(new Set(generic.map((line) => line.search(/\d+ to /))).size, 1, text);
});

Deno.test("attrlist refuses a PMU that is not there and suggests one", async () => {
  const ran = await pmuctl(["attrlist", "sofware"]);
  assertEquals([ran.status, ran.stdout], [2, ""]);
  assertMatch(
    ran.stderr,
    /^pmuctl: attrlist sofware: no such PMU; .*did you mean software\?\n$/,
  );
});
