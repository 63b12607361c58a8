/** The HTML report's heat map, and ranges of time that are compared, in a real browser. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Profile } from "../../lib/profile/model/profile.ts";
import { pmuctlOk } from "../live/harness.ts";
import { testNeeding } from "../needs.ts";
import { profileOf } from "../profile/build.ts";
import type { Page } from "./chromium.ts";
import { BOXES, names, RECORDING, rows, settled, shown, withMadeUp, withReport } from "./report_page.ts";

/** A recording of 20 s: `early` in its first half and `late` in its second, `both` all the time; 100 samples a second. */
function timedProfile(): Profile {
  const profile = profileOf([
    "app app!main;app!early 500 500000000",
    "app app!main;app!both 1000 1000000000",
    "app app!main;app!late 500 500000000",
  ]);
  const n = 2000;
  const row = (i: number) => i % 2 === 0 ? 1 : i < n / 2 ? 0 : 2;
  profile.times = {
    at: Float64Array.from({ length: n }, (_, i) => i * 10_000_000),
    sample: Int32Array.from({ length: n }, (_, i) => row(i)),
    period: new Float64Array(n).fill(1_000_000),
  };
  return profile;
}

const focus = (page: Page, id: string) => page.evaluate(`document.getElementById("${id}").focus()`);
const click = (page: Page, selector: string) =>
  page.evaluate(`void document.querySelector(${JSON.stringify(selector)}).click()`);
const text = (page: Page, id: string) => page.evaluate<string>(`document.getElementById("${id}").innerText`);
const hash = (page: Page) =>
  page.evaluate<string[]>(`[...new URLSearchParams(location.hash.slice(1))].map((each) => each.join("="))`);

/** Classes of the boxes by name. */
async function colors(page: Page): Promise<Record<string, string>> {
  const classes = await page.evaluate<string[]>(
    `${BOXES}.map((box) => box.getAttribute("class").split(" ")[0])`,
  );
  return Object.fromEntries((await names(page, BOXES)).map((name, i) => [name, classes[i]]));
}

/** Drags over the map, between two places as parts of its columns and rows, from the lower left. */
async function dragMap(page: Page, from: [number, number], to: [number, number]): Promise<void> {
  await page.evaluate("document.getElementById('heat-canvas').scrollIntoView({ block: 'center' })");
  const box = await page.evaluate<{ x: number; y: number; width: number; height: number }>(
    "document.getElementById('heat-canvas').getBoundingClientRect().toJSON()",
  );
  // 20 columns of as many whole pixels as there is room for, behind labels of 64; an axis of 20 below
  const width = 20 * Math.floor((box.width - 64) / 20), height = box.height - 20;
  const at = ([column, row]: [number, number]) =>
    [box.x + 64 + column * width, box.y + height - row * height] as const;
  await page.drag(...at(from), ...at(to));
}

testNeeding(
  ["chromium"],
  "a range dragged in the HTML report's heat map is what graph and table show",
  () =>
    withMadeUp(timedProfile(), async (page) => {
      await click(page, "input[name=chart][value=heat]");
      assertMatch(await text(page, "heat-scale"), /^A column is 1 s, a cell 20 ms\.$/);
      // from the start of the third second to the end of the fifth
      await dragMap(page, [2.5 / 20, 0.001], [4.5 / 20, 0.999]);
      assertEquals(await hash(page), ["time=2-5", "chart=heat"]);
      assertEquals(await shown(page), 300);
      assertEquals((await rows(page)).map((row) => `${row[4]} ${row[3]}`).sort(), [
        "both 150",
        "early 150",
        "main 300",
      ]);
      assertEquals((await names(page, BOXES)).sort(), ["all", "app", "both", "early", "main"]);
      // a click takes all again
      await dragMap(page, [0.5, 0.5], [0.5, 0.5]);
      assertEquals([await shown(page), await hash(page)], [2000, ["chart=heat"]]);
    }),
);

testNeeding(
  ["chromium"],
  "keys choose in the HTML report's heat map what a drag does",
  () =>
    withMadeUp(timedProfile(), async (page) => {
      await click(page, "input[name=chart][value=heat]");
      await focus(page, "heat-plot");
      for (const key of ["ArrowUp", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp"]) await page.key(key);
      assertEquals(await text(page, "heat-details"), "20 ms from 2.04 s: 2 samples");
      await page.key("Enter");
      assertEquals((await hash(page))[0], "time=2.04-2.06");
      for (const key of ["ArrowRight", "ArrowRight", "ArrowDown"]) await page.key(key, { shift: true });
      await page.until("location.hash.startsWith('#time=2.04-4.04&')");
      assertEquals(await shown(page), 200);
      await page.key("Escape");
      assertEquals(await shown(page), 2000);
    }),
);

testNeeding(
  ["chromium"],
  "a second range makes the HTML report's flame graph a differential one",
  () =>
    withMadeUp(timedProfile(), async (page) => {
      await click(page, "input[name=chart][value=heat]");
      await dragMap(page, [12.5 / 20, 0.001], [15.5 / 20, 0.999]);
      await click(page, "input[name=target][value=base]");
      await dragMap(page, [7.5 / 20, 0.001], [8.5 / 20, 0.999]);
      assertEquals((await hash(page)).slice(0, 2), ["time=12-16", "base=7-9"]);
      assertMatch(
        await text(page, "choice"),
        /^400 of 2,000 samples .* from 12\.00 s · against 200 samples, 2\.000 s from 7/,
      );
      // twice as long, and as much of `both` a second
      assertEquals(await colors(page), { all: "z", app: "z", main: "z", both: "z", late: "g6" });
      assertMatch(await text(page, "flame-left"), /^50\.0% of the base is in calls that the range has not/);
      assertMatch(await text(page, "flame-legend"), /from less to more/);
      const changes = async () =>
        (await rows(page)).map(([self, , , , change, symbol]) => `${symbol} ${self} ${change}`);
      assertEquals(await changes(), [
        "both 50.0% 0",
        "late 50.0% +200.0 ms",
        "main 0% 0",
        "early 0% -200.0 ms",
      ]);
      const heads = () =>
        page.evaluate<number>(
          "[...document.querySelectorAll('#symbols th')].filter((th) => th.checkVisibility()).length",
        );
      assertEquals(await heads(), 7);
      await click(page, "[data-sort=change]");
      assertEquals((await changes())[0], "late 50.0% +200.0 ms");
      await click(page, "[data-sort=change]");
      assertEquals((await changes())[0], "early 0% -200.0 ms");
      await click(page, "[data-sort=self]");
      await click(page, "#swap");
      assertEquals((await hash(page)).slice(0, 2), ["time=7-9", "base=12-16"]);
      assertEquals(await colors(page), { all: "z", app: "z", main: "z", both: "z", early: "g6" });
      await page.evaluate(`location.hash = "#time=0-20&base=0-10"`);
      await page.until("document.getElementById('choice').textContent.includes('against 1,000')");
      assertEquals(await colors(page), { all: "z", app: "z", main: "z", both: "z", early: "s6", late: "g6" });
      await click(page, "#reset-choice");
      assertMatch((await colors(page)).both, /^p\d$/);
      assertEquals([await hash(page), await heads()], [[], 6]);
    }),
);

testNeeding(
  ["chromium"],
  "a cell of the HTML report's heat map is what report --time shows of it",
  () =>
    withReport(async (page) => {
      await click(page, "input[name=chart][value=heat]");
      await focus(page, "heat-plot");
      for (let i = 0; i < 3; i++) await page.key("ArrowRight");
      for (let i = 0; i < 9; i++) await page.key("ArrowUp", { shift: true });
      await settled(page);
      const command = await text(page, "same-command");
      const [, , time] = /^pmuctl report (--inline )?--time (\S+)$/.exec(command)!;
      const [event] =
        JSON.parse(await pmuctlOk(["report", "--json", "--time", time, "-i", RECORDING])).events;
      assert(event.samples > 0);
      assertEquals(await shown(page), event.samples);
    }),
);
