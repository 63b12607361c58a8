import { assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { overhead } from "../../../lib/profile/query/aggregate.ts";
import { ProfileQuery } from "../../../lib/profile/query/query.ts";
import { renderFlamegraph } from "../../../lib/report/flame/flamegraph.ts";
import { profileOf } from "../../profile/build.ts";

const profile = profileOf([
  "app app!main;app!work;app!hot 600 600000000",
  "app app!main;app!other;app!hot 100 100000000",
  "app app!main;app!work;app!work;app!hot 200 200000000",
  "app app!main;app!work;app!hot;[kernel.kallsyms]!clear_page 95 95000000",
  "sh libc.so.6!start;libc.so.6! 4 4000000",
  'sh sh!x<&>"y" 1 100000',
]);

/** The boxes of a picture, as its text has them. */
function boxesOf(svg: string) {
  const box =
    /<svg class="(\w+)" x="([\d.e-]+)%" y="(\d+)" width="([\d.e-]+)%" height="17"><title>([^<]*)<\/title>/g;
  return [...svg.matchAll(box)].map(([, className, x, y, width, title]) => {
    const lines = title.split("\n");
    const samples = Number(
      lines.find((line) => / samples?, /.test(line))!.replace(/ samples?,.*/, "").replaceAll(",", ""),
    );
    return { className, name: lines[0], samples, x: Number(x), y: Number(y), width: Number(width), lines };
  });
}

Deno.test("renderFlamegraph() has the totals of the report: of all, and of each symbol", () => {
  const boxes = boxesOf(renderFlamegraph(profile, { inverted: false }));
  assertEquals(boxes[0].samples, 1000);
  const commands = boxes.filter(({ y }) => y === boxes[0].y - 17);
  assertAlmostEquals(commands.reduce((sum, { width }) => sum + width, 0), 100, 1e-4);

  const counts = new ProfileQuery(profile).by(["sym"]);
  for (const { place, total } of overhead(profile, counts, 0)) {
    const name = counts.nameOf(place).replaceAll("&", "&amp;").replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
    // of a recursion only the outermost frame counts
    let samples = 0, width = 0, end = -1;
    for (const box of boxes) {
      if (box.name !== name || box.x < end - 1e-6) continue;
      samples += box.samples;
      width += box.width;
      end = box.x + box.width;
    }
    assertEquals(samples, total.count, name);
    assertAlmostEquals(width, 100 * total.period / 999_100_000, 1e-4);
  }
});

Deno.test("renderFlamegraph() has the roots below, or above when inverted", () => {
  const [root, ...up] = boxesOf(renderFlamegraph(profile, { inverted: false }));
  assertEquals(up.every(({ y }) => y < root.y), true);
  const [top, ...down] = boxesOf(renderFlamegraph(profile, { inverted: true }));
  assertEquals(down.every(({ y }) => y > top.y), true);
});

Deno.test("renderFlamegraph() gives a function the same colour in every graph", () => {
  const colour = (lines: string[]) =>
    boxesOf(renderFlamegraph(profileOf(lines), { inverted: false })).at(-1)!;
  const one = colour(["a a!main;libc.so.6!memcpy 3"]);
  assertEquals(one.className, colour(["b b!start;b!main;libc.so.6!memcpy 5"]).className);
  assertMatch(one.className, /^l\d$/);
});

Deno.test("renderFlamegraph() is well-formed whatever names hold", () => {
  const hostile = profileOf(['</svg><script>alert(1)</script> ]]>!\x1b[31m"&<! 3']);
  const svg = renderFlamegraph(hostile, { inverted: false, title: "<&>\0" });
  assertEquals(svg.split("<script>").length, 2); // its own
  assertStringIncludes(svg, "&lt;/svg&gt;&lt;script&gt;");
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x08\x0b-\x1f]/.test(svg), false);
});

Deno.test("renderFlamegraph() against a base tells in colour and words what grew and what shrank", () => {
  const base = profileOf([
    "app app!main;app!work;app!hot 300 300000000",
    "app app!main;app!other;app!hot 300 300000000",
    "app app!main;app!dropped 100 100000000",
  ]);
  const options = { profile: base, name: "old.data", normalize: "none", negate: false } as const;
  const svg = renderFlamegraph(profile, { inverted: false, base: options });
  const hot = boxesOf(svg).filter(({ name }) => name === "hot");
  assertEquals(hot.map(({ className }) => className), ["s5", "g6", "g5"]); // under other, work, work again
  assertEquals(hot[0].lines.slice(-2), [
    "change -200.0 ms, 42.86% in old.data",
    "itself -200.0 ms, 42.86% in old.data",
  ]);
  assertStringIncludes(svg, "B against A, which is old.data, weights as recorded");
  assertStringIncludes(svg, "14.29% of A is in calls that are gone (--negate shows them).");

  const negated = renderFlamegraph(profile, { inverted: false, base: { ...options, negate: true } });
  const dropped = boxesOf(negated).find(({ name }) => name === "dropped")!;
  assertEquals([dropped.className, dropped.samples], ["s4", 100]);
  assertEquals(boxesOf(negated).find(({ name }) => name === "hot")!.className, "s5");
});

Deno.test("renderFlamegraph() stays small with very many stacks", () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => `app app!main;app!f${i % 300};app!g${i};app!h 1`);
  lines.push("app app!main;app!hot 100000");
  const svg = renderFlamegraph(profileOf(lines), { inverted: false });
  assertMatch(
    svg,
    /Not drawn: 60,000 frames narrower than 0\.1 pixels \(of 1200\), with 23\.08% of the weight\./,
  );
  assertEquals(svg.length < 200_000, true, `${svg.length} bytes`);
});
