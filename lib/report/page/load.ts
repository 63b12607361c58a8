/** Loads the tables from the page, which has them as base64 of gzip (see html.ts). */

import { decodeTables, type PageTables } from "../html/tables.ts";

/** Decodes the tables in the element `id`. */
export async function loadTables(id: string): Promise<PageTables> {
  const text = document.getElementById(id)!.textContent!;
  const binary = atob(text.trim());
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < packed.length; i++) packed[i] = binary.charCodeAt(i);
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return decodeTables(new Uint8Array(await new Response(unpacked).arrayBuffer()));
}
