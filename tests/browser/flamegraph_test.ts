/** Flame graphs in a real browser: what they show, and what they do when they are touched. */

import { assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { renderFlamegraph } from "../../lib/report/flame/flamegraph.ts";
import { testNeeding } from "../needs.ts";
import { profileOf } from "../profile/build.ts";
import { type Page, type PageOptions, withPage } from "./chromium.ts";

const profile = profileOf([
  'app app!main;app!parse;app!read<char>("&") 300 300000000',
  "app app!main;app!parse 100 100000000",
  "app app!main;app!compute;app!inner;libm.so.6!sin 400 400000000",
  "app app!main;app!compute;[kernel.kallsyms]!asm_exc_page_fault 100 100000000",
  "sh </script>!x<img/onerror=alert(1)> 100 100000000",
]);

/** Shows a graph and calls `body`; then there must have been no error, and nothing asked of the network. */
async function withGraph(
  svg: string,
  options: PageOptions,
  body: (page: Page) => Promise<void>,
): Promise<void> {
  const file = await Deno.makeTempFile({ prefix: "pmuctl-flame-", suffix: ".svg" });
  try {
    await Deno.writeTextFile(file, svg);
    await withPage(options, async (page) => {
      await page.open(file);
      await body(page);
      assertEquals([page.problems, page.requests], [[], []]);
    });
  } finally {
    await Deno.remove(file);
  }
}

const BOX = (name: string) =>
  `[...document.querySelectorAll(".boxes > svg")].find((box) => box.firstElementChild.textContent.split("\\n")[0] === ${
    JSON.stringify(name)
  })`;
const widthOf = (page: Page, name: string) =>
  page.evaluate<number>(`${BOX(name)}.querySelector("rect").getBoundingClientRect().width`);
const clickOn = async (page: Page, name: string) => {
  const [x, y] = await page.evaluate<[number, number]>(`(() => {
    const box = ${BOX(name)}.querySelector("rect").getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  })()`);
  await page.click(x, y);
};
const texts = (page: Page) =>
  page.evaluate<string[]>(`[...document.querySelectorAll(".boxes > svg")]
    .filter((box) => box.style.display !== "none").map((box) => box.querySelector("text")?.textContent ?? "")`);

testNeeding(
  ["chromium"],
  "a flame graph zooms by click and by key, and back",
  () =>
    withGraph(renderFlamegraph(profile, { inverted: false }), { width: 1000 }, async (page) => {
      const whole = await widthOf(page, "all");
      assertAlmostEquals(whole, 980, 1);
      assertAlmostEquals(await widthOf(page, "parse"), 0.4 * whole, 1);
      await clickOn(page, "compute");
      assertAlmostEquals(await widthOf(page, "compute"), whole, 1);
      assertAlmostEquals(await widthOf(page, "sin"), 0.8 * whole, 1);
      assertEquals(await texts(page), [
        "all",
        "app",
        "main",
        "compute",
        "asm_exc_page_fault",
        "inner",
        "sin",
      ]);
      assertMatch(
        await page.evaluate<string>(`document.querySelector(".details").textContent`),
        /^compute; app; 500 samples, 500\.0 ms, 50\.00%/,
      );
      await page.clickOn(".reset");
      assertAlmostEquals(await widthOf(page, "compute"), 0.5 * whole, 1);

      // from the box last zoomed to: up to its widest callee, twice; then that one alone
      await clickOn(page, "main");
      for (const key of ["ArrowUp", "ArrowUp", "Enter"]) await page.key(key);
      assertAlmostEquals(await widthOf(page, "inner"), whole, 1);
      await page.key("Escape");
      assertEquals((await texts(page)).length, 11);
    }),
);

testNeeding(
  ["chromium"],
  "a flame graph finds frames by a regular expression, and adds up what they take",
  () =>
    withGraph(renderFlamegraph(profile, { inverted: true }), { dark: true }, async (page) => {
      const found = () => page.evaluate<string>(`document.querySelector(".found").textContent`);
      const hits = () => page.evaluate<number>(`document.querySelectorAll(".boxes .hit").length`);
      await page.key("/");
      await page.type("^(compute|sin|parse)$");
      assertEquals([await found(), await hits()], ["90.0% in 3 frames", 3]); // sin is inside compute
      await page.key("Escape");
      assertEquals([await found(), await hits()], ["", 0]);
      await page.key("/");
      await page.type("(");
      assertEquals(await found(), "not a regular expression");
      await page.key("Backspace");
      await page.type("Main"); // a capital: it is meant
      assertEquals(await found(), "0.00% in 0 frames");
    }),
);

testNeeding(
  ["chromium"],
  "a flame graph fits into a narrow window, and its text into the boxes",
  () =>
    withGraph(renderFlamegraph(profile, { inverted: false }), { width: 320 }, async (page) => {
      await page.clickOn(".reset"); // it is in sight, if disabled
      const over = await page.evaluate<number>(
        `[...document.querySelectorAll(".boxes > svg")].filter((box) => {
      const text = box.querySelector("text");
      const rect = box.querySelector("rect").getBoundingClientRect();
      return text && text.getBoundingClientRect().right > rect.right + 0.5;
    }).length`,
      );
      assertEquals(over, 0);
      assertEquals(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
    }),
);

testNeeding(
  ["chromium"],
  "a flame graph hides what is narrower than a pixel can show, until it is zoomed to",
  () => {
    const lines = Array.from({ length: 20 }, (_, i) => `app app!main;app!rare;app!f${i} 1`);
    const rare = profileOf([...lines, "app app!main;app!hot 20000"]);
    return withGraph(renderFlamegraph(rare, { inverted: false }), { width: 1000 }, async (page) => {
      assertEquals((await texts(page)).length, 5); // but for the 20
      await page.key("ArrowUp"); // app
      for (const key of ["ArrowUp", "ArrowUp", "ArrowRight", "Enter"]) await page.key(key);
      assertEquals((await texts(page)).slice(3, 6), ["rare", "f0", "f1"]);
      assertEquals((await texts(page)).length, 24);
      await page.key("Escape");
      assertEquals((await texts(page)).length, 5);
    });
  },
);

testNeeding(
  ["chromium"],
  "a flame graph of nothing is shown without an error",
  () =>
    withGraph(renderFlamegraph(profileOf([]), { inverted: false }), {}, async (page) => {
      assertEquals(await texts(page), ["all"]);
    }),
);

testNeeding(
  ["chromium"],
  "a flame graph of a recursion shows its root first, and what it is stays in sight",
  () => {
    const deep = profileOf([`app ${Array.from({ length: 200 }, () => "app!f").join(";")} 3`]);
    return withGraph(renderFlamegraph(deep, { inverted: false }), { height: 500 }, async (page) => {
      await page.until("scrollY > 1000");
      const top = `document.querySelector(".heading").getBoundingClientRect().top`;
      await page.until(`${top} >= 0 && ${top} < 40`); // it follows with the next frame
      const bottom = await page.evaluate<number>(
        `${BOX("all")}.querySelector("rect").getBoundingClientRect().bottom`,
      );
      assertEquals(bottom <= 500, true, `the root ends at ${bottom}`);
    });
  },
);

testNeeding(
  ["chromium"],
  "a flame graph is turned over by its button, zoomed or not, and shows its root again",
  () => {
    const deep = profileOf([`app ${Array.from({ length: 200 }, () => "app!f").join(";")} 3`, "app app!g 1"]);
    return withGraph(
      renderFlamegraph(deep, { inverted: true }),
      { width: 800, height: 600 },
      async (page) => {
        const top = (box: string) =>
          page.evaluate<number>(`${BOX(box)}.querySelector("rect").getBoundingClientRect().top`);
        const [root, above] = [await top("all"), await top("app")];
        assertEquals([above - root, await page.evaluate("scrollY")], [17, 0]);
        await page.clickOn(".flip");
        await page.until("scrollY > 1000");
        assertEquals(await top("app") - await top("all"), -17);
        const end = await top("all") + 17;
        assertEquals(end > 400 && end <= 600, true, `the root ends at ${end}`);
        await clickOn(page, "app");
        await page.clickOn(".flip");
        await page.until("scrollY === 0");
        assertEquals([await top("all"), await top("app")], [root, above]);
      },
    );
  },
);
