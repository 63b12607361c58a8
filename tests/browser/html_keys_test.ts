/** The HTML report by keyboard alone, in a real browser. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Profile } from "../../lib/profile/model/profile.ts";
import { testNeeding } from "../needs.ts";
import { profileOf } from "../profile/build.ts";
import type { Page } from "./chromium.ts";
import { BOXES, rows, shown, withMadeUp, withReport } from "./report_page.ts";

const active = (page: Page) =>
  page.evaluate<string>("document.activeElement.id || document.activeElement.textContent");

/** Goes through the page by Tab until it begins anew; returns the expression's value for each element on the way. */
async function tabThrough(page: Page, expression: string): Promise<string[]> {
  await page.evaluate("void (window.visited = new Set())");
  const seen: string[] = [];
  for (let i = 0; i < 500; i++) {
    await page.key("Tab");
    const isNew = await page.evaluate<boolean>(
      "document.activeElement !== document.body && !visited.has(document.activeElement) && !!visited.add(document.activeElement)",
    );
    if (isNew) seen.push(await page.evaluate<string>(expression));
    else if (seen.length > 0) return seen;
  }
  throw new Error("Tab does not come to an end");
}

testNeeding(
  ["chromium"],
  "Tab reaches every control of the HTML report, and shows where it is",
  () =>
    withReport(async (page) => {
      for (const chart of ["lanes", "heat"]) {
        await page.evaluate(`void document.querySelector("input[name=chart][value=${chart}]").click()`);
        await page.evaluate(
          `void (document.activeElement.blur(), document.querySelectorAll("#symbols tr:nth-child(n + 4)").forEach((row) => row.remove()))`,
        );
        const seen = await tabThrough(
          page,
          `(() => {
        const at = document.activeElement;
        const drawn = [at, at.nextElementSibling].some((each) => {
          const { outlineStyle, boxShadow } = each ? getComputedStyle(each) : {};
          return (outlineStyle && outlineStyle !== "none") || (each !== at && boxShadow?.includes("inset"));
        });
        return drawn ? "" : at.outerHTML.slice(0, 80);
      })()`,
        );
        assertEquals(seen.filter(Boolean), [], "has the focus, and does not show it");
        const missed = await page.evaluate<string[]>(`[...document.querySelectorAll(
        "button:enabled, select, input:not([type=radio]), input[type=radio]:checked, summary, [tabindex='0']")]
        .filter((each) => each.checkVisibility() && !visited.has(each)).map((each) => each.outerHTML.slice(0, 80))`);
        assertEquals(missed, []);
      }
    }),
);

testNeeding(
  ["chromium"],
  "the HTML report's keys go to its parts, and ? lists them",
  () =>
    withReport(async (page) => {
      const isOpen = () => page.evaluate<boolean>("document.getElementById('keys').open");
      for (const [key, id] of [["f", "flame"], ["t", "lane-plot"], ["/", "search"]]) {
        await page.key(key);
        assertEquals(await active(page), id);
      }
      await page.type("?f"); // into the search box
      assertEquals([await page.evaluate("document.activeElement.value"), await isOpen()], ["?f", false]);
      await page.key("Escape");
      await page.evaluate("document.activeElement.blur()");
      await page.key("?");
      assertEquals(await isOpen(), true);
      assertMatch(
        await page.evaluate<string>("document.getElementById('keys').innerText"),
        /Backspace\s+zoom out/,
      );
      await page.key("f"); // belongs to the dialog now
      assertEquals(await isOpen(), true);
      await page.key("?");
      assertEquals(await isOpen(), false);
      await page.key("s");
      assertEquals(await active(page), (await rows(page))[0][4].replace(/^kernel|^inlined/, ""));
    }),
);

testNeeding(
  ["chromium"],
  "the HTML report's table keeps the focus while keys walk it and choose in it",
  () =>
    withReport(async (page) => {
      const names = (await rows(page)).map((row) => row[4].replace(/^kernel|^inlined/, ""));
      await page.key("s");
      for (const key of ["ArrowDown", "ArrowDown", "ArrowUp"]) await page.key(key);
      assertEquals(await active(page), names[1]);
      await page.key("Enter");
      assertEquals(await active(page), names[1]);
      assertEquals(await page.evaluate("document.getElementById('focus').hidden"), false);
      await page.key("Enter");
      assertEquals(await page.evaluate("document.getElementById('focus').hidden"), true);
      assertEquals(await active(page), names[1]);
    }),
);

/** A recording with functions that were inlined, and with time that threads waited. */
function waitingProfile(): Profile {
  const profile = profileOf(["app app!main;app!read;[kernel.kallsyms]!schedule 3 300000000"], "offcpu-time");
  profile.events.push({ name: "cpu-clock", rate: "1000 Hz", tracksOnly: false });
  const on = profileOf(["app app!main;app!read;[kernel.kallsyms]!schedule 2 200000000"]).samples;
  const both = (a: Int32Array, b: Int32Array) => Int32Array.from([...a, ...b]);
  profile.samples = {
    ...profile.samples,
    event: both(profile.samples.event, on.event.map(() => 1)),
    thread: both(profile.samples.thread, on.thread),
    cpu: both(profile.samples.cpu, on.cpu),
    stack: both(profile.samples.stack, on.stack),
    count: Float64Array.from([...profile.samples.count, ...on.count]),
    period: Float64Array.from([...profile.samples.period, ...on.period]),
  };
  return profile;
}

testNeeding(
  ["chromium"],
  "the HTML report's legend names the colours that its flame graph has",
  () =>
    withMadeUp(waitingProfile(), async (page) => {
      const legend = () => page.evaluate<string>("document.getElementById('flame-legend').innerText");
      const kinds = () => page.evaluate<string[]>(`${BOXES}.map((box) => box.getAttribute("class")[0])`);
      assertEquals([await legend(), await kinds()], ["off-CPU", ["r", "r", "o", "o", "o"]]);
      const fill = await page.evaluate<string>(`getComputedStyle(${BOXES}[2].firstChild).fill`);
      assert(!/none|rgb\(0, 0, 0\)/.test(fill), fill);
      await page.evaluate("location.hash = '#event=cpu-clock'");
      await page.until("document.getElementById('event').value === '1'");
      assertEquals(await shown(page), 2);
      assertEquals([await legend(), await kinds()], ["programkernel", ["r", "r", "p", "p", "k"]]);
    }),
);
