/** Renders the report as one HTML page with data, style and program in it: it opens from disk and loads nothing. */

import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { escapeXml } from "../../base/text/xml.ts";
import { type Profile, sampleCount } from "../../profile/model/profile.ts";
import { KIND_NAMES, pageFlameStyle, swatchClass } from "../flame/style.ts";
import { packProfile } from "./pack.ts";
import { factsHtml, ledgerHtml, unresolvedHtml, warningsHtml } from "./sections.ts";
import { encodeTables } from "./tables.ts";
import { printedProfile } from "../shared/printed.ts";

/** Parts of the page that do not depend on the profile. */
export interface HtmlOptions {
  /** Program, as one script. */
  program: string;
  /** Style sheet. */
  style: string;
}

/** Returns the page. It has a timeline when the profile has `times`, and lanes for the CPUs and threads in the profile. */
export function renderHtml(given: Profile, { program, style }: HtmlOptions): string {
  const profile = printedProfile(given);
  const data = Buffer.from(gzipSync(encodeTables(packProfile(profile)))).toString("base64");
  const command = profile.meta.command || "(command not recorded)";
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="pmuctl">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>${escapeXml(command)} · pmuctl report</title>
<style>
${style}${pageFlameStyle()}
</style>
</head>
<body>
${body(profile, command)}
<script type="application/octet-stream" id="data">${data}</script>
<script type="module">
${inScript(program)}
</script>
</body>
</html>
`;
}

/** Returns a program as a script element can hold it: nothing in it ends the element. */
function inScript(program: string): string {
  return program.replace(/<(?=\/script|!--|script)/gi, "\\x3c");
}

function body(profile: Profile, command: string): string {
  return `<header>
<div class="title"><p class="muted">pmuctl report</p><h1>${escapeXml(command)}</h1></div>
<button type="button" id="theme"></button>
</header>
<main>
<noscript><p class="warnings">This page needs its script to show more than what was recorded.</p></noscript>
<p class="warnings" id="failed" hidden></p>
${warningsHtml(profile)}
<dl class="facts">
${factsHtml(profile, sampleCount(profile))}
</dl>
${ledgerHtml(profile)}
${unresolvedHtml(profile)}

<div class="bar">
<label id="event-choice">Event <select id="event"></select></label>
<label class="search">Search <input type="search" id="search" placeholder="symbol or object, or /regex/"
 autocomplete="off" spellcheck="false" title="Press / to get here"></label>
<output id="found" for="search"></output>
<output id="choice"></output>
<button type="button" id="reset-choice" disabled>Show all</button>
</div>

<section id="timeline" aria-labelledby="timeline-title">
<div class="head"><h2 id="timeline-title">Timeline</h2>
<fieldset class="switch"><legend>Lanes</legend>
<label><input type="radio" name="lanes" value="cpu" checked><span>CPUs</span></label>
<label><input type="radio" name="lanes" value="thread"><span>Threads</span></label></fieldset>
<p class="hint muted">Drag to take a range, click to take all; a label takes one lane.</p></div>
<div class="lanes"><div id="lane-labels"></div>
<div id="lane-plot" tabindex="0" role="group"
 aria-label="Samples over time. Arrow keys move the range, with Shift its end; Escape takes all.">
<canvas id="lane-canvas"></canvas><div id="range" hidden></div></div></div>
<p id="same" class="muted" hidden>Same as <code id="same-command"></code></p>
</section>

${flameSection()}

${symbolsSection()}
</main>
<div id="tip" hidden></div>`;
}

function flameSection(): string {
  return `<section id="flame-section" aria-labelledby="flame-title">
<div class="head"><h2 id="flame-title">Flame graph</h2>
<fieldset class="switch"><legend>Direction</legend>
<label title="Roots at the top"><input type="radio" name="direction" value="down" checked><span>Icicle</span></label>
<label title="Roots at the bottom"><input type="radio" name="direction" value="up"><span>Flames</span></label></fieldset>
<button type="button" id="reset-zoom" disabled>Reset zoom</button>
<p class="legend flames muted">${legend()}</p></div>
<p id="focus" class="chip" hidden>Only stacks through <b id="focus-name"></b>
<button type="button" id="unfocus">Show all stacks</button></p>
<p id="flame-details" class="muted" role="status"></p>
<p id="flame-empty" class="muted" hidden>No samples here.</p>
<div id="flame" tabindex="0" role="group"
 aria-label="Flame graph. Arrow keys walk the stacks, Enter zooms, Backspace zooms out by one, Escape to everything."></div>
<p id="flame-left" class="muted"></p>
</section>`;
}

function symbolsSection(): string {
  return `<section aria-labelledby="symbols-title">
<div class="head"><h2 id="symbols-title">Symbols</h2><p id="symbol-count" class="muted"></p>
<p class="hint muted">A symbol's name shows only the stacks through it.</p></div>
<div class="scroll"><table id="symbols"><thead><tr>
${
    SYMBOL_COLUMNS.map(([by, title, kind]) =>
      `<th class="${kind}"><button type="button" data-sort="${by}">${title}</button></th>`
    ).join("\n")
  }
</tr></thead><tbody></tbody></table></div>
<button type="button" id="more-symbols" hidden></button>
</section>`;
}

/** Returns a patch of color and a name for each kind of code. */
function legend(): string {
  const kinds = Object.entries(KIND_NAMES) as [keyof typeof KIND_NAMES, string][];
  return kinds.map(([kind, name]) => `<i style="background:var(--${swatchClass(kind)})"></i>${name}`).join(
    "\n",
  );
}

/** Columns of the table of symbols: sort key, title, and class. */
const SYMBOL_COLUMNS = [
  ["self", "Self", "number"],
  ["self-samples", "Samples", "number"],
  ["total", "Total", "number"],
  ["total-samples", "Samples", "number"],
  ["symbol", "Symbol", "text"],
  ["object", "Object", "text"],
] as const;
