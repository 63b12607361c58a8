/** The scripts behind action.yml, on a release in a folder and with a stand-in for pmuctl. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { hasCommand, testUnless } from "../needs.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const ARCH = Deno.build.arch;
const TARBALL = `pmuctl-0.1.0-linux-${ARCH}.tar.gz`;

async function run(script: string, args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(script, { args, env }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

interface Release extends Disposable {
  folder: string;
  url: string;
  sum: string;
  /** What SHA256SUMS of the release is to say. */
  list(text: string): void;
}

/** A release whose pmuctl prints `stand-in`. */
async function release(): Promise<Release> {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-release-" });
  Deno.mkdirSync(`${folder}/made/bin`, { recursive: true });
  Deno.writeTextFileSync(`${folder}/made/bin/pmuctl`, "#!/bin/sh\necho stand-in\n", { mode: 0o755 });
  assertEquals((await run("tar", ["-C", folder, "-czf", `${folder}/${TARBALL}`, "made"])).code, 0);
  const sum = (await run("sha256sum", [`${folder}/${TARBALL}`])).out.slice(0, 64);
  const list = (text: string) => Deno.writeTextFileSync(`${folder}/SHA256SUMS`, text);
  list(`${"0".repeat(64)}  pmuctl-0.1.0-linux-sparc.tar.gz\n${sum}  ${TARBALL}\n`);
  const remove = () => Deno.removeSync(folder, { recursive: true });
  return { folder, url: `file://${folder}`, sum, list, [Symbol.dispose]: remove };
}

const noCurl = !hasCommand("curl") && "it needs curl (apt-get install curl)";
const fetchRelease = (...args: string[]) => run(`${ROOT}/scripts/fetch-release`, args);

testUnless(noCurl, "a release is unpacked once its checksums are right", async () => {
  using made = await release();
  const target = `${made.folder}/target`;
  const all = { code: 0, out: "stand-in\n", err: "" };
  assertEquals(await fetchRelease(made.url, target), all);
  assertEquals(await fetchRelease("--sha256", made.sum, `${made.url}/`, target), all);
  assertEquals((await run(`${target}/bin/pmuctl`, [])).out, "stand-in\n");
});

testUnless(
  noCurl,
  "a release with another checksum, or none, is refused, and nothing of it unpacked",
  async () => {
    using made = await release();
    const target = `${made.folder}/target`;
    const refused = async (cause: RegExp, ...args: string[]) => {
      const { code, out, err } = await fetchRelease(...args, made.url, target);
      assertEquals([code, out], [3, ""], err);
      assertMatch(err, cause);
      assert(!Array.from(Deno.readDirSync(made.folder), ({ name }) => name).includes("target"));
    };
    await refused(/has the SHA-256 sum [0-9a-f]{64}, not f{64}/, "--sha256", "f".repeat(64));
    made.list(`${"0".repeat(64)}  ${TARBALL}\n`);
    await refused(/is not the file that its SHA256SUMS lists/);
    made.list(`${made.sum}  ${TARBALL}\n${made.sum}  pmuctl-0.2.0-linux-${ARCH}.tar.gz\n`);
    await refused(/lists several tarballs/);
    made.list(`${made.sum}  ../${TARBALL}\n${made.sum}  pmuctl-../x-linux-${ARCH}.tar.gz\n`);
    await refused(/lists no tarball/);
    Deno.removeSync(`${made.folder}/SHA256SUMS`);
    await refused(/SHA256SUMS could not be downloaded/);
  },
);

Deno.test("fetch-release refuses command lines it does not understand, with status 2", async () => {
  for (const args of [[], ["https://x"], ["--sha256", "ab", "https://x", "/y"], ["a", "b", "c"]]) {
    assertEquals((await fetchRelease(...args)).code, 2, args.join(" "));
  }
});

/** Runs scripts/action-check on a pmuctl that prints its arguments and ends with a status. Gives its outputs, too. */
async function actionCheck(args: string, status = 0) {
  const folder = Deno.makeTempDirSync();
  try {
    const program = `${folder}/pmuctl`;
    Deno.writeTextFileSync(program, `#!/bin/sh\nprintf '<%s>' "$@"\nexit ${status}\n`, { mode: 0o755 });
    const env = { ARGS: args, GITHUB_OUTPUT: `${folder}/output` };
    const ran = await run(`${ROOT}/scripts/action-check`, [program], env);
    return { ...ran, output: Deno.readTextFileSync(`${folder}/output`) };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("the action splits its arguments at blanks and quotes, and expands nothing in them", async () => {
  const words: [string, string][] = [
    ["", "<check>"],
    ["--against './old/bench -x' -- ./bench", "<check><--against><./old/bench -x><--><./bench>"],
    ["-m wall\n--json", "<check><-m><wall><--json>"],
    ["-- ./b $(touch /x) `id` $HOME * ; id", "<check><--><./b><$(touch></x)><`id`><$HOME><*><;><id>"],
    [`-- sh -c "it's"`, "<check><--><sh><-c><it's>"],
  ];
  for (const [args, expected] of words) assertEquals((await actionCheck(args)).out, expected);
});

Deno.test("the action gives status and verdict, and fails but for pass and inconclusive", async () => {
  const verdicts: [number, string, number][] = [
    [0, "pass", 0],
    [1, "regressed", 1],
    [2, "error", 2],
    [3, "unmeasurable", 3],
    [5, "inconclusive", 0],
    [70, "error", 70],
    [255, "error", 255],
  ];
  for (const [status, verdict, ends] of verdicts) {
    for (const args of ["", "-- ./bench"]) {
      const { code, output } = await actionCheck(args, status);
      assertEquals([code, output], [ends, `status=${status}\nverdict=${verdict}\n`]);
    }
  }
  assertMatch((await actionCheck("", 5)).out, /::warning title=pmuctl check::inconclusive/);
});

Deno.test("the action fails where a quote in its arguments is not closed", async () => {
  const { code, out, output } = await actionCheck("--against 'old");
  assertEquals([code, out, output], [2, "", "status=2\nverdict=error\n"]);
});
