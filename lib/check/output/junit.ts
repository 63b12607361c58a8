/**
 * A check's result as JUnit XML, for CI systems that show test results. A metric is a test case: regressed is a
 * failure, unmeasurable an error, and inconclusive is skipped, or a failure where it is to end the build.
 */

import { detailLines, formatChange, sourceName, verdictWord } from "./check_text.ts";
import type { CheckResult, CheckRow } from "./result.ts";
import { printable } from "../../base/text/printable.ts";
import { escapeXml } from "../../base/text/xml.ts";

export function junitXml({ rows }: CheckResult, { strict }: { strict: boolean }): string {
  const elementOf = ({ verdict }: CheckRow) => {
    if (verdict === "regressed" || (verdict === "inconclusive" && strict)) return "failure";
    return verdict === "unmeasurable" ? "error" : verdict === "inconclusive" ? "skipped" : undefined;
  };
  const number = (element: string) => rows.filter((row) => elementOf(row) === element).length;
  const cases = rows.map((row) => {
    const element = elementOf(row);
    const details = escapeXml(detailLines(row).join("\n"));
    const cause = row.figures ? formatChange(row.figures) : printable(row.reason ?? "");
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
