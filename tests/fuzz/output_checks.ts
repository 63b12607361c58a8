/** What output has to be that has names in it which anybody chose. Each throws an Error when it is not. */

import { gunzipSync } from "node:zlib";
import { functionRows, lanesOf, weighStacks, weightsThrough } from "../../lib/report/html/select.ts";
import { decodeTables } from "../../lib/report/html/tables.ts";
import { FLAME_LIMITS } from "../../lib/report/flame/boxes.ts";
import { layoutFlames } from "../../lib/report/flame/layout.ts";
import { nameOf, pageCalls } from "../../lib/report/html/calls.ts";

/** Letters that act on a terminal, break lines or turn the direction of text. */
// deno-lint-ignore no-control-regex
const ACTING = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** Fails for text that is not fit for a terminal, its colours apart, or shows a number that is none. */
export function fitForTerminal(what: string, text: string): void {
  // deno-lint-ignore no-control-regex
  const plain = text.replace(/\x1b\[\d+(?:;\d+)*m/g, "");
  const at = plain.search(ACTING);
  if (at >= 0) {
    throw new Error(`${what} has a letter that acts: ${JSON.stringify(plain.slice(at - 40, at + 20))}`);
  }
  if (/\bNaN\b|\bundefined\b|\[object /.test(text)) throw new Error(`${what} shows a NaN or undefined`);
}

/** Fails for XML whose tags do not match, or with what XML cannot have. */
export function wellFormed(xml: string): void {
  const open: string[] = [];
  const rest = xml.replace(/<!\[CDATA\[[^]*?\]\]>/g, "").replace(/<\?xml[^?]*\?>/, "");
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(rest)) {
    throw new Error("there is a letter that XML cannot have");
  }
  const tag =
    /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|<|&(?!(?:lt|gt|amp|quot|apos|#\d+|#x[0-9a-fA-F]+);)/g;
  for (const [whole, close, name, , empty] of rest.matchAll(tag)) {
    if (name === undefined) throw new Error(`this is no XML: ${JSON.stringify(whole)}`);
    if (close && open.pop() !== name) throw new Error(`this is no XML: </${name}>`);
    if (!close && !empty) open.push(name);
  }
  if (open.length > 0) throw new Error(`this is no XML: <${open.at(-1)}> has no end`);
}

/** Fails for a page with more scripts than the two that it has of its own. */
export function onlyOurScripts(html: string): void {
  const scripts = html.match(/<script/gi)?.length ?? 0;
  if (scripts !== 2) throw new Error(`the page has ${scripts} scripts`);
  const head = html.slice(html.indexOf("<body>"), html.indexOf('<script type="application/octet-stream"'));
  if (/\son\w+=|<(?:b|img|iframe)\b[^>]*(?:src|&)/i.test(head)) {
    throw new Error("the page has a tag that is not ours");
  }
}

/** Reads a page's tables and works with them as its script does. */
export function openPage(html: string): void {
  const [, data] = /<script type="application\/octet-stream" id="data">([^<]*)<\/script>/.exec(html) ?? [];
  if (data === undefined) throw new Error("the page has no data");
  const tables = decodeTables(new Uint8Array(gunzipSync(Uint8Array.fromBase64(data))));
  for (let event = 0; event < tables.events.length; event++) {
    const weights = weighStacks(tables, { event });
    for (const { place } of functionRows(tables, weights)) nameOf(tables, place);
    layoutFlames(pageCalls(tables, { weights, event }), FLAME_LIMITS);
    for (const by of ["cpu", "thread"] as const) lanesOf(tables, event, by, 20);
    if (tables.stacks.place.length > 0) weightsThrough(tables, weights, tables.stacks.place[0]);
  }
}
