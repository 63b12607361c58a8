import { assertEquals } from "@std/assert";
import { GENERIC_EVENTS } from "../../lib/events/catalog.ts";
import { eventForms, listEvents } from "../../lib/events/list.ts";
import { resolveEvents } from "../../lib/events/resolve.ts";
import { Pmus } from "../../lib/events/sysfs.ts";
import { Tracepoints } from "../../lib/events/tracepoints.ts";
import { denied, INTEL_HYBRID, INTEL_SERVER, treeFiles, worldOf } from "./trees.ts";

const names = (filter: Parameters<typeof listEvents>[1]) =>
  listEvents(worldOf(INTEL_SERVER), filter).map((event) => event.name);

Deno.test("listEvents() lists the catalogue, drivers' events and tracepoints", () => {
  const events = listEvents(worldOf(INTEL_SERVER));
  assertEquals(events.length, GENERIC_EVENTS.length + 10 + 4);
  assertEquals(events.find((e) => e.name === "power/energy-pkg/"), {
    name: "power/energy-pkg/",
    aliases: [],
    pmu: "power",
    type: "pmu",
    meaning: "the driver's event=0x02",
    unit: "Joules",
    scale: 2.3283064365386962890625e-10,
  });
});

Deno.test("every name that listEvents() gives can be resolved", () => {
  for (const tree of [INTEL_SERVER, INTEL_HYBRID]) {
    const world = worldOf(tree);
    for (const { name } of listEvents(world)) resolveEvents(name, world);
  }
});

Deno.test("listEvents() takes parts of names, globs, aliases and a PMU, in any case", () => {
  assertEquals(names({ pattern: "energy" }), ["power/energy-pkg/"]);
  assertEquals(names({ pattern: "SCHED:*ak*" }), ["sched:sched_wakeup", "sched:sched_waking"]);
  assertEquals(names({ pattern: "papi_tot*" }), ["cycles", "instructions"]);
  assertEquals(names({ pmu: "uncore_imc_0" }), ["uncore_imc_0/cas_count_read/", "uncore_imc_0/clockticks/"]);
  assertEquals(names({ pmu: "software", pattern: "faults" }).length, 5);
  assertEquals(names({ pattern: "nothing" }), []);
  const hybrid = listEvents(worldOf(INTEL_HYBRID), { pmu: "cpu_atom", pattern: "cycles" });
  assertEquals(hybrid.map((e) => [e.name, e.pmu]).slice(0, 1), [["cycles", "cpu_atom,cpu_core"]]);
});

Deno.test("listEvents() lists the rest where tracefs is closed", () => {
  const files = treeFiles({ "/sys/kernel/tracing": denied });
  const world = { pmus: new Pmus(files), tracepoints: new Tracepoints(files) };
  assertEquals(listEvents(world).length, GENERIC_EVENTS.length);
});

Deno.test("eventForms() shows each PMU's fields with their bits", () => {
  assertEquals(eventForms(worldOf(INTEL_HYBRID))[3], {
    form: "cpu_core/FIELD=VALUE,.../",
    meaning: "event (config:0-7), umask (config:8-15)",
  });
});
