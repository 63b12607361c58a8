/**
 * Result of a check as JUnit XML, for CI systems that show test results. Each metric is a test case: a regression is
 * a failure, an unmeasurable metric an error, and an inconclusive one is skipped, or a failure with `strict`.
 */

import { changeOf, detailLines, sourceName, verdictWord } from "./check_text.ts";
import type { CheckResult, CheckRow } from "./result.ts";
import { printable } from "../../base/text/printable.ts";
import { escapeXml } from "../../base/text/xml.ts";

/** Formats the result as a JUnit test suite. */
export function junitXml({ rows }: CheckResult, { strict }: { strict: boolean }): string {
  const elementOf = ({ verdict }: CheckRow) => {
    if (verdict === "regressed" || (verdict === "inconclusive" && strict)) return "failure";
    return verdict === "unmeasurable" ? "error" : verdict === "inconclusive" ? "skipped" : undefined;
  };
  const number = (element: string) => rows.filter((row) => elementOf(row) === element).length;
  const cases = rows.map((row) => {
    const element = elementOf(row);
    const details = escapeXml(detailLines(row).join("\n"));
    const cause = changeOf(row) ?? printable(row.reason ?? "");
    const message = escapeXml(`${verdictWord(row)} ${cause}`.trim());
    const body = element === undefined
      ? `<system-out>${message}\n${details}</system-out>`
      : `<${element} message="${message}">${details}</${element}>`;
    return `  <testcase classname="${escapeXml(printable(row.benchmark))}" name="${
      escapeXml(sourceName(row))
    }">${body}</testcase>`;
  });
  const counts = `tests="${rows.length}" failures="${number("failure")}" errors="${
    number("error")
  }" skipped="${number("skipped")}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="pmuctl check" ${counts}>`,
    ...cases,
    "</testsuite>",
    "",
  ].join("\n");
}
