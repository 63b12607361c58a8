/** XML escaping. */

import { printableLines } from "./printable.ts";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/**
 * Escapes `text` for content and double-quoted attributes of XML 1.0. Names of symbols, commands and files may contain
 * anything: characters that control a terminal, most of which XML cannot represent, are shown as escapes; line ends
 * stay.
 */
export function escapeXml(text: string): string {
  return printableLines(text).replace(/[\ufffe\uffff]/g, "\ufffd").replace(/[&<>"]/g, (c) => ENTITIES[c]);
}
