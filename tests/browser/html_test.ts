/** The HTML report in a real browser, of a real recording. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { renderFlamegraph } from "../../lib/report/flame/flamegraph.ts";
import { pmuctlOk } from "../live/harness.ts";
import { testNeeding } from "../needs.ts";
import { profileOf } from "../profile/build.ts";
import type { Page } from "./chromium.ts";
import {
  BOXES,
  drawn,
  names,
  RECORDING,
  rows,
  search,
  settled,
  shown,
  withMadeUp,
  withReport,
} from "./report_page.ts";

interface Row {
  symbol: string | null;
  unnamed?: string;
  self: { count: number };
  total: { count: number };
}

/** The name of code without a symbol, whichever addresses were seen of it: a part of a recording has fewer. */
const anyRange = (name: string) => name.replace(/\+0x[0-9a-f]+\.\.0x[0-9a-f]+$/, "+RANGE");

/** Rows of `report --json`, with the options given, as `SYMBOL SELF TOTAL`. */
async function reported(options: string[]): Promise<{ samples: number; rows: string[] }> {
  const text = await pmuctlOk(["report", "--json", "--inline", "-s", "dso,sym", "-i", RECORDING, ...options]);
  const [event] = JSON.parse(text).events;
  const rows = event.rows.map(({ symbol, unnamed, self, total }: Row) =>
    `${symbol ?? anyRange(unnamed!)} ${self.count} ${total.count}`
  );
  return { samples: event.samples, rows: rows.sort() };
}

/** The same of the page's table. */
async function tabled(page: Page): Promise<string[]> {
  const grouped = (text: string) => text.replaceAll(",", "");
  return (await rows(page)).map(([, self, , total, symbol]) => {
    const name = anyRange(symbol.replace(/^(?:kernel|inlined)/, ""));
    return `${name} ${grouped(self)} ${grouped(total)}`;
  }).sort();
}

testNeeding(
  ["chromium"],
  "the HTML report shows what report counts, also of a range of time",
  () =>
    withReport(async (page) => {
      const all = await reported([]);
      assertEquals(await shown(page), all.samples);
      assertEquals(await tabled(page), all.rows);

      const box = await page.evaluate<{ x: number; y: number; width: number }>(
        "document.getElementById('lane-plot').getBoundingClientRect().toJSON()",
      );
      await page.drag(box.x + box.width * 0.3, box.y + 20, box.x + box.width * 0.7, box.y + 20);
      const command = await page.evaluate<string>("document.getElementById('same-command').textContent");
      const [, time] = /^pmuctl report (?:--inline )?--time (\S+)$/.exec(command)!;
      const part = await reported(["--time", time]);
      assert(part.samples > 0 && part.samples < all.samples, `${part.samples} of ${all.samples}`);
      assertEquals(await shown(page), part.samples);
      assertEquals(await tabled(page), part.rows);
      assertEquals(await drawn(page), part.samples);

      await page.clickOn("#reset-choice");
      assertEquals(await shown(page), all.samples);
      await page.evaluate("document.getElementById('lane-plot').focus()");
      await page.key("ArrowRight");
      await settled(page);
      assert(await shown(page) < all.samples);
      await page.key("Escape");
      assertEquals(await shown(page), all.samples);

      await page.clickOn("input[name=lanes][value=thread] + span");
      await page.clickOn(".lane-label");
      const lane = await page.evaluate<string>("document.querySelector('.lane-label').textContent");
      const thread = await reported(["--tid", lane.split(" ").pop()!, "--percentage", "relative"]);
      assertEquals(await shown(page), thread.samples);
    }),
);

testNeeding(
  ["chromium"],
  "the HTML report finds, sorts, zooms and focuses",
  () =>
    withReport(async (page) => {
      const everything = await rows(page);
      const [, , , , symbol] = everything[0];
      const name = anyRange(symbol.replace(/^kernel/, ""));
      await search(page, name);
      const found = await rows(page);
      assert(found.length > 0 && found.length < everything.length);
      assert(found.every((row) => row[4].includes(name)));
      assertEquals(
        await page.evaluate("/^[\\d.]+% matches$/.test(document.getElementById('found').textContent)"),
        true,
      );
      const hits = await names(page, `${BOXES}.filter((box) => box.classList.contains("hit"))`);
      assert(hits.length > 0 && hits.every((hit) => hit.includes(name)), `${hits} have ${name}`);
      await search(page, "/(/");
      assertEquals(
        await page.evaluate("document.getElementById('found').textContent"),
        "not a regular expression",
      );
      await page.key("Escape");
      assertEquals((await rows(page)).length, everything.length);

      const samples = async () => (await rows(page)).map((row) => Number(row[1].replaceAll(",", "")));
      await page.clickOn("[data-sort=self-samples]");
      assertEquals(await samples(), (await samples()).sort((a, b) => b - a));
      await page.clickOn("[data-sort=self-samples]");
      assertEquals(await samples(), (await samples()).sort((a, b) => a - b));
      await page.clickOn("[data-sort=self]");

      const width = "document.querySelector('#flame > svg').getBoundingClientRect().width";
      const zoomed = `${BOXES}.find((box) => box.matches(".at")).getBoundingClientRect().width`;
      await page.evaluate(`void ${BOXES}[2].dispatchEvent(new MouseEvent("click", { bubbles: true }))`);
      await page.until(`Math.abs(${zoomed} - ${width}) < 3`);
      assert(await drawn(page) < await shown(page));
      await page.clickOn("#reset-zoom");
      await page.until("document.getElementById('reset-zoom').disabled");

      await page.evaluate("document.querySelector('#symbols .link').scrollIntoView({ block: 'center' })");
      await page.clickOn("#symbols .link");
      const total = Number(everything[0][3].replaceAll(",", ""));
      assertEquals(await drawn(page), total);
      assertEquals(await page.evaluate("document.getElementById('focus').hidden"), false);
      await page.clickOn("#unfocus");
      assertEquals(await page.evaluate("document.getElementById('focus').hidden"), true);
    }),
);

testNeeding(
  ["chromium"],
  "the HTML report follows the system's colours, and its button",
  () =>
    withReport(async (page) => {
      const ground = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
      const light = await ground();
      await page.prefer(true);
      await page.until("document.documentElement.dataset.theme === 'dark'");
      assert(await ground() !== light);
      await page.clickOn("#theme");
      assertEquals(await ground(), light);
    }),
);

testNeeding(
  ["chromium"],
  "the HTML report keeps to the width of a phone, and shows each event",
  () =>
    withReport(async (page) => {
      await page.resize(390, 800);
      await page.until("document.querySelector('#flame > svg').getBoundingClientRect().width < 390");
      assertEquals(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
      const events = await page.evaluate<number>("document.getElementById('event').length");
      assertEquals(events, 2);
      await page.evaluate(`(() => {
      const event = document.getElementById("event");
      event.value = "1";
      event.dispatchEvent(new Event("change"));
    })()`);
      const text = await pmuctlOk(["report", "--json", "-i", RECORDING]);
      assertEquals(await shown(page), JSON.parse(text).events[1].samples);
    }),
);

testNeeding(["chromium"], "the HTML report shows hostile names as they are, and runs none of them", () => {
  const evil = "<img/src=x/onerror=window.hit=1></script><script>window.hit=2</script>";
  return withMadeUp([`${evil} ${evil}!${evil} 3`], async (page) => {
    assertEquals((await rows(page))[0].slice(4), [evil, evil]);
    const box = await page.evaluate<{ x: number; y: number; width: number }>(
      `${BOXES}.at(-1).getBoundingClientRect().toJSON()`,
    );
    await page.move(box.x + box.width / 2, box.y + 8);
    await page.until("!document.getElementById('tip').hidden");
    assertEquals(await page.evaluate("document.querySelector('#tip b').textContent"), evil);
    await page.evaluate("document.querySelector('#symbols .link').click()");
    assertEquals(
      await page.evaluate("document.getElementById('focus-name').textContent"),
      `${evil} (${evil})`,
    );
    assertEquals(await page.evaluate("window.hit === undefined && !document.querySelector('img')"), true);
  });
});

testNeeding(
  ["chromium"],
  "the HTML report of nothing says so, and one of a deep recursion is drawn",
  async () => {
    await withMadeUp([], async (page) => {
      assertEquals(await page.evaluate("document.getElementById('flame-empty').hidden"), false);
      assertEquals(await shown(page), 0);
    });
    const deep = `app ${Array.from({ length: 5000 }, () => "app!f").join(";")} 7`;
    await withMadeUp([deep, "app app!g 3"], async (page) => {
      await search(page, "f");
      assertEquals(await page.evaluate("document.getElementById('found').textContent"), "70.0% matches");
      assertEquals((await rows(page))[0].slice(1, 5), ["7", "70.0%", "7", "f"]);
    });
  },
);

const CALLS = [
  "app app!main;app!parse;app!read 300 300000000",
  "app app!main;app!parse 100 100000000",
  "app app!main;app!compute;app!inner;libm.so.6!sin 400 400000000",
  "app app!main;app!compute;[kernel.kallsyms]!asm_exc_page_fault 100 100000000",
  "sh libc.so.6! 100 100000000",
];

testNeeding(["chromium"], "the HTML report's flame graph is the SVG's: boxes, colours, words", () => {
  const profile = profileOf(CALLS);
  const svg = renderFlamegraph(profile, { inverted: true });
  const box = /<svg class="(\w+)" x="([\d.]+)%" y="\d+" width="([\d.]+)%" height="17"><title>([^<]*)</g;
  const expected = [...svg.matchAll(box)].map(([, kind, x, width, title]) => ({
    kind,
    x: Number(x).toFixed(3),
    width: Number(width).toFixed(3),
    title,
  }));
  return withMadeUp(CALLS, async (page) => {
    const found = await page.evaluate(`${BOXES}.map((box) => {
      box.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
      const part = (name) => parseFloat(box.getAttribute(name)).toFixed(3);
      const title = [...document.getElementById("tip").children].map((line) => line.textContent).join("\\n");
      return { kind: box.getAttribute("class"), x: part("x"), width: part("width"), title };
    })`);
    assertEquals(found, expected);
    const colour = (selector: string) => page.evaluate<string>(`getComputedStyle(${selector}).fill`);
    const main = `${BOXES}[2].querySelector("rect")`;
    const light = await colour(main);
    await page.clickOn("#theme");
    assert(await colour(main) !== light);
  });
});

testNeeding(
  ["chromium"],
  "the HTML report's flame graph answers the keys that the SVG does, while it has the focus",
  () =>
    withMadeUp(CALLS, async (page) => {
      const told = () =>
        page.evaluate<string>("document.getElementById('flame-details').textContent.split(';')[0]");
      const boxes = () => page.evaluate<number>(`${BOXES}.length`);
      await page.evaluate("document.getElementById('flame').focus()");
      for (const key of ["ArrowDown", "ArrowDown", "ArrowDown"]) await page.key(key);
      assertEquals(await told(), "compute");
      await page.key("ArrowRight");
      assertEquals(await told(), "parse");
      await page.key("ArrowLeft");
      await page.key("Enter");
      assertEquals([await told(), await boxes()], ["compute", 7]);
      await page.key("Backspace");
      assertEquals([await told(), await boxes()], ["main", 9]);
      await page.key("Escape");
      assertEquals([await told(), await boxes()], ["all", 11]);
      await page.key("/");
      assertEquals(await page.evaluate("document.activeElement.id"), "search");
    }),
);

testNeeding(["chromium"], "the HTML report's flame graph shows more of what it is zoomed to", () => {
  const many = Array.from({ length: 12_000 }, (_, i) => `app app!main;app!many;app!g${i} 1`);
  const rare = Array.from({ length: 20 }, (_, i) => `app app!main;app!mid;app!rare;app!f${i} 10`);
  const lines = [...many, ...rare, "app app!main;app!mid 1800", "app app!main;app!hot 1000000"];
  return withMadeUp(lines, async (page) => {
    const hidden = () => page.evaluate<string>("document.getElementById('flame-left').textContent");
    assertEquals((await names(page, BOXES)).sort(), ["all", "app", "hot", "main", "many", "mid"]);
    assertMatch(await hidden(), /^Not drawn: 12,020 frames .* Zoom in to see them\.$/);
    await page.evaluate("document.getElementById('flame').focus()");
    for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "Enter"]) {
      await page.key(key);
    }
    assertEquals(await hidden(), "");
    assertEquals((await names(page, BOXES)).length, 25); // with mid, rare, and those that mid was called by
    assertEquals(await drawn(page), 2000);

    // a part of the profile is drawn zoomed to the same function, while it is in that part
    const takeOnly = async (symbol: string) => {
      await search(page, `/^${symbol}$/`);
      await page.clickOn("#symbols .link");
    };
    await takeOnly("f7");
    assertEquals(await drawn(page), 10);
    assertEquals((await names(page, BOXES)).at(-1), "f7");
    await takeOnly("hot");
    assertEquals(await drawn(page), 1_000_000);
  });
});
