/** Result of a check as JSON; docs/check.md describes the format. */

import { JSON_SCHEMAS } from "../../base/text/json_schemas.ts";
import type { Fingerprint } from "../baseline/fingerprint.ts";
import type { CheckResult } from "./result.ts";
import { jsonText } from "../../base/text/printable.ts";

/** Formats the result. `status` is the exit status that goes with it. */
export function checkJson(
  result: CheckResult,
  { status, version, machine }: { status: number; version: string; machine: Fingerprint },
): string {
  const { rows, notes, where, grown } = result;
  const document = { schema: JSON_SCHEMAS.check, version, status, machine, rows, notes, where, grown };
  return jsonText(document, 2) + "\n";
}
