import { assertEquals, assertThrows } from "@std/assert";
import { BadInputError } from "../../lib/base/system/errors.ts";
import { cachegrindTotal } from "../../lib/run/valgrind.ts";

Deno.test("cachegrindTotal() takes the instructions of the summary, in whichever column they are", () => {
  assertEquals(cachegrindTotal("cmd: x\nevents: Ir\nfl=a.c\nfn=f\n1 2\nsummary: 78703622\n"), 78703622);
  assertEquals(cachegrindTotal("events: Dr Ir \nsummary: 5 7\n"), 7);
});

Deno.test("cachegrindTotal() refuses a file that is cut short, rather than to take it for 0", () => {
  for (const text of ["", "events: Ir\nfn=f\n1 2\n", "events: Ir\nsummary: \n", "events: Dr\nsummary: 5\n"]) {
    assertThrows(() => cachegrindTotal(text), BadInputError);
  }
});
