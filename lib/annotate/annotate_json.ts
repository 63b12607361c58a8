/** Prints an annotated function as JSON: docs/formats.md, pmuctl.annotate. */

import { hexAddress } from "../base/bytes/address.ts";
import { JSON_SCHEMAS } from "../base/text/json_schemas.ts";
import { JsonList, jsonPieces } from "../report/json/json_pieces.ts";
import type { Annotation } from "../report/shared/annotation.ts";

/** Yields the document in pieces. */
export function renderAnnotationJson(annotation: Annotation): Generator<string> {
  const { symbol, object, event, unit, self, all, instructions, lines, warnings } = annotation;
  const hex = (address: number) => `0x${hexAddress(address)}`;
  return jsonPieces({
    schema: JSON_SCHEMAS.annotate,
    symbol: symbol || null,
    object: object || null,
    event,
    unit,
    self,
    all,
    instructions: new JsonList(
      instructions,
      ({ address, text, target, line, inlined, leftOut, samples, period }) => ({
        ...leftOut > 0 ? { leftOut } : {},
        address: hex(address),
        text,
        ...target === undefined ? {} : { target: hex(target) },
        ...line >= 0 ? { line } : {},
        ...inlined.length > 0 ? { inlined } : {},
        samples,
        period,
      }),
    ),
    lines: new JsonList(lines),
    warnings,
  }, 1);
}
