/** Renders a comparison of two profiles as JSON: all rows of the text, with whole numbers. */

import { JSON_SCHEMAS } from "../../base/text/json_schemas.ts";
import { type DiffOrder, diffOrder, type ProfileDiff } from "../../profile/compare/diff.ts";
import { type Profile, sampleCount, weightUnit } from "../../profile/model/profile.ts";
import { JsonList, jsonPieces } from "./json_pieces.ts";

/**
 * Yields the JSON in pieces. It is one object:
 *
 * - `schema`: `pmuctl.diff/1`
 * - `a`, `b`: `file`, `command`, `host`, `kernel`, `cpu`, `seconds` (null if unknown), `samples`
 * - `notes`: sentences on differences between the two besides the code
 * - `events`: for each event `name` (that of A is `nameA` if it differs), `unit` (`ns` or `events`), `a` and `b` (`count`
 *   and `period` of all samples, as recorded), `normalize`, `factor` (applied to B's weights in every change), and `rows`
 * - `rows`: the requested ones of `command`, `object`, `symbol` (null if there is none: then `unnamed`, as in the report);
 *   `kernel`; `presence` (`both`, `new`, `gone`); `a` and `b`, each with `self` and `total` as recorded; the changes
 *   `self` and `total`, each with `weight`, `share` (percentage points) and `noise` (the standard deviation of `weight`)
 */
export function renderDiffJson(
  diff: ProfileDiff,
  { names, order }: { names: { a: string; b: string }; order: DiffOrder },
): Generator<string> {
  return jsonPieces({
    schema: JSON_SCHEMAS.diff,
    a: sideJson(names.a, diff.a),
    b: sideJson(names.b, diff.b),
    notes: diff.notes,
    events: new JsonList(diff.events, (event) => {
      const { names: { a: nameA, b: name }, a, b, normalize, factor, rows } = event;
      return {
        name,
        ...(nameA === name ? {} : { nameA }),
        unit: weightUnit(name),
        a,
        b,
        normalize,
        factor,
        rows: new JsonList(rows.toSorted(diffOrder(order, factor)), ({ comm, ...row }) => ({
          ...(comm === undefined ? {} : { command: comm }),
          ...row,
        })),
      };
    }),
  }, 1);
}

function sideJson(file: string, profile: Profile) {
  const { command, host, kernel, cpu, seconds } = profile.meta;
  return {
    file,
    command,
    host,
    kernel,
    cpu,
    seconds: seconds < 0 ? null : seconds,
    samples: sampleCount(profile),
  };
}
