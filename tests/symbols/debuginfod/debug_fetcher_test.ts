/** Fetching from servers of all kinds: with pmuctl's own process for it, over loopback. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  DebugFetcher,
  type FetchOptions,
  type FetchProgress,
} from "../../../lib/symbols/debuginfod/debug_fetcher.ts";
import { type FetchRequest, FRAME, readFrames } from "../../../lib/symbols/debuginfod/frames.ts";
import { type DebugServers, debugServers } from "../../../lib/symbols/debuginfod/servers.ts";
import { testNeeding } from "../../needs.ts";
import { buildElf } from "../build_elf.ts";

const PMUCTL = Deno.env.get("PMUCTL") ?? new URL("../../../scripts/pmuctl", import.meta.url).pathname;
const COMMAND = [PMUCTL, "fetch-files"];
const idOf = (n: number) => new Uint8Array(20).fill(n);
const ID = idOf(1).toHex(), OTHER = idOf(2).toHex();
/** Debug file of the build ID, larger than what counts as too slow. */
const DEBUG_FILE = new Uint8Array([
  ...buildElf({ symbols: [{ name: "f", value: 0, size: 1 }], buildId: idOf(1) }),
  ...new Uint8Array(200_000),
]) as Uint8Array<ArrayBuffer>;

/** URL of a port that was free a moment ago. */
const NOBODY_THERE = (() => {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return `http://127.0.0.1:${listener.addr.port}`;
})();

/** Answers a request to a server. */
type Handler = (request: Request) => Response | Promise<Response>;

/** Calls `body` with the URLs of servers, and ends them. */
async function withServers(
  handlers: readonly Handler[],
  body: (urls: string[]) => Promise<void>,
): Promise<void> {
  const ended = new AbortController();
  const servers = handlers.map((handler) => {
    return Deno.serve({ port: 0, hostname: "127.0.0.1", signal: ended.signal, onListen: () => {} }, handler);
  });
  try {
    await body(servers.map(({ addr }) => `http://127.0.0.1:${(addr as Deno.NetAddr).port}`));
  } finally {
    ended.abort();
    await Promise.all(servers.map(({ finished }) => finished));
  }
}

/** Result of fetching: warnings, and what the cache has by path; sizes in bytes. */
interface Fetched {
  warnings: string[];
  files: Record<string, number>;
  progress: (FetchProgress | undefined)[];
}

/** Fetches debug files of builds from servers into a new cache. */
async function fetchFrom(
  urls: readonly string[],
  { limits = {}, ids = [ID], ...options }: Partial<FetchOptions> & {
    limits?: Partial<DebugServers>;
    ids?: readonly string[];
  } = {},
): Promise<Fetched> {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  const progress: Fetched["progress"] = [];
  try {
    const servers = { ...debugServers(urls, () => undefined)!.servers, ...limits };
    const fetcher = new DebugFetcher({
      servers,
      folder: `${folder}/cache`,
      command: COMMAND,
      onProgress: (now) => progress.push(now),
      ...options,
    });
    await fetcher.fetch(ids.map((buildId) => ({ buildId, kind: "debuginfo", object: "libx.so" })));
    const files: Record<string, number> = {};
    for (const { name, isDirectory } of Deno.readDirSync(`${folder}/cache`)) {
      if (!isDirectory) continue;
      for (const file of Deno.readDirSync(`${folder}/cache/${name}`)) {
        files[`${name}/${file.name}`] = Deno.statSync(`${folder}/cache/${name}/${file.name}`).size;
      }
    }
    return { warnings: fetcher.warnings, files, progress };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Beginning of an ELF file, to be sent again and again. */
const ENDLESS = new Uint8Array(65536);
ENDLESS.set(DEBUG_FILE.subarray(0, 4));

const KEPT = { [`${ID}/debuginfo`]: DEBUG_FILE.length };
const sends: Handler = () => new Response(DEBUG_FILE);
const lacks: Handler = () => new Response("no", { status: 404 });
/** Sends `piece` for ever, or once and then nothing more. */
const streams = (piece: Uint8Array, forEver: boolean): Handler => () => {
  let sent = false;
  return new Response(
    new ReadableStream({
      pull(controller) {
        if (!sent || forEver) controller.enqueue(piece);
        else return new Promise(() => {});
        sent = true;
      },
    }),
  );
};

Deno.test("a file is asked for by its build id, and kept in the cache", async () => {
  const asked: string[] = [];
  await withServers([(request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname} ${request.headers.get("cookie")}`);
    return sends(request);
  }], async ([url]) => {
    const { files, warnings, progress } = await fetchFrom([url]);
    assertEquals({ files, warnings }, { files: KEPT, warnings: [] });
    assertEquals(asked, [`GET /buildid/${ID}/debuginfo null`]);
    const size = DEBUG_FILE.length;
    assertEquals(progress.at(-2), { done: 1, files: 1, received: size, announced: size });
    assertEquals(progress.at(-1), undefined);
  });
});

Deno.test("what no server has is an empty file in the cache", async () => {
  await withServers([lacks, lacks], async (urls) => {
    const { files, warnings } = await fetchFrom(urls);
    assertEquals({ files, warnings }, { files: { [`${ID}/debuginfo`]: 0 }, warnings: [] });
  });
});

Deno.test("any server that has a file will do, whatever the others are like", async () => {
  const others: Handler[] = [
    lacks,
    () => new Response("", { status: 500 }),
    () => new Response("<html>please log in</html>"),
    streams(new Uint8Array(0), false),
  ];
  await withServers([...others, sends], async (urls) => {
    assertEquals((await fetchFrom([NOBODY_THERE, ...urls])).files, KEPT);
  });
});

Deno.test("where the first server to answer breaks off, the next one is asked", async () => {
  let late = false;
  const stops: Handler = (request) => {
    late = true;
    return streams(DEBUG_FILE.slice(0, 5000), false)(request);
  };
  // this one answers only once the first one has been chosen and given up
  let asked = 0;
  const second: Handler = (request) => ++asked > 1 ? sends(request) : new Promise(() => {});
  await withServers([stops, second], async (urls) => {
    assertEquals((await fetchFrom(urls, { limits: { timeout: 300 } })).files, KEPT);
    assertEquals([late, asked], [true, 2]);
  });
});

Deno.test("many files are fetched, each once, and those that are not there are told apart", async () => {
  const ids = Array.from({ length: 40 }, (_, i) => idOf(i + 1).toHex());
  let open = 0, most = 0;
  await withServers([async (request) => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 20));
    open--;
    const n = ids.indexOf(new URL(request.url).pathname.split("/")[2]);
    return n % 2 === 0
      ? new Response(buildElf({ symbols: [], buildId: idOf(n + 1) }) as Uint8Array<ArrayBuffer>)
      : new Response("", { status: 404 });
  }], async ([url]) => {
    const { files, warnings } = await fetchFrom([url], { ids });
    assertEquals(warnings, []);
    assertEquals(Object.keys(files).length, 40);
    ids.forEach((id, n) => assertEquals(files[`${id}/debuginfo`] > 0, n % 2 === 0));
    assert(most > 1 && most <= 6, `${most} at a time`);
  });
});

/** Servers that send nothing usable, and what is said of them. `NAME` stands for the server's URL. */
const USELESS: [what: string, handler: Handler, limits: Partial<DebugServers>, cause: RegExp][] = [
  [
    "sends a file of another build",
    () => new Response(buildElf({ symbols: [], buildId: idOf(9) }) as Uint8Array<ArrayBuffer>),
    {},
    /it sent a file with another build id \((09){20}\)$/,
  ],
  [
    "sends a file without a build id",
    () => new Response(buildElf({ symbols: [] }) as Uint8Array<ArrayBuffer>),
    {},
    /it sent a file without a build id$/,
  ],
  ["sends a cut file", () => new Response(DEBUG_FILE.slice(0, 40)), {}, /it sent a damaged ELF file$/],
  ["sends a page of text", () => new Response("<html>"), {}, /it sent something that is not an ELF file$/],
  ["sends an empty file", () => new Response(""), {}, /its answer is empty$/],
  ["sends nothing", streams(new Uint8Array(0), false), { timeout: 300 }, /less than 100 KiB in 0.3 s/],
  ["stops in the middle", streams(DEBUG_FILE.slice(0, 5000), false), { timeout: 300 }, /less than 100 KiB/],
  ["never ends", streams(ENDLESS, true), { maxBytes: 1 << 20 }, /more than 1048576 bytes/],
  [
    "never ends, where only all files together are limited",
    streams(ENDLESS, true),
    { maxBytes: 0, maxTotalBytes: 1 << 20 },
    /all files together have more than 1048576 bytes/,
  ],
  [
    "takes too long",
    streams(ENDLESS, true),
    { maxTime: 300 },
    /more than 0.3 s/,
  ],
  ["announces too much", () => new Response(DEBUG_FILE), { maxBytes: 1000 }, /more than 1000 bytes/],
  ["refuses the size", () => new Response("", { status: 406 }), {}, /larger than DEBUGINFOD_MAXSIZE/],
  ["is out of order", () => new Response("", { status: 503 }), {}, /HTTP status 503/],
  [
    "redirects for ever",
    (request) => new Response(null, { status: 302, headers: { location: request.url } }),
    {},
    /too many redirections/,
  ],
  [
    "redirects to a file",
    () => new Response(null, { status: 302, headers: { location: "file:///etc/passwd" } }),
    {},
    /redirects to what is not http/,
  ],
];
for (const [what, handler, limits, cause] of USELESS) {
  Deno.test(`nothing is kept from a server that ${what}, and a warning says why`, async () => {
    await withServers([handler], async ([url]) => {
      const { files, warnings } = await fetchFrom([url], { limits });
      assertEquals(files, {}, "neither is it kept that no server has it");
      assertEquals(warnings.length, 1);
      assertMatch(warnings[0], cause);
      assert(warnings[0].startsWith(`cannot fetch debug files of libx.so from ${url}: `), warnings[0]);
    });
  });
}

Deno.test("a server that is not there is asked a few times, not for every file", async () => {
  const ids = Array.from({ length: 30 }, (_, i) => idOf(i + 1).toHex());
  const { warnings } = await fetchFrom([NOBODY_THERE], { ids });
  assert(warnings.length > 0 && warnings.length <= 2, warnings.join("\n"));
  assertMatch(
    warnings[0],
    /^cannot fetch debug files of libx\.so from http:\/\/127\.0\.0\.1:\d+: .*refused/i,
  );
});

Deno.test("headers and passwords go to the server itself, not to where it redirects", async () => {
  const seen: string[] = [];
  const note = (name: string, { headers }: Request) => {
    seen.push(`${name} ${headers.get("x-token")} ${headers.get("authorization") !== null}`);
  };
  await withServers([(request) => {
    note("far", request);
    return sends(request);
  }], async ([far]) => {
    await withServers([(request) => {
      note("near", request);
      return new Response(null, { status: 307, headers: { location: `${far}/x` } });
    }], async ([near]) => {
      const url = near.replace("//", "//me:secret@");
      const { files } = await fetchFrom([url], { limits: { headers: [["x-token", "t"]] } });
      assertEquals(files, KEPT);
      assertEquals(seen, ["near t true", "far null false"]);
    });
  });
});

Deno.test("a proxy of the environment is used", async () => {
  const asked: string[] = [];
  await withServers([(request) => {
    asked.push(request.url);
    return sends(request);
  }], async ([proxy]) => {
    Deno.env.set("http_proxy", proxy);
    try {
      assertEquals((await fetchFrom(["http://far.invalid/debug"])).files, KEPT);
    } finally {
      Deno.env.delete("http_proxy");
    }
    assertEquals(asked.length, 1);
    assertMatch(asked[0], /\/debug\/buildid\//);
  });
});

testNeeding(
  ["openssl"],
  "nothing is fetched from a server whose certificate nobody vouches for",
  async () => {
    const folder = Deno.makeTempDirSync(), files = ["cert", "key"].map((name) => `${folder}/${name}.pem`);
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    const { success } = await new Deno.Command("openssl", {
      args: [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-out",
        files[0],
        "-keyout",
        files[1],
        ...subject,
      ],
      stderr: "null",
    }).output();
    assert(success);
    const [cert, key] = files.map((file) => Deno.readTextFileSync(file));
    Deno.removeSync(folder, { recursive: true });
    let reached = 0;
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", cert, key, onListen: () => {} },
      (request) => {
        reached++;
        return sends(request);
      },
    );
    const url = `https://127.0.0.1:${(server.addr as Deno.NetAddr).port}`;
    const { files: fetched, warnings } = await fetchFrom([url]);
    await server.shutdown();
    assertEquals([fetched, reached, warnings.length], [{}, 0, 1]);
    assertMatch(warnings[0], /its certificate is not trusted/);
  },
);

Deno.test("an interruption ends the fetching, and leaves nothing unfinished", async () => {
  const controller = new AbortController();
  await withServers([(request) => {
    if (request.url.includes(OTHER)) return sends(request);
    setTimeout(() => controller.abort(), 100);
    return streams(ENDLESS, false)(request);
  }], async ([url]) => {
    const interruption = () => ({ signal: controller.signal, [Symbol.dispose]: () => {} });
    const { files, warnings, progress } = await fetchFrom([url], { interruption });
    assertEquals(files, {});
    assertEquals(warnings, ["1 debug file not fetched: interrupted"]);
    assertEquals(progress.at(-1), undefined);
  });
});

Deno.test("the time of all files together is limited", async () => {
  await withServers([streams(ENDLESS, false)], async ([url]) => {
    const { warnings } = await fetchFrom([url], { limits: { maxTotalTime: 1000 } });
    assertEquals(warnings, ["1 debug file not fetched: they take more than 1 s (DEBUGINFOD_MAXTIME)"]);
  });
});

Deno.test("a process that cannot be started, or ends at once, is a warning", async () => {
  for (const command of [["/nonexistent/program"], ["/bin/false"]]) {
    const { warnings, files } = await fetchFrom([NOBODY_THERE], { command });
    assertEquals([warnings.length, files], [1, {}]);
    assertMatch(warnings[0], /not fetched|cannot fetch/);
  }
});

Deno.test("the process that fetches reads no files", async () => {
  const request: FetchRequest = {
    servers: {
      urls: ["file:///proc/self"],
      headers: [],
      ...{ timeout: 0, maxTime: 0, maxTotalTime: 0, maxBytes: 0, maxTotalBytes: 0 },
    },
    files: [{ buildId: "../../../etc/passwd#", kind: "debuginfo" }],
  };
  const child = new Deno.Command(COMMAND[0], { args: COMMAND.slice(1), stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
  const kinds: number[] = [];
  for await (const { kind, bytes } of readFrames(child.stdout)) {
    kinds.push(kind);
    assertEquals(JSON.parse(new TextDecoder().decode(bytes)).result, "failed");
  }
  assertEquals(kinds, [FRAME.END]);
  await writer.close();
  await child.status;
});

Deno.test("the process that fetches ends when nobody waits for the files any more", async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  await withServers([() => {
    resolve();
    return new Promise<Response>(() => {});
  }], async ([url]) => {
    const servers = { ...debugServers([url], () => undefined)!.servers, timeout: 0 };
    const request: FetchRequest = { servers, files: [{ buildId: ID, kind: "debuginfo" }] };
    const child = new Deno.Command(COMMAND[0], { args: COMMAND.slice(1), stdin: "piped", stdout: "piped" })
      .spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
    await asked;
    child.kill("SIGINT"); // which is for the process that waits
    await writer.close();
    assertEquals((await child.output()).code, 0);
  });
});
