/** A flame graph as one SVG: it zooms, searches and explains itself in a browser, and can be read without one. */

import { lostText } from "../../perfdata/format/ledger.ts";
import type { Weight } from "../../profile/query/aggregate.ts";
import { matchFunctions } from "../../profile/compare/match_functions.ts";
import { comparisonNotes } from "../../profile/compare/comparison_notes.ts";
import { commonEvents, normalizingFactor } from "../../profile/compare/diff.ts";
import type { Normalization } from "../../profile/compare/normalization.ts";
import { groupBy } from "../../profile/query/groups.ts";
import { type Profile, sampleCount, weightUnit } from "../../profile/model/profile.ts";
import { heaviestFirst } from "../../profile/query/shown_events.ts";
import { amountText, groupDigits, relativeChangeText } from "../shared/amount.ts";
import { type Box, type BoxKind, type FlameLayout, layoutFlames } from "./layout.ts";
import { interact } from "./script.js";
import { changeClass, KIND_NAMES, kindClass, styleSheet, swatchClass } from "./style.ts";
import { jsonText, printable } from "../../base/text/printable.ts";
import { escapeXml } from "../../base/text/xml.ts";
import { printedProfile } from "../shared/printed.ts";
import { stacksText } from "../shared/stacks_text.ts";

export interface FlamegraphOptions {
  /** The roots at the top. */
  inverted: boolean;
  /** Name of the event to show; the one with the most samples unless given. */
  event?: string;
  /** What it is of, for the title; the recorded command unless given. */
  title?: string;
  /** Colour by what changed since another profile. */
  base?: BaseOptions;
}

export interface BaseOptions {
  profile: Profile;
  /** What the base is called: the name of its file. */
  name: string;
  normalize: Normalization;
  /** Draw the base, so that what is gone is in it; colours mean the same. */
  negate: boolean;
}

/** In pixels. A row's boxes are one less high. */
const ROW = 17;
const TEXT_Y = 12;
/** Of the monospaced font, near enough; what does not fit is cut at the box's edge all the same. */
const LETTER = 6.65;
const LINE = 17;
/** What widths are for where nobody can tell how wide the window will be. */
const USUAL_WIDTH = 1200;
/** What is drawn: all that has weight, but of very many frames the widest, and none narrower than a tenth of a pixel. */
const LIMITS = { mostFrames: 10_000, leastWidth: 0.1 / USUAL_WIDTH, mostDepth: 500 };
/** Boxes narrower than this many pixels have no text until they are wider. */
const TEXT_FROM = 27;

/**
 * The whole picture. Widths are weights, of the `data-weight` that the root has, in events or ns; with a base colours are changes of self weight, red for more and blue for
 * less. Throws BadInputError when the base cannot be compared: see diffProfiles().
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
  const height = headHeight + layout.rows * ROW + 12;
  const yOf = (depth: number) => headHeight + ROW * (inverted ? depth : layout.rows - 1 - depth);
  const how = { rowHeight: ROW, inverted, letterWidth: LETTER, headHeight };
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<svg xmlns="http://www.w3.org/2000/svg" class="flames" width="100%" height="${height}" data-weight="${layout.whole.period}">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${styleSheet()}</style>`,
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
    `<script><![CDATA[(${interact})(document.currentScript.ownerSVGElement,${jsonText(how)})]]></script>`,
    `</svg>`,
    "",
  ].join("\n");
}

const HINT = "In a browser: click or Enter zooms, arrows move, / searches, Esc resets.";

/** What there is to draw. */
interface Graph {
  layout: FlameLayout;
  /** The profile that is drawn, and the name of its event. */
  of: Profile;
  eventName: string;
  /** What to add below the title. */
  said: string[];
  /** What to know before trusting it. */
  notes: string[];
  change?: GraphChange;
}

interface GraphChange {
  /** What the other profile's weights are multiplied by. */
  scale: number;
  /** 1 when the drawn one is the newer, else -1. */
  sign: 1 | -1;
  /** Of self weight, whether more or less. */
  greatest: number;
  otherName: string;
}

function alone(profile: Profile, wanted: string | undefined): Graph {
  const events = heaviestFirst(profile);
  const event = events.find((event) => profile.events[event].name === wanted) ?? events[0] ?? 0;
  const grouping = groupBy(profile, ["comm", "sym"]);
  return {
    layout: layoutFlames({ profile, grouping, event }, undefined, LIMITS),
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
  const [eventA, eventB] = heaviestPair(base.profile, profile, wanted);
  const sameEvent = base.profile.events[eventA].name === profile.events[eventB].name;
  const used = sameEvent ? normalize : "share";
  const factor = normalizingFactor(base.profile, profile, used, { a: eventA, b: eventB });
  const alike = matchFunctions(base.profile, profile, ["comm", "dso", "sym"]);
  const a = { profile: base.profile, grouping: alike.a, event: eventA };
  const b = { profile, grouping: alike.b, event: eventB };
  const layout = negate ? layoutFlames(a, b, LIMITS) : layoutFlames(b, a, LIMITS);
  const drawn = negate ? a : b;
  const measure = {
    none: "weights as recorded",
    duration: "per duration",
    samples: "per sample",
    share: "by share",
  };
  const scale = negate ? factor : 1 / factor;
  const greatest = layout.boxes.reduce(
    (most, { self, other }) => Math.max(most, Math.abs(self.period - scale * other!.self.period)),
    0,
  );
  const gone = layout.otherWhole.period > 0 ? 100 * layout.gone.period / layout.otherWhole.period : 0;
  return {
    layout,
    of: drawn.profile,
    eventName: drawn.profile.events[drawn.event].name,
    said: [
      `B against A, which is ${name}, ${measure[used]}: red frames take more of their own, blue ones less. ` +
      `Widths are ${negate ? "A's" : "B's"}.`,
      ...(gone >= 0.005
        ? [
          negate
            ? `${gone.toFixed(2)}% of B is in calls that A has not.`
            : `${gone.toFixed(2)}% of A is in calls that are gone (--negate shows them).`,
        ]
        : []),
    ],
    notes: comparisonNotes(base.profile, profile),
    change: { scale, sign: negate ? -1 : 1, greatest, otherName: negate ? "B" : name },
  };
}

/** The events to compare: of those that both have, the one with the most samples. */
function heaviestPair(a: Profile, b: Profile, wanted: string | undefined): [number, number] {
  const samples = ([eventA, eventB]: [number, number]) => sampleCount(a, eventA) + sampleCount(b, eventB);
  return commonEvents(a, b, wanted).reduce((most, pair) => samples(pair) > samples(most) ? pair : most);
}

interface Line {
  text: string;
  warning?: boolean;
}

function subtitles({ layout, eventName, said, notes }: Graph, { meta, events }: Profile): Line[] {
  const { whole, narrow, deep, narrowest } = layout;
  const pixels = Math.ceil(100 * narrowest * USUAL_WIDTH - 1e-6) / 100;
  const event = events.find(({ name }) => name === eventName);
  const amount = weightText(whole, eventName);
  const facts = [
    event ? `${event.name}, ${event.rate}` : "no event",
    meta.seconds >= 0 ? `${amount} over ${meta.seconds.toFixed(3)} s` : amount,
    `lost: ${lostText(meta.ledger)}`,
    meta.stacks ? `stacks: ${stacksText(meta.stacks)}` : "",
    [meta.host, meta.kernel && `Linux ${meta.kernel}`].filter(Boolean).join(", "),
  ];
  const left = ([[narrow, `narrower than ${pixels} pixels (of ${USUAL_WIDTH})`], [
    deep,
    `more than ${LIMITS.mostDepth} calls deep`,
  ]] as const)
    .flatMap(([{ frames, weight }, why]) => {
      const share = whole.period > 0 ? 100 * weight.period / whole.period : 0;
      const what = `${groupDigits(frames)} frame${frames === 1 ? "" : "s"}`;
      return frames > 0 ? [`Not drawn: ${what} ${why}, with ${share.toFixed(2)}% of the weight.`] : [];
    });
  return [
    { text: facts.filter(Boolean).join("  ·  ") },
    ...said.map((text) => ({ text })),
    ...left.map((text) => ({ text })),
    ...notes.map((text) => ({ text: `Note: ${text}`, warning: true })),
  ];
}

function legend({ layout, change }: Graph, y: number): string[] {
  const kinds = new Set(layout.boxes.map(({ kind }) => kind));
  const entries: [string, string][] = change
    ? [["s6", ""], ["s2", ""], ["z", ""], ["g2", ""], ["g6", "from less to more"]]
    : (Object.keys(KIND_NAMES) as Exclude<BoxKind, "root">[])
      .filter((kind) => kinds.has(kind))
      .map((kind) => [swatchClass(kind), KIND_NAMES[kind]]);
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
  const { name, kind, x, width } = box;
  const className = graph.change ? changeClass(changeOf(box, graph.change)) : kindClass(kind, name);
  const text = width * USUAL_WIDTH >= TEXT_FROM ? `<text x="3" y="${TEXT_Y}">${escapeXml(name)}</text>` : "";
  return `<svg class="${className}" x="${percent(x)}%" y="${y}" width="${percent(width)}%" height="${ROW}">` +
    `<title>${escapeXml(tooltip(box, graph))}</title>` +
    `<rect width="100%" height="100%"/>${text}</svg>`;
}

/** Six decimals, so that the narrowest frame, zoomed to the whole width, still has its callees in their places. */
const percent = (part: number) => String(Number((100 * part).toFixed(6)));

/** A box's change of its own weight: 1 or -1 for the greatest in the graph. */
function changeOf({ kind, self, other }: Box, { scale, sign, greatest }: GraphChange): number {
  if (kind === "root" || greatest === 0) return 0;
  return sign * (self.period - scale * other!.self.period) / greatest;
}

/** Name, object, figures; a line each, which is also how the script reads them. */
function tooltip(box: Box, graph: Graph): string {
  const { name, object, kind, total, self } = box;
  const { layout: { whole }, eventName } = graph;
  const figures = (weight: Weight) => `${weightText(weight, eventName)}, ${share(weight, whole)}`;
  const lines = [
    name,
    ...(object === "" || object === name ? [] : [object]),
    figures(total),
  ];
  if (kind !== "root" && self.count > 0 && self.count < total.count) lines.push(`itself ${figures(self)}`);
  if (graph.change) lines.push(...changeLines(box, graph));
  return lines.join("\n");
}

function changeLines({ kind, self, total, other }: Box, { layout, eventName, change }: Graph): string[] {
  const { scale, sign, otherName } = change!;
  const unit = weightUnit(eventName);
  const line = (what: string, of: Weight, before: Weight) => {
    const by = sign * (of.period - scale * before.period);
    return `${what}${relativeChangeText(by, unit)}, ${share(before, layout.otherWhole)} in ${otherName}`;
  };
  return [
    line("change ", total, other!.total),
    ...(kind === "root" ? [] : [line("itself ", self, other!.self)]),
  ];
}

/** `1,234 samples, 1.234 s`. */
function weightText({ count, period }: Weight, eventName: string): string {
  const unit = weightUnit(eventName);
  const amount = amountText(period, unit);
  return `${groupDigits(count)} sample${count === 1 ? "" : "s"}, ${amount}${
    unit === "events" ? ` ${eventName}` : ""
  }`;
}

function share({ period }: Weight, whole: Weight): string {
  return `${(whole.period > 0 ? 100 * period / whole.period : 0).toFixed(2)}%`;
}
