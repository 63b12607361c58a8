/** Implementation of `pmuctl attrlist`: lists the attributes a request may carry. */

import { EXIT, UsageError } from "../base/system/errors.ts";
import { JSON_SCHEMAS, jsonLines } from "../base/text/json_schemas.ts";
import { greatest } from "../base/bytes/lists.ts";
import { nearest } from "../base/text/nearest.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { formatAttributes, genericAttributes, type ListedAttribute } from "../counters/verify/attributes.ts";
import { MAX_SOFTWARE_PICNUM, picsOf } from "../counters/verify/machine.ts";
import { picsByPmu } from "../counters/preflight/preflight.ts";
import { hostFiles, readNumber } from "../events/files.ts";
import { hostWorld } from "../events/resolve.ts";
import type { Pmu } from "../events/sysfs.ts";

/** The `attrlist` command. */
export const command: CommandSpec = {
  name: "attrlist",
  summary: "list the attributes of a PMU's events and of all requests, with their ranges",
  usage: ["[PMU] [--json]"],
  options: [{ name: "json", help: "print a JSON object" }],
  examples: ["pmuctl attrlist cpu", "pmuctl attrlist --json | jq -r '.attributes[].name'"],
  maxPositionals: 1,
  operands: "pmu",
  run,
};

function run(args: ParsedArgs, io: Io): Promise<number> {
  const world = hostWorld();
  const [name] = args.positionals;
  const pmus = name === undefined ? world.pmus.all() : [findPmu(name, world.pmus.all())];
  const fields = pmus.map((pmu) => ({ pmu, rows: formatAttributes(pmu) }));
  const plain = !args.has("json") && !io.stdoutIsTerminal;
  // names alone need no count of the counters
  const maxPicnum = plain ? 0 : highestPicnum(pmus);
  const maxSampleRate = readNumber(hostFiles, "/proc/sys/kernel/perf_event_max_sample_rate");
  const generic = genericAttributes({ maxPicnum, ...(maxSampleRate === undefined ? {} : { maxSampleRate }) });
  const all = [...fields.flatMap(({ rows }) => rows), ...generic];
  if (args.has("json")) io.out(toJson(all));
  else if (plain) { for (const attribute of new Set(all.map((row) => row.name))) io.out(`${attribute}\n`); }
  else io.out(forPeople(fields, generic));
  return Promise.resolve(EXIT.ok);

  /** Returns the highest number of a PIC of the listed PMUs, or of what events without a counter may have. */
  function highestPicnum(listed: readonly Pmu[]): number {
    const counted = listed.some((pmu) => pmu.core) ? picsByPmu(world) : undefined;
    return greatest(listed.map((pmu) => {
      const own = counted?.get(pmu.name);
      return own ? picsOf(own, Deno.build.arch).at(-1)?.picnum ?? 0 : MAX_SOFTWARE_PICNUM;
    }));
  }
}

function findPmu(name: string, pmus: readonly Pmu[]): Pmu {
  const found = pmus.find((pmu) => pmu.name === name);
  if (found) return found;
  const names = pmus.map((pmu) => pmu.name);
  const [near] = nearest(name, names, 1);
  throw new UsageError(
    `attrlist ${name}: no such PMU; expected one of ${names.join(", ") || "none"}` +
      (near ? `; did you mean ${near}?` : ""),
  );
}

/** Formats JSON. `min` and `max` are strings, because not every JSON reader has 64-bit numbers. */
function toJson(rows: readonly ListedAttribute[]): string {
  const listed = rows.map((row) => ({ ...row, min: `${row.min}`, max: `${row.max}` }));
  return jsonLines(JSON_SCHEMAS.attrlist, "attributes", listed);
}

function forPeople(fields: { pmu: Pmu; rows: ListedAttribute[] }[], generic: ListedAttribute[]): string {
  const all = [...fields.flatMap(({ rows }) => rows), ...generic];
  const width = (cell: (row: ListedAttribute) => string) => greatest(all.map((row) => cell(row).length));
  const [names, bits, ranges] = [width((row) => row.name), width((row) => row.bits ?? ""), width(range)];
  const line = (row: ListedAttribute) =>
    `  ${row.name.padEnd(names)}  ${(row.bits ?? "").padEnd(bits)}  ${
      range(row).padEnd(ranges)
    }  ${row.meaning}`
      .trimEnd() + "\n";
  const sections = fields.map(({ pmu, rows }) =>
    `PMU ${pmu.name}\n` + (rows.map(line).join("") || "  no fields of its own\n")
  );
  return [...sections, "every request\n" + generic.map(line).join("")].join("\n");
}

/** Formats a range: `0 to 1`; a large end that is a mask of ones is in hex. */
function range({ min, max }: ListedAttribute): string {
  const mask = (max & (max + 1n)) === 0n;
  return `${min} to ${mask && max > 0xffn ? `0x${max.toString(16)}` : max}`;
}
