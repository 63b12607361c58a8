/** Renders the report as one HTML page with data, style and program in it: it opens from disk and loads nothing. */

import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { escapeXml } from "../../base/text/xml.ts";
import { type Profile, sampleCount } from "../../profile/model/profile.ts";
import { pageFlameStyle } from "../flame/style.ts";
import { encodeCode } from "./code_tables.ts";
import { keysHtml } from "./keys.ts";
import { packWithRows } from "./pack.ts";
import { packCode, type ProfileCode } from "./pack_code.ts";
import { factsHtml, ledgerHtml, unresolvedHtml, warningsHtml } from "./sections.ts";
import { encodeTables } from "./tables.ts";
import { printedProfile } from "../shared/printed.ts";

/** Parts of the page that do not depend on the profile. */
export interface HtmlOptions {
  /** Program, as one script. */
  program: string;
  /** Style sheet. */
  style: string;
  /** Code of functions, if the page shows any. */
  code?: ProfileCode;
}

/** Returns the page. It has a timeline when the profile has `times`, and lanes for the CPUs and threads in the profile. */
export function renderHtml(given: Profile, { program, style, code }: HtmlOptions): string {
  const profile = printedProfile(given), { tables, rows } = packWithRows(profile);
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
${body(profile, command, code !== undefined)}
${dataHtml("data", encodeTables(tables))}
${code ? dataHtml("code-data", encodeCode(packCode(code, rows))) : ""}
<script type="module">
${inScript(program)}
</script>
</body>
</html>
`;
}

/** Returns bytes for the page's program, which load.ts reads. */
function dataHtml(id: string, bytes: Uint8Array): string {
  const data = Buffer.from(gzipSync(bytes)).toString("base64");
  return `<script type="application/octet-stream" id="${id}">${data}</script>`;
}

/** Returns a program as a script element can hold it: nothing in it ends the element. */
function inScript(program: string): string {
  return program.replace(/<(?=\/script|!--|script)/gi, "\\x3c");
}

function body(profile: Profile, command: string, hasCode: boolean): string {
  return `<header>
<div class="title"><p class="muted">pmuctl report</p><h1>${escapeXml(command)}</h1></div>
<div class="buttons"><button type="button" id="show-keys" title="Keys" aria-label="Keys"
 aria-keyshortcuts="?">?</button>
<button type="button" id="theme"></button></div>
</header>
<main>
<noscript><p class="warnings">This page needs its script to show more than what was recorded.</p></noscript>
<p class="warnings" id="failed" hidden></p>
${warningsHtml(profile)}
<dl class="facts">
${factsHtml(profile, sampleCount(profile))}
</dl>
<div class="accounts">
${ledgerHtml(profile)}
${unresolvedHtml(profile)}
</div>

<div class="bar">
<label id="event-choice">Event <select id="event"></select></label>
<label class="search">Search <input type="search" id="search" placeholder="symbol or object, or /regex/"
 autocomplete="off" spellcheck="false" title="Press / to get here"></label>
<output id="found" for="search"></output>
<output id="choice"></output>
<button type="button" id="reset-choice" disabled>Show all</button>
</div>

${timeSection()}

<div class="views">
${flameSection()}

${hasCode ? codeSection() : ""}
</div>

${symbolsSection(hasCode)}
</main>
${keysHtml(hasCode)}
<div id="tip" hidden></div>`;
}

function timeSection(): string {
  return `<section id="timeline" aria-labelledby="timeline-title">
<div class="head"><h2 id="timeline-title">Timeline</h2>
${switchHtml("Chart", "chart", [["lanes", "Lanes"], ["heat", "Heat map"]])}
${switchHtml("Lanes", "lanes", [["cpu", "CPUs"], ["thread", "Threads"]])}
${
    switchHtml("A drag chooses", "target", [
      ["range", "Range", "Drag to choose what is shown"],
      ["base", "Base", "Drag to choose what the range is compared with"],
    ])
  }
<button type="button" id="swap" disabled title="Swap range and base">Swap</button>
<p class="hint muted">Drag to take a range, click to take all; a base to compare with, too.</p></div>
<div class="lanes" id="lane-chart"><div id="lane-labels"></div>
<div id="lane-plot" tabindex="0" role="group"
 aria-label="Samples over time. Arrow keys move the range, with Shift its end; Escape takes all.">
<canvas id="lane-canvas"></canvas><div id="range" hidden></div><div id="base" hidden></div></div></div>
<div id="heat-chart" hidden>
<div id="heat-plot" tabindex="0" role="group"
 aria-label="Heat map of samples. Arrow keys walk the cells, with Shift they take a range; Enter takes a cell, Escape all.">
<canvas id="heat-canvas"></canvas></div>
<p class="heat-legend muted"><span id="heat-details" role="status"></span>
<span><span id="heat-scale"></span> 0 <span class="ramp"></span> <span id="heat-most"></span></span></p></div>
<p id="same" class="muted" hidden>Same as <code id="same-command"></code></p>
</section>`;
}

/** Returns a group of radio buttons, the first of them checked: value, text, and a hint of what it does. */
function switchHtml(legend: string, name: string, choices: [string, string, string?][]): string {
  const labels = choices.map(([value, text, hint], i) =>
    `<label${hint ? ` title="${hint}"` : ""}><input type="radio" name="${name}" value="${value}"${
      i === 0 ? " checked" : ""
    }><span>${text}</span></label>`
  );
  return `<fieldset class="switch"><legend>${legend}</legend>\n${labels.join("\n")}</fieldset>`;
}

function flameSection(): string {
  return `<section id="flame-section" aria-labelledby="flame-title">
<div class="head"><h2 id="flame-title">Flame graph</h2>
${
    switchHtml("Direction", "direction", [
      ["down", "Icicle", "Roots at the top"],
      ["up", "Flames", "Roots at the bottom"],
    ])
  }
<button type="button" id="reset-zoom" disabled>Reset zoom</button>
<p class="legend flames muted" id="flame-legend"></p></div>
<p id="focus" class="chip" hidden>Only stacks through <b id="focus-name"></b>
<button type="button" id="unfocus">Show all stacks</button></p>
<p id="compared" class="muted" hidden>Colors compare the range with the base, per second: red frames take more of
 their own, blue ones less.</p>
<div class="details"><p id="flame-details" class="muted" role="status"></p>
<button type="button" id="show-code" title="Source and assembly of this function (c)">Code</button></div>
<p id="code-why" class="muted" role="status" hidden></p>
<p id="flame-empty" class="muted" hidden>No samples here.</p>
<div id="flame" tabindex="0" role="group"
 aria-label="Flame graph. Arrow keys walk the stacks, Enter zooms, Backspace zooms out by one, Escape to everything."></div>
<p id="flame-left" class="muted"></p>
</section>`;
}

function codeSection(): string {
  return `<section id="code" aria-labelledby="code-title" hidden>
<div class="head"><h2 id="code-title">Code</h2>
<div id="code-views">${
    switchHtml("Show", "code-view", [
      ["both", "Both"],
      ["source", "Source"],
      ["assembly", "Assembly"],
    ])
  }</div>
<button type="button" id="code-close" title="Close (Esc)">Close</button></div>
<p class="code-name"><b id="code-name"></b> <span id="code-object" class="muted"></span></p>
<p id="code-inlined" class="muted"></p>
<p id="code-facts" class="muted"></p>
<ul id="code-notes" class="muted"></ul>
<p id="code-at" class="muted" role="status"></p>
<div id="code-lines" tabindex="0" role="group"
 aria-label="Code. Arrow keys walk the lines, n and p the hot ones, Enter follows a jump, Escape closes."></div>
</section>`;
}

function symbolsSection(hasCode: boolean): string {
  return `<section aria-labelledby="symbols-title">
<div class="head"><h2 id="symbols-title">Symbols</h2><p id="symbol-count" class="muted"></p>
<p class="hint muted">A symbol's name shows ${
    hasCode ? "its code, and " : ""
  }only the stacks through it.</p></div>
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

/** Columns of the table of symbols: sort key, title, and class. Change is only shown when ranges are compared. */
const SYMBOL_COLUMNS = [
  ["self", "Self", "number"],
  ["self-samples", "Samples", "number"],
  ["total", "Total", "number"],
  ["total-samples", "Samples", "number"],
  ["change", "Change", "number change"],
  ["symbol", "Symbol", "text"],
  ["object", "Object", "text"],
] as const;
