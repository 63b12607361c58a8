import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/base/system/errors.ts";
import { debugServers, withoutPassword } from "../../../lib/symbols/debuginfod/servers.ts";

const env = (variables: Record<string, string>) => (name: string): string | undefined => variables[name];

Deno.test("no server is asked unless one is named", () => {
  for (const text of [undefined, "", "  "]) {
    assertEquals(debugServers([], env(text === undefined ? {} : { DEBUGINFOD_URLS: text })), undefined);
  }
});

Deno.test("servers of the variable are asked once each, and named ones in their place", () => {
  const variables = { DEBUGINFOD_URLS: "https://one.example/ http://two.example/a  https://one.example" };
  assertEquals(debugServers([], env(variables))!.servers.urls, [
    "https://one.example",
    "http://two.example/a",
  ]);
  assertEquals(debugServers(["http://three.example"], env(variables))!.servers.urls, [
    "http://three.example",
  ]);
});

Deno.test("what is no web address is passed over in the variable, and refused on the command line", () => {
  for (
    const bad of ["file:///etc", "ftp://x.example", "x.example", "ima:enforcing", "http://x.example/?q="]
  ) {
    const found = debugServers([], env({ DEBUGINFOD_URLS: `${bad} http://good.example` }))!;
    assertEquals(found.servers.urls, ["http://good.example"]);
    assertEquals(found.unusable.length, 1);
    assertStringIncludes(found.unusable[0], bad);
    assertThrows(() => debugServers([bad], env({})), UsageError, bad);
    const none = debugServers([], env({ DEBUGINFOD_URLS: bad }))!;
    assertEquals([none.servers.urls, none.unusable.length], [[], 1]);
  }
});

Deno.test("limits are those of elfutils' variables, and 0 and below mean none", () => {
  const { servers } = debugServers(["http://a.example"], env({}))!;
  assertEquals([servers.timeout, servers.maxTime, servers.maxTotalTime], [90_000, 0, 600_000]);
  assert(servers.maxBytes > 2 ** 30 && servers.maxTotalBytes >= servers.maxBytes);
  const set = debugServers(
    ["http://a.example"],
    env({ DEBUGINFOD_TIMEOUT: "-1", DEBUGINFOD_MAXTIME: "7", DEBUGINFOD_MAXSIZE: "0" }),
  )!.servers;
  assertEquals(
    [set.timeout, set.maxTime, set.maxTotalTime, set.maxBytes, set.maxTotalBytes],
    [0, 7000, 0, 0, 0],
  );
  assertThrows(() => debugServers(["http://a.example"], env({ DEBUGINFOD_MAXSIZE: "2G" })), UsageError, "2G");
});

Deno.test("a password in a URL is in no message", () => {
  assertEquals(withoutPassword("https://me:secret@a.example/x"), "https://a.example/x");
  const error = assertThrows(() => debugServers(["ftp://me:secret@a.example"], env({})), UsageError);
  assert(!error.message.includes("secret"));
});

Deno.test("headers are read from the file that the variable names", () => {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, "X-Token: a b \n\nnonsense\n: x\n");
    const { servers } = debugServers(["http://a.example"], env({ DEBUGINFOD_HEADERS_FILE: path }))!;
    assertEquals(servers.headers, [["X-Token", "a b"]]);
  } finally {
    Deno.removeSync(path);
  }
});
