/** Loads the data from the page, which has it as base64 of gzip (see html.ts). */

import { type CodeTables, decodeCode } from "../html/code_tables.ts";
import { decodeTables, type PageTables } from "../html/tables.ts";

/** Decodes the tables of the profile. */
export async function loadTables(): Promise<PageTables> {
  return decodeTables(await unpacked(document.getElementById("data")!));
}

/** Decodes the code of functions; undefined if the page was made without. */
export async function loadCode(): Promise<CodeTables | undefined> {
  const data = document.getElementById("code-data");
  return data ? decodeCode(await unpacked(data)) : undefined;
}

async function unpacked(data: HTMLElement): Promise<Uint8Array> {
  const binary = atob(data.textContent!.trim());
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < packed.length; i++) packed[i] = binary.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
