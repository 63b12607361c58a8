import { assertEquals } from "@std/assert";
import { PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { makeAttr } from "../../../lib/events/attr.ts";
import { diffProfiles } from "../../../lib/profile/compare/diff.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import { renderDiffJson } from "../../../lib/report/json/diff_json.ts";
import { renderJson } from "../../../lib/report/json/json.ts";
import { DEFAULT_REPORT } from "../../../lib/report/shared/options.ts";
import { madeFile, madeSample } from "../../perfdata/sample_fixtures.ts";
import { whole } from "../whole.ts";

/** A profile of samples that say where they were taken, and nothing else. */
function bareProfile() {
  const attr = makeAttr({ type: 1, samplePeriod: 1000n, sampleType: PERF_SAMPLE.IP });
  const file = madeFile([{ attr, name: "an-event", ids: [1n] }], [
    madeSample(attr, { ip: 0x400310 }),
    madeSample(attr, { ip: -0x7eff0000 }),
  ]);
  return loadProfile(new MemoryBytes(file), { open: () => undefined, kallsyms: () => undefined });
}

Deno.test("JSON has null for what a recording does not tell", async () => {
  const profile = await bareProfile();
  for (const tree of ["none", "callers", "calls"] as const) {
    const sort = ["comm", "pid", "tid", "cpu", "dso", "sym"] as const;
    const text = whole(renderJson(profile, { ...DEFAULT_REPORT, sort, tree }));
    assertEquals(text.match(/.*": -\d.*/g), null);
    const { meta, events } = JSON.parse(text);
    assertEquals([meta.cpus, meta.seconds, meta.start, meta.end, meta.wallStart], [
      null,
      null,
      null,
      null,
      null,
    ]);
    assertEquals([meta.ledger.total.cpu, meta.ledger.total.sample], [null, 2]);
    const { command, pid, process, tid, cpu, object } = events[0].rows[0];
    assertEquals([pid, process, tid, cpu], [null, null, null, null], command);
    assertEquals(typeof object, "string");
  }
  const diff = whole(
    renderDiffJson(diffProfiles(profile, profile), { names: { a: "a", b: "b" }, order: "delta" }),
  );
  assertEquals(diff.match(/.*": -\d.*/g), null);
  assertEquals(JSON.parse(diff).a.seconds, null);
});
