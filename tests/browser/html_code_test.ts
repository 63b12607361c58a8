/** The code of functions in the HTML report: opened from the table and the flame graph, by mouse and keys. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ProfileCode } from "../../lib/report/html/pack_code.ts";
import { testNeeding } from "../needs.ts";
import { profileOf } from "../profile/build.ts";
import { annotationOf, HOSTILE, instruction } from "../report/html/annotations.ts";
import type { Page } from "./chromium.ts";
import { BOXES, withMadeUp } from "./report_page.ts";

const LINES = ["app app!main;app!work 9 1000", "app app!main;app!other 3 200"];
const PROFILE = profileOf(LINES);
/** Page with the code of `work`, one of three functions. */
const CODE: ProfileCode = {
  asked: 1,
  functions: [{ place: PROFILE.symbols.name.indexOf("work"), event: 0, annotation: annotationOf("work") }],
  warnings: [],
};

const isOpen = (page: Page) => page.evaluate<boolean>("!document.getElementById('code').hidden");
const textOf = (page: Page, id: string) =>
  page.evaluate<string>(`document.getElementById(${JSON.stringify(id)}).textContent`);
const hash = (page: Page) => page.evaluate<string>("location.hash.slice(1)");
const click = (page: Page, symbol: string) =>
  page.evaluate(
    `void [...document.querySelectorAll("#symbols .link")].find((link) => link.textContent === ${
      JSON.stringify(symbol)
    }).click()`,
  );

/** Lines of the code with samples: share, number and text. */
function hotLines(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll("#code-lines .hot")].map((line) =>
    [...line.querySelectorAll(".share, .count, .text")].map((part) => part.textContent).join(" "))`);
}

testNeeding(
  ["chromium"],
  "a click on a symbol of the HTML report opens its code beside the flame graph",
  () =>
    withMadeUp(PROFILE, async (page) => {
      assertEquals(await isOpen(page), false);
      await click(page, "work");
      assertEquals(await isOpen(page), true);
      assertEquals(await hotLines(page), ["60.0% 6 add %eax,%eax", "40.0% 3 jne 401150 <+0x0>"]);
      assertEquals(await textOf(page, "code-facts"), "9 samples in its code, 83.3% of cpu-clock");
      assertEquals(await textOf(page, "code-at"), "60.0%, 6 samples; 401152: add %eax,%eax");
      const place = (id: string) =>
        page.evaluate<DOMRect>(
          `document.getElementById(${JSON.stringify(id)}).getBoundingClientRect().toJSON()`,
        );
      let [flame, code] = [await place("flame-section"), await place("code")];
      assert(code.left >= flame.right && code.top === flame.top, "beside");
      await page.resize(800, 600);
      [flame, code] = [await place("flame-section"), await place("code")];
      assert(code.top >= flame.bottom && code.width === flame.width, "below");
      assertEquals(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);

      await page.evaluate("void document.querySelector('[name=code-view][value=source]').click()");
      assertEquals(await hotLines(page), [
        "60.0% 6 int twice(int x) { return 2 * x; }",
        "40.0% 3     s += twice(i);",
      ]);
      await page.clickOn("#code-close");
      assertEquals(await isOpen(page), false);
    }, { code: CODE, width: 1400, height: 900 }),
);

testNeeding(
  ["chromium"],
  "a symbol without code in the HTML report says why, in one line",
  () =>
    withMadeUp(PROFILE, async (page) => {
      await click(page, "other");
      assertEquals(await isOpen(page), false);
      assertMatch(
        await textOf(page, "code-why"),
        /^No code of other: not in this page, which has the code of the 1 hottest/,
      );
      await click(page, "main");
      assertEquals(
        await textOf(page, "code-why"),
        "No code of main: it has no samples of its own: these are in what it called.",
      );
      await click(page, "work");
      assertEquals(await page.evaluate("document.getElementById('code-why').hidden"), true);
      await click(page, "work"); // once more: no symbol
      assertEquals([await isOpen(page), await hash(page)], [false, ""]);
    }, { code: CODE }),
);

testNeeding(
  ["chromium"],
  "a page made without code has nothing of it",
  () =>
    withMadeUp(PROFILE, async (page) => {
      await click(page, "work");
      assertEquals(
        await page.evaluate("[document.getElementById('code'), document.getElementById('show-code').hidden]"),
        [null, true],
      );
      await page.evaluate("document.getElementById('flame').focus()");
      await page.key("c");
    }),
);

testNeeding(
  ["chromium"],
  "keys open the code of a frame, walk its lines, follow jumps, and close it",
  () =>
    withMadeUp(PROFILE, async (page) => {
      const at = async () => /; (\w+):/.exec(await textOf(page, "code-at"))?.[1];
      const focused = () => page.evaluate<string>("document.activeElement.id");
      await page.evaluate("document.getElementById('flame').focus()");
      for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "c"]) await page.key(key);
      assertEquals([await isOpen(page), await focused(), await at()], [true, "code-lines", "401152"]);
      await page.key("n");
      assertEquals(await at(), "401158");
      await page.key("Enter");
      assertEquals(await at(), "401150");
      await page.key("ArrowDown");
      await page.key("ArrowDown");
      await page.key("p");
      assertEquals(await at(), "401152");
      await page.key("Escape");
      assertEquals([await isOpen(page), await focused()], [false, "flame"]);
      await page.evaluate(`void ${BOXES}.at(-1).dispatchEvent(new MouseEvent("click", { bubbles: true }))`);
      await page.evaluate("void document.getElementById('show-code').click()");
      assertEquals([await isOpen(page), await textOf(page, "code-name")], [true, "work"]);
    }, { code: CODE }),
);

testNeeding(
  ["chromium"],
  "the code that is open is in the address of the HTML report",
  () =>
    withMadeUp(PROFILE, async (page, file) => {
      await click(page, "work");
      await page.evaluate("void document.querySelector('[name=code-view][value=assembly]').click()");
      const link = await hash(page), lines = await hotLines(page);
      assertMatch(link, /^through=\w{16}&code=\w{16}&codeview=assembly$/);
      await page.open("about:blank");
      await page.open(`file://${file}#${link}`);
      await page.until("document.documentElement.dataset.ready");
      assertEquals([await isOpen(page), await hotLines(page)], [true, lines]);
      assertEquals(
        await page.evaluate("document.querySelector('[name=code-view]:checked').value"),
        "assembly",
      );
      for (const wrong of ["code=%00", "code=0000000000000000&into=zz&codeview=%3Cimg%3E"]) {
        await page.open("about:blank");
        await page.open(`file://${file}#${wrong}`);
        await page.until("document.documentElement.dataset.ready");
        assertEquals(await isOpen(page), false);
      }
    }, { code: CODE }),
);

testNeeding(["chromium"], "hostile code in the HTML report is shown as it is, and runs nothing", () => {
  const annotation = annotationOf(HOSTILE),
    profile = profileOf([`app app!${HOSTILE.replaceAll(" ", "_")} 9 1000`]);
  annotation.object = HOSTILE;
  annotation.warnings = [HOSTILE];
  for (const line of annotation.lines) line.file = `/src/${HOSTILE}`;
  for (const each of [...annotation.lines, ...annotation.instructions]) each.text = HOSTILE;
  for (const each of annotation.instructions) each.inlined = [HOSTILE, "</style>"];
  const code = { asked: 1, warnings: [HOSTILE], functions: [{ place: 0, event: 0, annotation }] };
  return withMadeUp(profile, async (page) => {
    await page.clickOn("#symbols .link");
    assertEquals(await isOpen(page), true);
    assertEquals(await hotLines(page), [`60.0% 6 ${HOSTILE}`, `40.0% 3 ${HOSTILE}`]);
    assertEquals(await textOf(page, "code-notes"), HOSTILE + HOSTILE); // of the function, and of all
    await page.evaluate("void document.querySelector('[name=code-view][value=source]').click()");
    assertEquals(
      await page.evaluate("document.querySelector('#code-lines .note').textContent"),
      `/src/${HOSTILE}`,
    );
    assertEquals(
      await page.evaluate(
        "window.hit === undefined && !document.querySelector('img, #code script, #code style')",
      ),
      true,
    );
    const policy = await page.evaluate<string>("document.querySelector('meta[http-equiv]').content");
    assertMatch(
      policy,
      /^default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'$/,
    );
  }, { code });
});

testNeeding(["chromium"], "code of many lines in the HTML report opens at its hottest one", () => {
  const annotation = annotationOf("work"), count = 40_000;
  annotation.lines = [];
  annotation.self = { samples: count + 9, period: 100 * (count + 9) };
  annotation.instructions = Array.from(
    { length: count },
    (_, i) => instruction(0x1000 + 4 * i, i === 30_000 ? 10 : 1, []),
  );
  const code = { ...CODE, functions: [{ ...CODE.functions[0], annotation }] };
  return withMadeUp(PROFILE, async (page) => {
    const at = () =>
      page.evaluate<[string, boolean]>(`(() => {
        const line = document.querySelector("#code-lines .at"), box = line.getBoundingClientRect();
        const { top, bottom } = document.getElementById("code-lines").getBoundingClientRect();
        return [line.querySelector(".place").textContent, box.top >= top && box.bottom <= bottom];
      })()`);
    await click(page, "work");
    assertEquals(await at(), [(0x1000 + 4 * 30_000).toString(16), true]);
    await page.evaluate("document.getElementById('code-lines').focus()");
    await page.key("ArrowUp");
    assertEquals(await at(), [(0x1000 + 4 * 29_999).toString(16), true]);
  }, { code });
});
