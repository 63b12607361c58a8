import { assertEquals } from "@std/assert";
import { fuzz } from "./campaign.ts";
import { judge } from "./oracle.ts";
import { mutateBytes } from "./mutate.ts";
import { Random } from "./random.ts";
import { allSubjects, chosen } from "./subjects.ts";
import { BadInputError } from "../../lib/base/errors.ts";

/** Always the same inputs here, so that a failure is of the change at hand; other seeds are scripts/fuzz's. */
const SEED = 20240229;

Deno.test("20,000 changed and made-up inputs are all answered", async () => {
  const { runs, failures } = await fuzz({ seed: SEED, first: 0, end: 20000, workers: 2 });
  const told = failures.map(({ run, subject, made, why }) =>
    `scripts/fuzz --seed ${SEED} --run ${run} (${subject}; ${made}): ${why}`
  );
  assertEquals(told, []);
  assertEquals(runs, 20000);
});

Deno.test("an input is the same each time it is made", async () => {
  const subjects = await allSubjects();
  const make = (run: number) => {
    const random = new Random(7, run);
    return chosen(subjects, random).make(random).bytes.slice();
  };
  for (let run = 0; run < 200; run++) assertEquals(make(run), make(run));
});

Deno.test("judge() tells bugs from answers", async () => {
  const refuse = () => {
    throw new BadInputError("cannot read x: it is damaged", 3);
  };
  assertEquals(await judge(10, refuse), undefined);
  assertEquals(await judge(10, () => {}), undefined);
  const why = await judge(10, () => {
    throw new TypeError("x is undefined");
  });
  assertEquals(why?.split("\n")[0], "TypeError: x is undefined");
  const empty = await judge(10, () => {
    throw new BadInputError(`cannot read x: ${undefined}`);
  });
  assertEquals(empty?.startsWith("an error that says nothing"), true);
});

Deno.test("mutateBytes() leaves alone what lies before its place", () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  for (let run = 0; run < 500; run++) {
    const changed = mutateBytes(bytes, new Random(1, run), 40);
    assertEquals(changed.subarray(0, 40), bytes.subarray(0, 40));
  }
});
