/** Prints an annotated function as JSON: docs/formats.md, pmuctl.annotate. */

import { hexAddress } from "../base/bytes/address.ts";
import { JSON_SCHEMAS } from "../base/text/json_schemas.ts";
import { jsonText } from "../base/text/printable.ts";
import type { Annotation } from "./annotation.ts";

/** Yields the document. */
export function* renderAnnotationJson(annotation: Annotation): Generator<string> {
  const { symbol, object, event, unit, self, all, instructions, lines, warnings } = annotation;
  const hex = (address: number) => `0x${hexAddress(address)}`;
  yield jsonText({
    schema: JSON_SCHEMAS.annotate,
    symbol,
    object,
    event,
    unit,
    self,
    all,
    instructions: instructions.map(({ address, text, target, line, inlined, samples, period }) => ({
      address: hex(address),
      text,
      ...target === undefined ? {} : { target: hex(target) },
      ...line >= 0 ? { line } : {},
      ...inlined.length > 0 ? { inlined } : {},
      samples,
      period,
    })),
    lines,
    warnings,
  }, 2) + "\n";
}
