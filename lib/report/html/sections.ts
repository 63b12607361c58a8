/** Sections of the page that are text: facts of the recording, warnings, the ledger, code without a symbol. */

import { counted, groupDigits, plural } from "../../base/text/plural.ts";
import { escapeXml } from "../../base/text/xml.ts";
import { stacksText } from "../shared/stacks_text.ts";
import { ledgerCells, lostText } from "../../perfdata/format/ledger.ts";
import { namedObjects, remediesOf } from "../shared/remedies.ts";
import { type Profile, sampleCount } from "../../profile/model/profile.ts";

/** Returns the facts of the recording; `count` is its number of samples. */
export function factsHtml({ meta, events }: Profile, count: number): string {
  const machine = [meta.kernel && `Linux ${meta.kernel}`, meta.arch, meta.cpu];
  if (meta.cpus > 0) machine.push(counted(meta.cpus, "CPU"));
  const facts: [string, string][] = [
    ["Samples", `${groupDigits(count)}${meta.seconds >= 0 ? ` over ${meta.seconds.toFixed(3)} s` : ""}`],
    ["Lost", lostText(meta.ledger)],
    ...(meta.stacks ? [["Stacks", stacksText(meta.stacks)] as [string, string]] : []),
    ...eventFacts(events.filter(({ tracksOnly }) => !tracksOnly)),
    ...meta.sampling.filter(({ insteadOf }) => insteadOf !== undefined).map((s): [string, string] => [
      "Stands in",
      `${s.name} for ${s.insteadOf}`,
    ]),
    ["Host", meta.host || "not recorded"],
    ["Machine", machine.filter(Boolean).join(", ") || "not recorded"],
    ...meta.notes.map((note): [string, string] => ["Note", note]),
  ];
  return facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeXml(value)}</dd></div>`).join("\n");
}

/** Number of events that have a fact each: the list of events has all of them. */
const MAX_EVENT_FACTS = 3;

function eventFacts(events: Profile["events"]): [string, string][] {
  const more = events.length - MAX_EVENT_FACTS;
  return [
    ...events.slice(0, MAX_EVENT_FACTS).map((
      { name, rate },
    ): [string, string] => ["Event", `${name}, ${rate}`]),
    ...(more > 0 ? [["Events", `${more} more to choose from`] as [string, string]] : []),
  ];
}

/** Returns the warnings, if any. */
export function warningsHtml({ meta }: Profile): string {
  if (meta.warnings.length === 0) return "";
  const items = meta.warnings.map((warning) => `<li>${escapeXml(warning)}</li>`).join("\n");
  return `<section class="warnings" aria-label="Warnings"><h2>Before you trust the numbers</h2>
<ul>${items}</ul></section>`;
}

/** Returns the ledger by CPU. */
export function ledgerHtml({ meta: { ledger } }: Profile): string {
  const [head, ...rows] = ledgerCells(ledger);
  const by = ledger.from === "recorder" ? "reported by the recorder" : "counted from the file's records";
  const cells = (row: string[], tag: string) =>
    row.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join("");
  return `<details id="ledger"><summary>Ledger <span class="muted">${
    escapeXml(lostText(ledger))
  } lost, ${by}</span></summary>
<div class="scroll"><table class="plain"><thead><tr>${cells(head, "th")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("\n")}</tbody></table></div></details>`;
}

/** Number of objects that are named for one remedy. */
const MAX_NAMED = 20;

/** Lists the objects without symbols and what to do about it; returns "" when everything has a symbol. */
export function unresolvedHtml(profile: Profile): string {
  const remedies = remediesOf(profile);
  if (remedies.length === 0) return "";
  const whole = sampleCount(profile);
  const without = remedies.reduce((sum, { samples }) => sum + samples, 0);
  const rows = remedies.map(({ remedy, causes, objects, samples }) => {
    const why = causes.join(", ");
    return `<tr><td>${groupDigits(samples)}</td><td>${percent(samples, whole)}</td><td class="text">${
      escapeXml(namedObjects(objects, MAX_NAMED))
    }</td>` +
      `<td class="text">${escapeXml(remedy ? `${why}; ${remedy}` : why)}</td></tr>`;
  });
  return `<details id="unresolved"><summary>Without a symbol <span class="muted">${groupDigits(without)} ${
    plural(without, "sample")
  }, ${percent(without, whole)}</span></summary>
<div class="scroll"><table class="plain"><thead><tr><th>samples</th><th>share</th><th class="text">objects</th>
<th class="text">why</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div></details>`;
}

const percent = (part: number, whole: number) => `${(whole > 0 ? 100 * part / whole : 0).toFixed(2)}%`;
