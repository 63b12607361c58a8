/** The harness has to notice what other tests rely on it to notice. */

import { assertEquals, assertMatch } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { withPage } from "./chromium.ts";

testNeeding(
  ["chromium"],
  "withPage() notices errors, requests, keys and clicks",
  () =>
    withPage({ width: 300, height: 200 }, async (page) => {
      const html =
        `<body><button style="width:90px;height:40px" onclick="this.dataset.hit=1">b</button><input>
      <script>console.error("said"); setTimeout(() => { throw new Error("thrown") })</script>
      <img src="http://127.0.0.1:9/none.png"></body>`;
      await page.open(`data:text/html,${encodeURIComponent(html)}`);
      await page.clickOn("button");
      assertEquals(await page.evaluate("document.querySelector('button').dataset.hit"), "1");
      await page.clickOn("input");
      await page.type("ab/c");
      await page.key("Backspace");
      assertEquals(await page.evaluate("document.querySelector('input').value"), "ab/");
      assertEquals(page.requests, ["http://127.0.0.1:9/none.png"]);
      assertMatch(page.problems.join("\n"), /said/);
      assertMatch(page.problems.join("\n"), /Error: thrown/);
      assertEquals(await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"), false);
      await page.prefer(true);
      assertEquals(await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"), true);
      assertEquals([...(await page.screenshot()).subarray(1, 4)], [...new TextEncoder().encode("PNG")]);
    }),
);
