/** Browsers and pages for `--open`. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import { newPage } from "../../../lib/cli/browser/pages_folder.ts";
import { browserCommand, WaitingBrowser } from "../../../lib/cli/browser/waiting_browser.ts";

const find = (name: string) => ["firefox", "xdg-open"].includes(name) ? `/usr/bin/${name}` : undefined;
const command = (env: Record<string, string>) => browserCommand("/x/page.html", (name) => env[name], find);

Deno.test("the browser is the first of $BROWSER that exists, or xdg-open where there is a display", () => {
  assertEquals(command({}), undefined);
  assertEquals(command({ DISPLAY: ":0" }), ["/usr/bin/xdg-open", "/x/page.html"]);
  assertEquals(command({ WAYLAND_DISPLAY: "wayland-0" }), ["/usr/bin/xdg-open", "/x/page.html"]);
  assertEquals(command({ BROWSER: "lynx:firefox" }), ["/usr/bin/firefox", "/x/page.html"]);
  assertEquals(command({ BROWSER: "firefox -new-tab %s" }), ["/usr/bin/firefox", "-new-tab", "/x/page.html"]);
  assertEquals(command({ BROWSER: "/opt/b -p" }), ["/opt/b", "-p", "/x/page.html"]);
  assertEquals(command({ BROWSER: ":", DISPLAY: ":0" }), ["/usr/bin/xdg-open", "/x/page.html"]);
});

Deno.test("a browser waits for the word, and gets nothing without it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const program = `${folder}/browser`, opened = `${folder}/opened`;
    await Deno.writeTextFile(program, `#!/bin/sh\necho "$1" >>${opened}\n`, { mode: 0o700 });
    const start = (path: string, to = program) =>
      WaitingBrowser.start(path, (name) => name === "BROWSER" ? to : undefined)!;
    await start("/x/never.html").cancel();
    assertEquals(await start("/x/a b'.html").open(), true);
    assertEquals(await Deno.readTextFile(opened), "/x/a b'.html\n");
    assertEquals(await start("/x/page.html", `${folder}/gone`).open(), false);
    assertEquals(WaitingBrowser.start("/x/page.html", () => undefined), undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("pages have new names in a folder of the user's, which keeps the latest", async () => {
  const cache = await Deno.makeTempDir();
  try {
    const pages = Array.from({ length: 25 }, (_, i) => {
      const page = newPage(cache, i % 2 ? "svg" : "html", new Date(1_790_000_000_000 + i));
      Deno.writeTextFileSync(page, "");
      return page;
    });
    assertMatch(pages[0], /\/pages\/report-2026-[0-9TZ-]+\.html$/);
    Deno.writeTextFileSync(`${cache}/pages/mine.html`, "");
    const left = () => [...Deno.readDirSync(`${cache}/pages`)].map(({ name }) => `${cache}/pages/${name}`);
    assertEquals(left().filter((page) => pages.includes(page)).sort(), pages.slice(5));
    newPage(cache, "html");
    assertEquals(left().includes(`${cache}/pages/mine.html`), true);
    assertEquals(Deno.statSync(`${cache}/pages`).mode! & 0o777, 0o700);
    assertThrows(() => newPage(undefined, "html"), UnsupportedError, "there is no home folder");
    assertThrows(() => newPage("/proc/nowhere", "html"), UnsupportedError, "name a file with -o");
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});
