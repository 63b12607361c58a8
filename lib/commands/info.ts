/** Implementation of `pmuctl info`: the machine as pmuctl sees it, and what this user can measure on it. */

import { EXIT } from "../base/system/errors.ts";
import { JSON_SCHEMAS } from "../base/text/json_schemas.ts";
import { columnWidths, greatest } from "../base/bytes/lists.ts";
import { wrap } from "../base/text/wrap.ts";
import { VERSION } from "../base/system/version.ts";
import { jsonText, printableLines } from "../base/text/printable.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import type { Pics } from "../counters/verify/pics.ts";
import {
  counterWidthOf,
  kernelLimits,
  picsByPmu,
  preflight,
  type PreflightCheck,
  TRIAL_SAMPLE_RATE,
} from "../counters/preflight/preflight.ts";
import { Prober } from "../counters/preflight/probe.ts";
import { readPrivilege } from "../events/privilege.ts";
import { type EventWorld, hostWorld, resolveEvents } from "../events/resolve.ts";
import { backends } from "../record/backends/all.ts";
import { type Host, readHost } from "../record/host/host.ts";
import { liveProc } from "../record/host/procfs.ts";

/** The `info` command. */
export const command: CommandSpec = {
  name: "info",
  summary: "show this machine's PMUs and limits, and what this user can measure",
  usage: ["[--json]"],
  options: [{ name: "json", help: "print a JSON object" }],
  examples: ["pmuctl info", "pmuctl info --json | jq '.preflight[] | select(.ok | not)'"],
  run,
};

/** Document that `--json` prints. */
interface Info {
  schema: string;
  pmuctl: string;
  kernel: string;
  arch: string;
  cpu: { model: string; id: string; online: number; reference?: string };
  /** Names of the core PMUs; empty where there is no hardware PMU. */
  implementation: string[];
  /** Abilities of the hardware counters besides counting: cpc's capabilities. */
  capabilities: { overflowInterrupt: boolean; precise: boolean };
  /** Backends that `record` can sample with, best first. */
  backends: BackendInfo[];
  /** Hardware counters of all core PMUs together, or of each where they differ by CPU: 0 without a PMU. */
  npic: number;
  pmus: PmuInfo[];
  privilege: { user: string; capable: boolean };
  limits: Record<string, number | undefined>;
  preflight: PreflightCheck[];
}

/** A backend, and whether it works here. */
interface BackendInfo {
  name: string;
  what: string;
  /** Event that was tried: the one that `record` samples by default, or the timer. */
  trial: string;
  /** Whether the trial event opened. */
  works: boolean;
  /** Number of events it can sample at once; left out when unlimited. */
  ncounters?: number;
}

/** A PMU of this machine. */
interface PmuInfo {
  name: string;
  type: number;
  core: boolean;
  /** CPUs that it counts on, or that stand for its package; left out for all CPUs. */
  cpus?: number[];
  /** Number of events that its driver names. */
  events: number;
  /** Hardware counters, for core PMUs. */
  pics?: Pics;
  /** Width of the counters in bits, where the kernel reveals it. */
  width?: number;
}

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const info = await gather();
  io.out(
    args.has("json")
      ? jsonText(info, 2) + "\n"
      : printableLines(forPeople(info, io.stdoutIsTerminal ? io.columns : Infinity)),
  );
  return EXIT.ok;
}

async function gather(): Promise<Info> {
  const world = hostWorld();
  const host = readHost(liveProc.text, Deno.build.arch);
  const counters = picsByPmu(world);
  const pmus = world.pmus.all().map((pmu): PmuInfo => {
    const own = counters.get(pmu.name);
    return {
      name: pmu.name,
      type: pmu.type,
      core: pmu.core,
      ...(pmu.cpus ? { cpus: pmu.cpus } : {}),
      events: pmu.events.size,
      ...(own ? { pics: own, width: counterWidthOf(pmu, world) } : {}),
    };
  });
  const reference = cpuReference(host);
  const checks = await preflight(world);
  const npic = Math.max(0, greatest([...counters.values()].map(({ general, fixed }) => general + fixed)));
  const samplers = backendsOf(world, npic);
  return {
    schema: JSON_SCHEMAS.info,
    pmuctl: VERSION,
    kernel: host.osrelease,
    arch: host.arch,
    cpu: {
      model: host.cpudesc,
      id: host.cpuid,
      online: host.cpusOnline,
      ...(reference ? { reference } : {}),
    },
    implementation: [...counters.keys()],
    capabilities: {
      overflowInterrupt: samplers.some(({ name, works }) => name === "perf" && works),
      precise: world.pmus.core().some((pmu) => Number(pmu.caps.get("max_precise") ?? 0) > 0),
    },
    backends: samplers,
    npic,
    pmus,
    privilege: { user: Deno.uid() === 0 ? "root" : `uid ${Deno.uid()}`, capable: readPrivilege().capable },
    limits: kernelLimits(),
    preflight: checks,
  };
}

/** Tries each registered backend. */
function backendsOf(world: EventWorld, npic: number): BackendInfo[] {
  const prober = new Prober(world);
  return backends.all().map(({ name, what, trial, ncounters }) => {
    const [{ events: [event] }] = resolveEvents(trial, world);
    const works = prober.try(event, { sampleFreq: TRIAL_SAMPLE_RATE }).opens;
    const most = ncounters(npic);
    return { name, what, trial, works, ...(Number.isFinite(most) ? { ncounters: most } : {}) };
  });
}

/** Returns where the vendor documents the CPU's events. */
function cpuReference(host: Host): string | undefined {
  if (host.cpuid.startsWith("GenuineIntel")) {
    return "Intel 64 and IA-32 Architectures SDM, volume 3B, 'Performance Monitoring'; perfmon-events.intel.com";
  }
  if (host.cpuid.startsWith("AuthenticAMD")) {
    return "AMD64 Architecture Programmer's Manual, volume 2, 'Performance Monitoring', and the family's PPR";
  }
  return host.arch === "aarch64"
    ? "Arm Architecture Reference Manual, 'The Performance Monitors Extension'"
    : undefined;
}

function forPeople(info: Info, width: number): string {
  const { cpu, privilege } = info;
  const rows: [string, string][] = [
    ["pmuctl", info.pmuctl],
    ["kernel", `${info.kernel} ${info.arch}`],
    ["CPU", `${cpu.model || "unknown"}${cpu.id ? ` (${cpu.id})` : ""}, ${cpu.online} online`],
    ...(cpu.reference ? [["events in", cpu.reference] as [string, string]] : []),
    ["user", `${privilege.user}, ${privilege.capable ? "with" : "without"} CAP_PERFMON`],
    ["counters", counters(info)],
    [
      "backends",
      info.backends.map(({ name, what, trial, works }) =>
        `${name} (${what}): ${works ? "yes" : `no ${trial}`}`
      ).join(", "),
    ],
  ];
  const prose = (line: string, indent: number) =>
    wrap(line, width, " ".repeat(indent)).map((line) => `${line}\n`).join("");
  let text = rows.map(([name, value]) => prose(`${name.padEnd(10)} ${value}`, 11)).join("");

  text += "\nPMUs\n" + table([
    ["name", "type", "CPUs", "named events"],
    ...info.pmus.map((pmu) => [
      pmu.name,
      `${pmu.type}`,
      pmu.cpus ? cpuList(pmu.cpus) : "all",
      `${pmu.events}`,
    ]),
  ]);
  text += "\nlimits\n" + table(
    Object.entries(info.limits).map(([name, value]) => [name, limitText(name, value, privilege.capable)]),
  );
  text += "\ncan this user\n";
  for (const { what, ok, detail, fix } of info.preflight) {
    text += prose(`  ${ok ? "yes" : "no "}  ${what}${detail ? `: ${detail}` : ""}`, 7);
    if (fix) text += prose(`       fix: ${fix}`, 12);
  }
  return text;
}

function counters(info: Info): string {
  if (info.implementation.length === 0) return "no hardware PMU in this machine";
  const { overflowInterrupt, precise } = info.capabilities;
  const can = `; overflow interrupt: ${overflowInterrupt ? "yes" : "no"}, precise: ${precise ? "yes" : "no"}`;
  return info.pmus.filter((pmu) => pmu.pics).map(({ name, pics, width }) =>
    `${name}: ${pics!.general} for any event, ${pics!.fixed} fixed${width ? `, ${width} bits wide` : ""}`
  ).join("; ") + can;
}

function limitText(name: string, value: number | undefined, capable: boolean): string {
  if (value === undefined) return "not here";
  return name === "kernel.perf_event_paranoid" && capable
    ? `${value} (does not apply: CAP_PERFMON)`
    : `${value}`;
}

/** Formats a CPU list as the kernel does: `0-3,8`. */
function cpuList(cpus: number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < cpus.length; i++) {
    const first = cpus[i];
    while (cpus[i + 1] === cpus[i] + 1) i++;
    parts.push(first === cpus[i] ? `${first}` : `${first}-${cpus[i]}`);
  }
  return parts.join(",");
}

function table(rows: string[][]): string {
  const widths = columnWidths(rows);
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i])).join("  ")}`.trimEnd() + "\n")
    .join(
      "",
    );
}
