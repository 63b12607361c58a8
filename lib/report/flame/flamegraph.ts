/** Draws a flame graph as one SVG: in a browser it zooms and searches, and without one it can still be read. */

import { lostText } from "../../perfdata/format/ledger.ts";
import { compareStacks } from "../../profile/compare/stack_comparison.ts";
import type { Normalization } from "../../profile/request/normalization.ts";
import type { Profile } from "../../profile/model/profile.ts";
import { ProfileQuery } from "../../profile/query/query.ts";
import {
  boxClass,
  type BoxFacts,
  boxLines,
  FLAME_LIMITS,
  type FlameChange,
  greatestChange,
  hiddenLines,
  LETTER_WIDTH,
  ROW_HEIGHT,
  USUAL_WIDTH,
  weightText,
} from "./boxes.ts";
import { FlameChart } from "./chart.js";
import { type Box, type FlameLayout, layoutFlames } from "./layout.ts";
import { FlamePicture } from "./picture.js";
import { profileCalls } from "./profile_calls.ts";
import { legendEntries, pictureStyle } from "./style.ts";
import { jsonText, printable } from "../../base/text/printable.ts";
import { escapeXml } from "../../base/text/xml.ts";
import { printedProfile } from "../shared/printed.ts";
import { stacksText } from "../shared/stacks_text.ts";

/** Options of a flame graph. */
export interface FlamegraphOptions {
  /** Puts the roots at the top. */
  inverted: boolean;
  /** Name of the event to show; the one with the most samples by default. */
  event?: string;
  /** Title; the recorded command by default. */
  title?: string;
  /** Profile to compare with: colors show what changed since. */
  base?: BaseOptions;
}

/** Profile that a differential flame graph compares with. */
export interface BaseOptions {
  profile: Profile;
  /** Name of the base: that of its file. */
  name: string;
  normalize: Normalization;
  /** Draws the base, so that what is gone can be seen; colors mean what they meant. */
  negate: boolean;
}

/** Height of a line of the heading, in pixels. */
const LINE = 17;
/** Width in pixels from which a box has a text before a browser has seen it. */
const TEXT_FROM = 27;

/**
 * Returns the whole picture. Widths are weights, in the unit of the root's `data-weight`: events or ns. With a base,
 * colors are changes of self weight: red for more, blue for less. Throws BadInputError when the base cannot be compared:
 * see diffProfiles().
 */
export function renderFlamegraph(given: Profile, options: FlamegraphOptions): string {
  const profile = printedProfile(given);
  const { inverted } = options;
  const event = options.event && printable(options.event);
  const graph = options.base ? againstBase(profile, printedBase(options.base), event) : alone(profile, event);
  const { layout, of } = graph;
  const lines = subtitles(graph, of);
  const title = options.title === undefined ? of.meta.command || "flame graph" : printable(options.title);
  const headHeight = 34 + lines.length * LINE + 64;
  const height = headHeight + layout.rows * ROW_HEIGHT + 12;
  const yOf = (depth: number) => headHeight + ROW_HEIGHT * (inverted ? depth : layout.rows - 1 - depth);
  const how = {
    rowHeight: ROW_HEIGHT,
    inverted,
    letterWidth: LETTER_WIDTH,
    top: headHeight,
    rows: layout.rows,
  };
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<svg xmlns="http://www.w3.org/2000/svg" class="flames" width="100%" height="${height}" data-weight="${layout.whole.period}">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${pictureStyle()}</style>`,
    `<rect class="page" width="100%" height="100%"/>`,
    `<svg class="boxes" x="1%" width="98%" height="${height}">`,
    ...layout.boxes.map((box) => boxXml(box, yOf(box.depth), graph)),
    `</svg>`,
    `<g class="head">`,
    `<rect class="page" width="100%" height="${headHeight - 4}"/>`,
    `<svg x="1%" width="98%" height="${headHeight}">`,
    `<text class="heading" y="24">${escapeXml(title)}</text>`,
    ...lines.map(({ text, warning }, i) =>
      `<text class="said${warning ? " warning" : ""}" y="${44 + i * LINE}">${escapeXml(text)}</text>`
    ),
    ...legend(graph, headHeight - 39),
    `<text class="details" y="${headHeight - 11}">${HINT}</text>`,
    `</svg>`,
    `</g>`,
    `<script><![CDATA[${programText(how)}]]></script>`,
    `</svg>`,
    "",
  ].join("\n");
}

/** Returns the program inside the picture, without its comments and indentation. */
function programText(how: object): string {
  const text = `new (${FlamePicture})(document.currentScript.ownerSVGElement,${jsonText(how)},${FlameChart})`;
  return text.replace(/^\s*(?:\/\/|\/?\*).*\n|^\s+/gm, "");
}

const HINT = "In a browser: click or Enter zooms, arrows move, / searches, Esc resets.";

/** Layout of a graph, and what its heading says. */
interface Graph extends BoxFacts {
  layout: FlameLayout;
  /** Profile that is drawn. */
  of: Profile;
  /** Lines below the title. */
  said: string[];
  /** Warnings before the reader trusts it. */
  notes: string[];
}

function alone(profile: Profile, wanted: string | undefined): Graph {
  const query = new ProfileQuery(profile), events = query.heaviestEvents();
  const event = events.find((event) => profile.events[event].name === wanted) ?? events[0] ?? 0;
  return {
    layout: layoutFlames(profileCalls({ counts: query.by(["comm", "sym"]), event }), FLAME_LIMITS),
    of: profile,
    eventName: profile.events[event]?.name ?? "",
    said: [],
    notes: profile.meta.warnings,
  };
}

function printedBase({ profile, name, ...how }: BaseOptions): BaseOptions {
  return { profile: printedProfile(profile), name: printable(name), ...how };
}

function againstBase(profile: Profile, base: BaseOptions, wanted: string | undefined): Graph {
  const { normalize, negate, name } = base;
  const { a, b, factor, ...compared } = compareStacks(base.profile, profile, { event: wanted, normalize });
  const [drawn, other] = negate ? [a, b] : [b, a];
  const layout = layoutFlames(profileCalls(drawn, other), FLAME_LIMITS);
  const measure = {
    none: "weights as recorded",
    duration: "per duration",
    samples: "per sample",
    share: "by share",
  };
  const scale = negate ? factor : 1 / factor;
  const change: FlameChange = {
    scale,
    sign: negate ? -1 : 1,
    greatest: greatestChange(layout.boxes, scale),
    otherName: negate ? "B" : name,
  };
  return {
    layout,
    of: drawn.counts.profile,
    eventName: drawn.counts.profile.events[drawn.event].name,
    said: [
      `B against A, which is ${name}, ${
        measure[compared.normalize]
      }: red frames take more of their own, blue ones less. ` +
      `Widths are ${negate ? "A's" : "B's"}.`,
      ...goneLines(layout, negate),
    ],
    notes: compared.notes,
    change,
  };
}

/** Returns the line that tells which share of the other profile cannot be drawn, if any. */
function goneLines({ gone, otherWhole }: FlameLayout, negate: boolean): string[] {
  const share = otherWhole.period > 0 ? 100 * gone.period / otherWhole.period : 0;
  if (share < 0.005) return [];
  return [
    negate
      ? `${share.toFixed(2)}% of B is in calls that A has not.`
      : `${share.toFixed(2)}% of A is in calls that are gone (--negate shows them).`,
  ];
}

interface Line {
  text: string;
  warning?: boolean;
}

function subtitles({ layout, eventName, said, notes }: Graph, { meta, events }: Profile): Line[] {
  const event = events.find(({ name }) => name === eventName);
  const amount = weightText(layout.whole, eventName);
  const facts = [
    event ? `${event.name}, ${event.rate}` : "no event",
    meta.seconds >= 0 ? `${amount} over ${meta.seconds.toFixed(3)} s` : amount,
    `lost: ${lostText(meta.ledger)}`,
    meta.stacks ? `stacks: ${stacksText(meta.stacks)}` : "",
    [meta.host, meta.kernel && `Linux ${meta.kernel}`].filter(Boolean).join(", "),
  ];
  return [
    { text: facts.filter(Boolean).join("  ·  ") },
    ...said.map((text) => ({ text })),
    ...hiddenLines(layout).map((text) => ({ text })),
    ...notes.map((text) => ({ text: `Note: ${text}`, warning: true })),
  ];
}

function legend({ layout, change }: Graph, y: number): string[] {
  const entries = legendEntries(layout.boxes, change !== undefined);
  let x = 0;
  const parts = entries.map(([className, name]) => {
    const part = `<g class="${className}"><rect x="${x}" y="${y - 10}" width="12" height="12" rx="2"/>` +
      `<text x="${x + 17}" y="${y}">${name}</text></g>`;
    x += name === "" ? 15 : 30 + Math.ceil(name.length * 6.5);
    return part;
  });
  return [`<g class="legend">`, ...parts, `</g>`];
}

function boxXml(box: Box, y: number, graph: Graph): string {
  const { name, x, width } = box;
  const text = width * USUAL_WIDTH >= TEXT_FROM ? `<text x="3" y="12">${escapeXml(name)}</text>` : "";
  const place = `x="${percent(x)}%" y="${y}" width="${percent(width)}%" height="${ROW_HEIGHT}"`;
  return `<svg class="${boxClass(box, graph.change)}" ${place}>` +
    `<title>${escapeXml(boxLines(box, graph).join("\n"))}</title>` +
    `<rect width="100%" height="100%"/>${text}</svg>`;
}

/** Formats with six decimals, so that the narrowest frame, zoomed to the whole width, has its callees in place. */
const percent = (part: number) => String(Number((100 * part).toFixed(6)));
