/** Bundles of names in pipes, where several VERSION features hold a part each. */

import { encodeFeatures } from "../format/feature_encoders.ts";
import { MAX_FEATURE_BYTES } from "../format/writer.ts";
import { namesParts } from "../own/names_part.ts";

/** Most bytes that pad a record. */
const PADDING = 8;

/** Returns the payloads of the features that hold an encoded bundle, each with the version of its writer. */
export function pipedNamesParts(bundle: Uint8Array, version: string): Uint8Array[] {
  const none = { total: 0, at: 0, bytes: new Uint8Array() };
  const [{ payload: front }] = encodeFeatures({ version, names: none });
  return namesParts(bundle, MAX_FEATURE_BYTES - front.length - PADDING).map((names) =>
    encodeFeatures({ version, names })[0].payload
  );
}
