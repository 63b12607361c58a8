import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { functionRows, weighStacks } from "../../../lib/report/html/select.ts";
import { decodeTables, type PageTables } from "../../../lib/report/html/tables.ts";
import { nameOf } from "../../../lib/report/html/calls.ts";
import { renderHtml } from "../../../lib/report/html/html.ts";
import { renderJson } from "../../../lib/report/json/json.ts";
import { DEFAULT_REPORT } from "../../../lib/report/shared/options.ts";
import { profileOf } from "../../profile/build.ts";
import { whole } from "../whole.ts";

const ASSETS = { program: "run('</script><!--');", style: "body{}" };

/** The tables inside a page. */
function tablesIn(page: string): PageTables {
  const [, data] = /<script type="application\/octet-stream" id="data">([\w+/=]+)<\/script>/.exec(page)!;
  return decodeTables(gunzipSync(Buffer.from(data, "base64")));
}

Deno.test("renderHtml() counts as the JSON report does", () => {
  const profile = profileOf([
    "app app!main;app!work;app!hot 600 600000",
    "app app!main;app!main;libc.so.6! 95 95000",
    "sh app!main 5 7000",
  ]);
  const [event] = JSON.parse(whole(renderJson(profile, { ...DEFAULT_REPORT, sort: ["dso", "sym"] }))).events;
  const tables = tablesIn(renderHtml(profile, ASSETS));
  const weights = weighStacks(tables, { event: 0 });
  assertEquals(weights.whole, { count: event.samples, period: event.period });
  const page = functionRows(tables, weights).map((row) => ({
    symbol: nameOf(tables, row.place),
    named: tables.places.named[row.place] === 1,
    self: { count: row.selfCount, period: row.selfPeriod },
    total: { count: row.totalCount, period: row.totalPeriod },
  }));
  // deno-lint-ignore no-explicit-any -- JSON
  const report = event.rows.map(({ symbol, unnamed, self, total }: any) => ({
    symbol: symbol ?? unnamed,
    named: symbol !== null,
    self,
    total,
  }));
  const byName = (a: { symbol: string }, b: { symbol: string }) => a.symbol < b.symbol ? -1 : 1;
  assertEquals(page.sort(byName), report.sort(byName));
});

Deno.test("renderHtml() lets no name out of its place", () => {
  const profile = profileOf(["<img/onerror=alert(1)> </script><b>!<script>alert(2)</script> 3"]);
  profile.meta.command = `x "y" '</title><script>alert(3)</script>`;
  profile.meta.host = "<svg/onload=alert(4)>";
  profile.meta.warnings.push("mind <i>this</i> & that");
  profile.unresolved = [{ object: "<u>", cause: "<s>", remedy: "<q>", samples: 1 }];
  const page = renderHtml(profile, ASSETS);
  assertEquals(page.match(/<(img|svg|[biusq]>)/g), null);
  assertEquals(page.match(/<script/g)!.length, 2);
  assertEquals(page.match(/<\/script>/g)!.length, 2);
  assertEquals(page.includes("<!--"), false);
  assertStringIncludes(page, "mind &lt;i&gt;this&lt;/i&gt; &amp; that");
  assertStringIncludes(page, "x &quot;y&quot; '&lt;/title&gt;");
  assertEquals(tablesIn(page).names.includes("<script>alert(2)</script>"), true);
});

Deno.test("renderHtml() tells of loss, by CPU, and refers to nothing outside", () => {
  const profile = profileOf(["app app!f 3"]);
  const counts = { sample: 3, overflow: 1, dropbuf_sample: 0 };
  profile.meta.ledger = { from: "recorder", rows: [{ cpu: 0, ...counts }], total: { cpu: -1, ...counts } };
  const page = renderHtml(profile, ASSETS);
  assertMatch(page, /<dt>Lost<\/dt><dd>1 of 4 \(25\.0%\)<\/dd>/);
  assertMatch(page, /<td>0<\/td><td>3<\/td><td>1<\/td>/);
  assertEquals(page.match(/(src|href)="(?!data:)/g), null);
});

Deno.test("renderHtml() names three events at the top, and says how many more there are", () => {
  const profile = profileOf(["app app!f 3"]);
  profile.events = Array.from(
    { length: 25 },
    (_, i) => ({ name: `e${i}`, rate: "every 1", tracksOnly: i > 22 }),
  );
  const facts = (page: string) =>
    [...page.matchAll(/<dt>(Events?)<\/dt><dd>([^<]*)/g)].map(([, ...fact]) => fact);
  assertEquals(facts(renderHtml(profile, ASSETS)), [
    ["Event", "e0, every 1"],
    ["Event", "e1, every 1"],
    ["Event", "e2, every 1"],
    ["Events", "20 more to choose from"],
  ]);
  profile.events.length = 3;
  assertEquals(facts(renderHtml(profile, ASSETS)).length, 3);
});
