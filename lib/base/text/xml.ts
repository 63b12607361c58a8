/** Text for XML. */

import { printableLines } from "./printable.ts";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/**
 * `text` as XML 1.0 can hold it, in content and in double quotes: names of symbols, commands and files may hold
 * anything. What would act on a terminal, most of which no XML can hold, is shown as an escape; line ends stay.
 */
export function escapeXml(text: string): string {
  return printableLines(text).replace(/[\ufffe\uffff]/g, "\ufffd").replace(/[&<>"]/g, (c) => ENTITIES[c]);
}
