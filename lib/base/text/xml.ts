/** Escapes text for XML and HTML. */

import { printableLines } from "./printable.ts";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/**
 * Returns `text` as XML 1.0 and HTML can hold it, in content and in double quotes: names of symbols, commands and files
 * may hold anything. Characters that would act on a terminal, most of which no XML can hold, become escapes; line ends
 * stay.
 */
export function escapeXml(text: string): string {
  return printableLines(text).replace(/[\ufffe\uffff]/g, "\ufffd").replace(/[&<>"]/g, (c) => ENTITIES[c]);
}
