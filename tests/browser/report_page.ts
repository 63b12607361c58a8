/** The HTML report in a real browser: opens it, and reads what it shows. */

import { assertEquals } from "@std/assert";
import type { Profile } from "../../lib/profile/model/profile.ts";
import { pageAssets } from "../../lib/report/html/assets.ts";
import { renderHtml } from "../../lib/report/html/html.ts";
import type { ProfileCode } from "../../lib/report/html/pack_code.ts";
import { pmuctlOk, withFolder } from "../live/harness.ts";
import { profileOf } from "../profile/build.ts";
import { type Page, type PageOptions, withPage } from "./chromium.ts";

export const RECORDING = new URL("../testdata/perfdata/two_events.data", import.meta.url).pathname;

/** Makes the page of the recording and calls `body` with it open. */
export function withReport(body: (page: Page, file: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const file = `${folder}/report.html`;
    await pmuctlOk(["report", "--format", "html", "-o", file, "-i", RECORDING]);
    await withPage({ width: 1280, height: 900 }, async (page) => {
      await page.open(file);
      await page.until("document.documentElement.dataset.ready");
      await body(page, file);
      assertEquals([page.problems, page.requests], [[], []]);
    });
  });
}

/** Samples that the page says it shows. */
export async function shown(page: Page): Promise<number> {
  const text = await page.evaluate<string>("document.getElementById('choice').textContent");
  return Number(/^[\d,]+/.exec(text)![0].replaceAll(",", ""));
}

/** Returns the samples of the box that the flame graph is zoomed to: of everything, at first. */
export async function drawn(page: Page): Promise<number> {
  const text = await page.evaluate<string>("document.getElementById('flame-details').textContent");
  return Number(/; ([\d,]+) samples?,/.exec(text)![1].replaceAll(",", ""));
}

/** Boxes of the flame graph that are drawn, as an expression in the page. */
export const BOXES = "[...document.querySelectorAll('#flame .boxes > svg')]";

/** Returns the whole name of each box that a JavaScript expression lists, as it is shown when pointed at. */
export function names(page: Page, boxes: string): Promise<string[]> {
  return page.evaluate(`${boxes}.map((box) => {
    box.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    return document.querySelector("#tip b").textContent;
  })`);
}

/** The rows of the table of symbols: texts of their cells. */
export function rows(page: Page): Promise<string[][]> {
  return page.evaluate(
    "[...document.querySelectorAll('#symbols tbody tr')].map((tr) => [...tr.cells].map((td) => td.textContent))",
  );
}

/** Writes into the search box as a user does. */
export async function search(page: Page, text: string): Promise<void> {
  await page.evaluate("void document.getElementById('search').select()");
  await page.send("Input.insertText", { text });
}

/**
 * Opens the page of a made-up profile, or of one that profileOf() makes of these lines; `body` gets its path, too. The page
 * has `code`, if that is given.
 */
export function withMadeUp(
  profile: string[] | Profile,
  body: (page: Page, file: string) => Promise<void>,
  { code, ...options }: PageOptions & { code?: ProfileCode } = {},
): Promise<void> {
  return withFolder(async (folder) => {
    const file = `${folder}/report.html`;
    await Deno.writeTextFile(
      file,
      renderHtml(Array.isArray(profile) ? profileOf(profile) : profile, { ...pageAssets(), code }),
    );
    await withPage(options, async (page) => {
      await page.open(file);
      await page.until("document.documentElement.dataset.ready");
      await body(page, file);
      assertEquals([page.problems, page.requests], [[], []]);
    });
  });
}

/** Waits until the page shows what keys have chosen: timers run in the order that they were set in. */
export function settled(page: Page): Promise<void> {
  return page.evaluate("new Promise((done) => setTimeout(done))");
}
