import { assertEquals } from "@std/assert";
import { type FoldedOptions, renderFolded } from "../../../lib/report/exchange/folded.ts";
import { profileOf } from "../../profile/build.ts";
import { whole } from "../whole.ts";

const profile = profileOf([
  "app app!main;app!work;libc.so!malloc 3 3000",
  "app app!main;app!work2 2 20",
  "app app!main;app!work 5 700",
  "app app!main;[kernel.kallsyms]!sys_read;[kernel.kallsyms]! 1 90000",
  "app app!main;libc.so! 4 16",
  "an-app app!main 1 1",
]);

function folded(options: Partial<FoldedOptions> = {}, of = profile): string[] {
  return whole(renderFolded(of, { weight: "period", marks: false, ...options })).split("\n");
}

Deno.test("renderFolded() has a line for each stack, sorted by path, of periods", () => {
  assertEquals(folded(), [
    "an-app;main 1",
    "app;main;libc.so+0xff0 16",
    "app;main;sys_read;[kernel.kallsyms]+0xff0 90000",
    "app;main;work2 20",
    "app;main;work 700",
    "app;main;work;malloc 3000",
    "",
  ]);
});

Deno.test("renderFolded() counts samples, and marks kernel code and code made at run time, when asked to", () => {
  const marked = { ...profile, objects: profile.objects.map((object) => ({ ...object })) };
  marked.objects.find(({ name }) => name === "libc.so")!.kind = "jit";
  assertEquals(folded({ weight: "samples", marks: true }, marked), [
    "an-app;main 1",
    "app;main;libc.so_[j] 4",
    "app;main;sys_read_[k];[kernel.kallsyms]+0xff0_[k] 1",
    "app;main;work2 2",
    "app;main;work 5",
    "app;main;work;malloc_[j] 3",
    "",
  ]);
});

Deno.test("renderFolded() lets no name end a line or a frame, and adds up commands that then look alike", () => {
  const odd = profileOf(["a-b x!f 2", "a_b x!f 3"]);
  odd.comms[0] = "a b";
  odd.symbols.name[0] = "f<';'>\n(int)";
  assertEquals(folded({}, odd), ["a_b;f<':'>\\n(int) 5", ""]);
});

Deno.test("renderFolded() leaves out what weighs nothing, and is empty for an empty profile", () => {
  assertEquals(folded({}, profileOf(["a x!f 1 0", "a x!g 1 1"])), ["a;g 1", ""]);
  assertEquals(folded({}, profileOf([])), [""]);
});

Deno.test("renderFolded() writes a stack of 20,000 frames, and long names", () => {
  const deep = Array.from({ length: 20_000 }, (_, i) => `x!f${i % 7}`).join(";");
  const [line] = folded({}, profileOf([`a ${deep} 1`]));
  assertEquals(line.split(";").length, 20_001);
  const long = profileOf(["a x!f 1"]);
  long.comms[0] = "ä".repeat(10_000);
  long.symbols.name[0] = "é".repeat(100_000);
  assertEquals(folded({}, long), [`${long.comms[0]};${long.symbols.name[0]} 1`, ""]);
});
