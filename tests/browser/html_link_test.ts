/** What the HTML report shows is in its address: it can be shared, and the browser goes back and forward in it. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { testNeeding } from "../needs.ts";
import type { Page } from "./chromium.ts";
import { BOXES, rows, search, settled, withMadeUp, withReport } from "./report_page.ts";

const hash = (page: Page) => page.evaluate<string>("decodeURIComponent(location.hash.slice(1))");

/** Everything that the page shows, as text; also lines of code out of sight, which browsers lay out when they scroll into it. */
const view = (page: Page) =>
  page.evaluate<string[]>(`[
    ...[...document.querySelectorAll(".part")].map((part) => part.style.contentVisibility = "visible").slice(0, 0),
    document.body.innerText,
    document.documentElement.dataset.theme,
    ...${BOXES}.map((box) => box.outerHTML.replace(/ at"/g, '"')),
    ...[...document.querySelectorAll("input:not([name=target]), select")].map((each) => each.value + each.checked),
    ...[...document.querySelectorAll("[aria-sort]")].map((each) => each.ariaSort),
    ...[...document.querySelectorAll("#range, #base")].filter((each) => each.checkVisibility())
      .map((range) => range.getAttribute("style")),
  ]`);

/** Opens an address anew: only its hash may differ from the one before, so another page is between them. */
async function openAnew(page: Page, url: string): Promise<void> {
  await page.open("about:blank");
  await page.open(url);
  await page.until("document.documentElement.dataset.ready");
}

const click = (page: Page, selector: string) =>
  page.evaluate(`void document.querySelector(${JSON.stringify(selector)}).click()`);
const choose = (page: Page, name: string, value: string) =>
  click(page, `input[name=${name}][value=${value}]`);

/** Keys of the address. */
const KEYS = [
  ...[
    "event",
    "lanes",
    "lane",
    "time",
    "base",
    "chart",
    "flames",
    "zoom",
    "through",
    "sort",
    "find",
    "colors",
  ],
  "open",
];

/** Changes everything that can be changed, one after the other. */
const CHANGES: [string, (page: Page) => Promise<unknown>][] = [
  ["the event", (page) =>
    page.evaluate(`(() => {
      const event = document.getElementById("event");
      event.value = "1";
      event.dispatchEvent(new Event("change"));
    })()`)],
  ["lanes", (page) => choose(page, "lanes", "thread")],
  ["the lane", (page) => click(page, ".lane-label")],
  ["the range", async (page) => {
    const plot = "document.getElementById('lane-plot')";
    await page.evaluate(`${plot}.scrollIntoView({ block: "center" })`);
    const { x, y, width } = await page.evaluate<{ x: number; y: number; width: number }>(
      `${plot}.getBoundingClientRect().toJSON()`,
    );
    await page.drag(x + 0.3 * width, y + 20, x + width - 1, y + 20);
  }],
  ["the base", async (page) => {
    await choose(page, "target", "base");
    await page.evaluate("document.getElementById('lane-plot').focus()");
    await page.key("ArrowRight");
    await settled(page);
  }],
  ["the chart", (page) => choose(page, "chart", "heat")],
  ["the direction", (page) => choose(page, "direction", "up")],
  ["the symbol", (page) => click(page, "#symbols .link")],
  [
    "the zoom",
    (page) => page.evaluate(`void ${BOXES}.at(-1).dispatchEvent(new MouseEvent("click", { bubbles: true }))`),
  ],
  ["the order", (page) => click(page, "[data-sort=symbol]")],
  ["the search", (page) => search(page, "e")],
  ["the colours", (page) => click(page, "#theme")],
  ["what is open", (page) => click(page, "#ledger summary")],
];

testNeeding(
  ["chromium"],
  "each choice in the HTML report is in its address, which shows the same again",
  () =>
    withReport(async (page, file) => {
      assertEquals(await hash(page), "");
      let before = "";
      for (const [what, change] of CHANGES) {
        await change(page);
        await page.until(`location.hash.slice(1) !== ${JSON.stringify(before)}`);
        const now = await page.evaluate<string>("location.hash.slice(1)");
        assertNotEquals(now.length, before.length, what);
        before = now;
      }
      const keys = [...new URLSearchParams(before).keys()];
      for (const key of KEYS) assert(keys.includes(key), `${key} in ${before}`);
      const shown = await view(page);
      await openAnew(page, `file://${file}#${before}`);
      assertEquals(await view(page), shown);
      assertEquals(await page.evaluate("location.hash.slice(1)"), before);
    }),
);

testNeeding(
  ["chromium"],
  "the browser goes back through the choices in the HTML report, and forward",
  () =>
    withReport(async (page) => {
      const views = [await view(page)];
      for (const [, change] of CHANGES) {
        const count = await page.evaluate<number>("history.length");
        await change(page);
        await page.until(`history.length > ${count}`);
        views.push(await view(page));
      }
      const go = async (step: number) => {
        const old = await page.evaluate<string>("location.href");
        await page.evaluate(`history.go(${step})`);
        await page.until(`location.href !== ${JSON.stringify(old)}`);
        // what comes behind the event of the address has been drawn
        await page.evaluate("new Promise((done) => setTimeout(done))");
      };
      for (let at = CHANGES.length - 1; at >= 0; at--) {
        await go(-1);
        assertEquals(await view(page), views[at], `before ${CHANGES[at][0]}`);
      }
      for (let at = 1; at <= CHANGES.length; at++) {
        await go(1);
        assertEquals(await view(page), views[at], `after ${CHANGES[at - 1][0]}`);
      }
    }),
);

testNeeding(
  ["chromium"],
  "typing in the HTML report's search box is one step back",
  () =>
    withReport(async (page) => {
      const count = await page.evaluate<number>("history.length");
      await page.evaluate("document.getElementById('search').focus()");
      await page.type("main");
      await page.until("location.hash === '#find=main'");
      assertEquals(await page.evaluate("history.length"), count + 1);
    }),
);

testNeeding(
  ["chromium"],
  "a hostile or outdated address of the HTML report changes nothing and runs nothing",
  () => {
    const evil = `"><img src=x onerror=window.hit=1></script><script>window.hit=2</script>`;
    const hashes = [
      ...[
        evil,
        "__proto__",
        "constructor",
        "-1",
        "1e999",
        "NaN",
        "%00%ff%",
        "0".repeat(16),
        "9".repeat(100_000),
      ].map((
        value,
      ) =>
        [...KEYS.filter((key) => key !== "find"), "rows"].map((key) => `${key}=${encodeURIComponent(value)}`)
          .join("&")
      ),
      "%",
      "%E0%A4%A",
      "&&&=&==",
      "time=5-1&zoom=&through=&sort=.&open=..",
      "javascript:window.hit=3",
      `${evil}=${evil}`,
    ];
    return withReport(async (page, file) => {
      const shown = await view(page);
      for (const each of hashes) {
        await openAnew(page, `file://${file}#${each}`);
        assertEquals(await view(page), shown, each.slice(0, 100));
      }
      await openAnew(page, `file://${file}#find=${encodeURIComponent(evil)}`);
      assertEquals(await page.evaluate("document.getElementById('search').value"), evil);
      assertEquals(await page.evaluate("window.hit === undefined && !document.querySelector('img')"), true);
    });
  },
);

testNeeding(
  ["chromium"],
  "an expression that may take for ever waits for Enter when a link brings it",
  () =>
    withMadeUp([`app app!${"a".repeat(60)}b 3`, "app app!main 2"], async (page, file) => {
      const found = () => page.evaluate<string>("document.getElementById('found').textContent");
      await openAnew(page, `file://${file}#find=${encodeURIComponent("/^ma/")}`);
      assertEquals(await found(), "40.0% matches");
      await openAnew(page, `file://${file}#find=${encodeURIComponent("/^(a+)+$/")}`);
      assertEquals(await found(), "a regular expression from a link: Enter searches for it");
      assertEquals((await rows(page)).length, 2);
      await search(page, "/^(m|n)(a)(i|j)/");
      assertEquals(await found(), "40.0% matches");
    }),
);
