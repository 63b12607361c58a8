import { assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { readStoredProfile, storeProfile } from "../../../lib/profile/model/stored.ts";
import { profileOf } from "../build.ts";

const profile = profileOf(["app app!main;app!work;app!hot 100 100000", "app app!main;[kernel]!do 3"]);

Deno.test("a profile comes back as it was stored, columns, big numbers and all", () => {
  const stored = readStoredProfile("p.json", storeProfile(profile, 7));
  assertEquals(stored, { profile, repeats: 7 });
});

Deno.test("readStoredProfile() refuses what is damaged, and says how to make it anew", () => {
  const text = storeProfile(profile, 7);
  for (
    const damaged of [
      "",
      "{}",
      text.slice(0, 100),
      text.replace('"parent":{"Int32Array":[-1', '"parent":{"Int32Array":[5'),
      text.replace('"repeats":7', '"repeats":1e999'),
      text.replace('"warnings":[]', '"warnings":7'),
      text.replace('"events":[{', '"events":[null,{'),
      text.replace('"frames":{', '"frame":{'),
      text.replace('"count":{"Float64Array":[', '"count":{"Float64Array":["x",'),
    ]
  ) {
    assertNotEquals(damaged, text);
    const { message } = assertThrows(() => readStoredProfile("p.json", damaged), BadInputError);
    assertStringIncludes(message, "--update --profile");
  }
});
