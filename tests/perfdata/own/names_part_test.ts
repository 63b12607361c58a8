import { assertEquals } from "@std/assert";
import { encodeFeatures, type FeatureValues } from "../../../lib/perfdata/format/feature_encoders.ts";
import { FEATURE, Features } from "../../../lib/perfdata/format/features.ts";
import { MAX_NAMES_BYTES, namesParts } from "../../../lib/perfdata/own/names_part.ts";

const BUNDLE = Uint8Array.from({ length: 1000 }, (_, i) => i);
const payloadOf = (values: FeatureValues) => encodeFeatures({ version: "pmuctl 1", ...values })[0].payload;

/** Features to which VERSION sections were added one after another. */
function featuresOf(...payloads: Uint8Array[]): Features {
  const features = new Features();
  for (const payload of payloads) features.add(FEATURE.VERSION, payload);
  return features;
}

Deno.test("a bundle of names stands behind the version and the ledger, and changes neither", () => {
  for (const ledger of [undefined, "{}"]) {
    const features = featuresOf(payloadOf({ ledger, names: namesParts(BUNDLE)[0] }));
    assertEquals([features.version, features.ledger, features.names], ["pmuctl 1", ledger, BUNDLE]);
    assertEquals(features.dropDamaged(), undefined);
  }
});

Deno.test("the parts of a bundle add up, whether the ledger comes before or after them", () => {
  const parts = namesParts(BUNDLE, 300).map((names) => payloadOf({ names }));
  const ledger = payloadOf({ ledger: "{}" });
  assertEquals(parts.length, 4);
  assertEquals(featuresOf(...parts, ledger).names, BUNDLE);
  assertEquals(featuresOf(...parts, ledger).ledger, "{}");
  assertEquals(featuresOf(ledger, ...parts).names, BUNDLE);
});

Deno.test("a bundle whose parts are missing, out of order or too large counts as absent", () => {
  const parts = namesParts(BUNDLE, 300).map((names) => payloadOf({ names }));
  assertEquals(featuresOf(...parts.slice(0, 3)).names, undefined);
  assertEquals(featuresOf(parts[0], parts[2], parts[1], parts[3]).names, undefined);
  assertEquals(
    featuresOf(payloadOf({ names: { total: MAX_NAMES_BYTES + 1, at: 0, bytes: BUNDLE } })).names,
    undefined,
  );
  assertEquals(featuresOf(payloadOf({ names: { total: 10, at: 0, bytes: BUNDLE } })).names, undefined);
  const whole = payloadOf({ names: namesParts(BUNDLE)[0] });
  for (let size = 0; size < whole.length; size += 7) {
    assertEquals(featuresOf(whole.subarray(0, size)).names, undefined);
  }
});
