import { assertEquals } from "@std/assert";
import { escapeXml } from "../../../lib/base/text/xml.ts";

Deno.test("escapeXml() makes any text fit into XML", () => {
  assertEquals(escapeXml(`a<b>&"c"]]>`), "a&lt;b&gt;&amp;&quot;c&quot;]]&gt;");
  assertEquals(escapeXml("\0\x1b[31m\ud800\ufffe\u0085é\t"), "\\x00\\x1b[31m\\ud800\ufffd\\x85é\\t");
});
