/** Sizes, colors and texts of a flame graph's boxes. The SVG's generator and the HTML page's program both use it. */

import { groupDigits, plural } from "../../base/text/plural.ts";
import { type Weight, weightUnit } from "../../profile/model/profile.ts";
import { amountText, relativeChangeText } from "../shared/amount.ts";
import type { Box, FlameLayout, FlameLimits } from "./layout.ts";
import { changeClass, INLINED_CLASS, kindClass } from "./style.ts";

/** Height of a row in pixels. */
export const ROW_HEIGHT = 17;
/** Width of a letter in pixels, near enough: longer text is cut at the edge of its box. */
export const LETTER_WIDTH = 6.65;
/** Width in pixels that is assumed where nobody can tell how wide the window will be. */
export const USUAL_WIDTH = 1200;
/** Limits of every graph: of very many frames the widest, and none narrower than a tenth of a pixel. */
export const FLAME_LIMITS: FlameLimits = { maxFrames: 10_000, minWidth: 0.1 / USUAL_WIDTH, maxDepth: 500 };

/** Differential graph's comparison of the drawn profile with the other one. */
export interface FlameChange {
  /** Factor for the other profile's weights. */
  scale: number;
  /** 1 when the drawn profile is the newer one, else -1. */
  sign: 1 | -1;
  /** Greatest change of self weight, whether growth or not. */
  greatest: number;
  otherName: string;
}

/** Facts that the texts of boxes depend on. */
export interface BoxFacts {
  layout: Pick<FlameLayout, "whole" | "otherWhole" | "measure">;
  eventName: string;
  change?: FlameChange;
}

/** Returns the class of a box, which gives it its color. */
export function boxClass(box: Box, change?: FlameChange): string {
  if (!change) return kindClass(box.kind, box.name) + (box.inlined ? ` ${INLINED_CLASS}` : "");
  return changeClass(box.kind === "root" ? 0 : selfChange(box, change));
}

/** Returns the greatest change of self weight among boxes, whether growth or not. */
export function greatestChange(boxes: readonly Box[], scale: number): number {
  return boxes.reduce(
    (most, { self, other }) => Math.max(most, Math.abs(self.period - scale * other!.self.period)),
    0,
  );
}

/** Returns a box's change of self weight: 1 or -1 for the greatest in the graph. */
function selfChange({ self, other }: Box, { scale, sign, greatest }: FlameChange): number {
  return greatest === 0 ? 0 : sign * (self.period - scale * other!.self.period) / greatest;
}

/** Returns what a box says when it is pointed at, by line: name, object, figures. */
export function boxLines(box: Box, facts: BoxFacts): string[] {
  const { name, object, kind, total, self } = box;
  const { layout: { whole, measure }, eventName } = facts;
  const figures = (weight: Weight) =>
    `${weightText(weight, eventName)}, ${percent(weight[measure], whole[measure])}`;
  const lines = [box.inlined ? `${name} (inlined)` : name];
  if (object !== "" && object !== name) lines.push(object);
  lines.push(figures(total));
  if (kind !== "root" && self.count > 0 && self.count < total.count) lines.push(`itself ${figures(self)}`);
  if (facts.change) lines.push(...changeLines(box, facts, facts.change));
  return lines;
}

function changeLines(
  { kind, self, total, other }: Box,
  { layout: { otherWhole, measure }, eventName }: BoxFacts,
  { scale, sign, otherName }: FlameChange,
): string[] {
  const unit = weightUnit(eventName);
  const line = (what: string, now: Weight, before: Weight) => {
    const by = sign * (now.period - scale * before.period);
    return `${what} ${relativeChangeText(by, unit)}, ${
      percent(before[measure], otherWhole[measure])
    } in ${otherName}`;
  };
  return [
    line("change", total, other!.total),
    ...(kind === "root" ? [] : [line("itself", self, other!.self)]),
  ];
}

/** Returns the lines that tell which frames are not drawn; none when all are. */
export function hiddenLines({ narrow, deep, narrowest, whole, measure }: FlameLayout): string[] {
  const pixels = Math.ceil(100 * narrowest * USUAL_WIDTH - 1e-6) / 100;
  const reasons = [
    [narrow, `narrower than ${pixels} pixels (of ${USUAL_WIDTH})`],
    [deep, `more than ${FLAME_LIMITS.maxDepth} calls deep`],
  ] as const;
  return reasons.filter(([{ frames }]) => frames > 0).map(([{ frames, weight }, reason]) =>
    `Not drawn: ${groupDigits(frames)} ${plural(frames, "frame")} ${reason}, with ${
      percent(weight[measure], whole[measure])
    } of the weight.`
  );
}

/** Returns a weight in words: `1,234 samples, 1.234 s`. */
export function weightText({ count, period }: Weight, eventName: string): string {
  const unit = weightUnit(eventName);
  const amount = amountText(period, unit);
  return `${groupDigits(count)} ${plural(count, "sample")}, ${amount}${
    unit === "events" ? ` ${eventName}` : ""
  }`;
}

const percent = (part: number, whole: number) => `${(whole > 0 ? 100 * part / whole : 0).toFixed(2)}%`;
