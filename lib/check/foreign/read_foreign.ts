/** Reading of what another tool has measured, by the format and the path. */

import { exists } from "../../base/files/exists.ts";
import { readNamedText } from "../../base/files/file_bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { readCriterion } from "./criterion.ts";
import type { ForeignFormat } from "./foreign_formats.ts";
import { PARSERS } from "./parsers.ts";
import type { BenchmarkSamples } from "./samples.ts";

/** Criterion's name of the measurements of its last run. */
const LAST = "new";

/**
 * Reads the samples at a path: a file, or for criterion the folder `target/criterion`, or `target/criterion@NAME` for what
 * --save-baseline NAME has kept there. Throws BadInputError, in which the path is called `name`.
 */
export function readForeign(format: ForeignFormat, path: string, name = path): BenchmarkSamples[] {
  if (format === "criterion") {
    const at = path.lastIndexOf("@");
    if (at <= 0 || exists(path, Deno.statSync)) return readCriterion(path, LAST);
    return readCriterion(path.slice(0, at), path.slice(at + 1));
  }
  const text = readNamedText(path);
  if (typeof text === "string") return PARSERS[format](name, text);
  throw new BadInputError(`cannot read ${name}: ${text.cause}`);
}
