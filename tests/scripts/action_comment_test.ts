/** The steps of action.yml as they are written, from a clean clone, with a stand-in for GitHub's API. */

import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { PMUCTL, run, withFolder } from "../live/harness.ts";
import { githubStandIn, PULL_REQUEST, REPOSITORY, type StandIn, TOKEN, USER } from "./github_stand_in.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** A step of the action, with expressions as they are written. */
interface ActionStep {
  name: string;
  id?: string;
  if?: string;
  env: Record<string, string>;
  run: string;
}

/** Reads the steps of the action, which has no other YAML in it than this. */
function stepsOf(action: string): ActionStep[] {
  return action.slice(action.indexOf("\n  steps:\n")).split(/^ {4}- /m).slice(1).map((text) => {
    const member = (name: string) => new RegExp(`^ {0,6}${name}: (.*)$`, "m").exec(text)?.[1];
    const unquoted = (value: string) => value.replace(/^'(.*)'$/, "$1").replaceAll("''", "'");
    const env = /^ {6}env:\n((?: {8}.*\n)*)/m.exec(text)?.[1] ?? "";
    const block = /^ {6}run: \|\n((?: {8}.*\n|\n)+)/m.exec(text)?.[1];
    return {
      name: member("name")!,
      id: member("id"),
      if: member("if"),
      env: Object.fromEntries([...env.matchAll(/^ +(\w+): (.*)$/gm)].map(([, name, value]) => [name, value])),
      run: block ?? unquoted(member("run")!),
    };
  });
}

/** Inputs of the action with their defaults. */
function defaultsOf(action: string): Record<string, string> {
  const inputs = action.slice(action.indexOf("\ninputs:\n"), action.indexOf("\noutputs:\n"));
  const each = inputs.matchAll(/^ {2}([\w-]+):\n(?: {4}.*\n)*? {4}default: (.*)$/gm);
  return Object.fromEntries([...each].map(([, name, value]) => [name, value.replace(/^"(.*)"$/, "$1")]));
}

type Context = Record<string, unknown>;

/** Replaces the expressions in a text by their values, as GitHub's runner does. */
function evaluated(text: string, context: Context): string {
  return text.replace(/\$\{\{ (.*?) \}\}/g, (_, expression) => String(valueOf(expression, context) ?? ""));
}

function valueOf(expression: string, context: Context): unknown {
  const source = expression.replace(
    /'[^']*'|\b(github|inputs|steps|runner|job)((?:\.[\w-]+)+)/g,
    (all, root, path) =>
      root === undefined
        ? all
        : `context.${root}${
          path.slice(1).split(".").map((name: string) => `?.[${JSON.stringify(name)}]`).join("")
        }`,
  );
  const format = (text: string, ...values: unknown[]) =>
    text.replace(/\{(\d)\}/g, (_, i) => String(values[i] ?? ""));
  return new Function("context", "matrix", "cancelled", "format", "toJSON", `return ${source}`)(
    context,
    null,
    () => false,
    format,
    JSON.stringify,
  );
}

/** Runs all steps of the action in a checkout of it. Gives the status of the first that failed, and all that was printed. */
async function runAction(
  folder: string,
  { standIn, inputs, event = "pull_request" }: {
    standIn: StandIn;
    inputs: Record<string, string>;
    event?: string;
  },
) {
  const action = await Deno.readTextFile(`${folder}/action/action.yml`);
  const temp = `${folder}/temp`;
  const context: Context = {
    inputs: { ...defaultsOf(action), ...inputs },
    runner: { temp },
    github: {
      server_url: `file://${folder}/server`,
      action_repository: "octo/pmuctl",
      action_path: `${folder}/action`,
      action_ref: "v0.1.0",
      event_name: event,
      repository: REPOSITORY,
      workflow: "ci",
      job: "bench",
      token: TOKEN,
      event: { pull_request: { number: PULL_REQUEST, head: { sha: "f00d" } } },
    },
    steps: {} as Record<string, unknown>,
  };
  const all = context.inputs as Record<string, string>;
  for (const [name, value] of Object.entries(all)) all[name] = evaluated(value, context);
  let failed = 0, printed = "";
  const ran: string[] = [];
  for (const step of stepsOf(action)) {
    const goesOn = step.if === undefined
      ? failed === 0
      : valueOf(step.if.replace(/^\$\{\{ | \}\}$/g, ""), context);
    if (!goesOn) continue;
    const output = await Deno.makeTempFile({ dir: folder });
    const env = {
      ...standIn.env,
      RUNNER_TEMP: temp,
      GITHUB_PATH: `${folder}/path`,
      GITHUB_OUTPUT: output,
      ...Object.fromEntries(
        Object.entries(step.env).map(([name, value]) => [name, evaluated(value, context)]),
      ),
    };
    // the shell of GitHub's runners for `shell: bash`
    const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", evaluated(step.run, context)];
    const { status, stdout, stderr } = await run("bash", args, { cwd: folder, env });
    printed += stdout + stderr;
    failed ||= status;
    ran.push(step.name);
    const lines = (await Deno.readTextFile(output)).trim().split("\n");
    const outputs = Object.fromEntries(lines.map((line) => line.split("=")));
    if (step.id) (context.steps as Record<string, unknown>)[step.id] = { outputs };
  }
  return { failed, printed, ran };
}

/** Makes a clean clone of the action, and a release of what this checkout has. */
async function furnish(folder: string): Promise<void> {
  const release = `${folder}/server/octo/pmuctl/releases/download/v0.1.0`;
  await Deno.mkdir(`${folder}/temp`);
  await Deno.mkdir(`${folder}/made/bin`, { recursive: true });
  await Deno.mkdir(release, { recursive: true });
  await Deno.writeTextFile(`${folder}/made/bin/pmuctl`, `#!/bin/sh\nexec '${PMUCTL}' "$@"\n`, {
    mode: 0o755,
  });
  const tarball = `pmuctl-0.1.0-linux-${Deno.build.arch}.tar.gz`;
  for (
    const [command, ...args] of [
      ["git", "clone", "-q", "--no-hardlinks", ROOT, `${folder}/action`],
      ["tar", "-C", folder, "-czf", `${release}/${tarball}`, "made"],
      ["sh", "-c", `cd '${release}' && sha256sum ${tarball} >SHA256SUMS`],
    ]
  ) {
    const ran = await run(command, args);
    assertEquals(ran.status, 0, ran.stderr);
  }
  const values = (factor: number) =>
    Array.from({ length: 20 }, (_, i) => `a|b,${factor * (100 + i % 3)},ms\n`).join("");
  await Deno.writeTextFile(`${folder}/old.csv`, values(1));
  await Deno.writeTextFile(`${folder}/new.csv`, values(1.5));
}

const SLOWER = { args: "--from csv old.csv new.csv" }, SAME = { args: "--from csv old.csv old.csv" };
const NEEDS = ["curl", "jq", "git", "valgrind"] as const;

testNeeding(
  NEEDS,
  "the action comments on a pull request, and later runs update that comment",
  () =>
    withFolder(async (folder) => {
      await furnish(folder);
      await using standIn = githubStandIn();
      standIn.pageSize = 2;
      // others may write what they like, the mark of our comment included
      const others = ["hello", "### pmuctl check", ""].map((body, i) => ({ id: i + 1, author: "eve", body }));
      standIn.comments.push(...others);

      const first = await runAction(folder, { standIn, inputs: SLOWER });
      assertEquals(first.failed, 1, first.printed);
      assertEquals(standIn.comments.length, 4);
      const posted = standIn.comments[3];
      assertMatch(
        posted.body,
        /^<!-- pmuctl check [0-9a-f]{16} -->\n### pmuctl check: 1 regressed\n\n\| benchmark/,
      );
      assertStringIncludes(posted.body, "\n| `a`&#124;`b` | `time` | ❌ regressed | +50.0% |");
      assertStringIncludes(
        posted.body,
        `Commit f00d, <a href="https://github.invalid/${REPOSITORY}/actions/runs/42">log</a>`,
      );

      others[2].body = posted.body;
      standIn.comments.splice(3, 1, { id: 50, author: "eve", body: posted.body }, posted);
      const second = await runAction(folder, { standIn, inputs: SAME });
      assertEquals(second.failed, 0, second.printed);
      assertEquals(standIn.comments.length, 5);
      assertStringIncludes(
        standIn.comments.find(({ author }) => author === USER)!.body,
        "### pmuctl check: 1 pass\n",
      );
      assert(
        standIn.comments.slice(0, 4).every(({ author, body }) =>
          author === "eve" && !body.includes("1 pass")
        ),
      );
      assertGreater(standIn.calls.filter((call) => call === "POST /graphql").length, 3);

      const other = await runAction(folder, { standIn, inputs: { ...SAME, "comment-key": "two" } });
      assertEquals([other.failed, standIn.comments.length], [0, 6], other.printed);

      const broken = await runAction(folder, { standIn, inputs: { args: "--from csv old.csv missing.csv" } });
      assertEquals(broken.failed, 4);
      assertStringIncludes(posted.body, "### pmuctl check: no result\n\nIt ended with exit status 4");
    }),
);

testNeeding(
  NEEDS,
  "the action comments on nothing but pull requests, and not where it is told not to",
  () =>
    withFolder(async (folder) => {
      await furnish(folder);
      await using standIn = githubStandIn();
      for (
        const [event, comment] of [["push", "true"], ["pull_request_target", "true"], [
          "pull_request",
          "false",
        ]]
      ) {
        const { failed, ran } = await runAction(folder, { standIn, inputs: { ...SAME, comment }, event });
        assertEquals([failed, ran.length], [0, 3]);
      }
      assertEquals(standIn.calls, []);
    }),
);

testNeeding(
  NEEDS,
  "a comment that cannot be posted is a warning, and the verdict stays",
  () =>
    withFolder(async (folder) => {
      await furnish(folder);
      await using standIn = githubStandIn();
      const warnings: [StandIn["refusal"], RegExp][] = [
        [
          { status: 403, body: '{"message": "Resource not accessible\\nby 100% integration"}' },
          /GitHub answered 403, Resource not accessible by 100%25 integration: give the job 'permissions: pull-requests: write'/,
        ],
        [{ status: 502, body: "<html>" }, /GitHub answered 502$/m],
        [
          { status: 200, body: '{"errors": [{"message": "no such thing"}]}' },
          /GitHub answered no such thing$/m,
        ],
        [{ status: 200, body: "[]" }, /GitHub answered without the comments$/m],
      ];
      for (const [refusal, warning] of warnings) {
        standIn.refusal = refusal;
        const { failed, printed } = await runAction(folder, { standIn, inputs: SLOWER });
        assertEquals(failed, 1);
        assertMatch(printed, warning);
        assertEquals(
          printed.match(/^::warning title=pmuctl check::cannot post the comment: /gm)?.length,
          1,
          printed,
        );
      }
      const gone = { ...standIn, env: { ...standIn.env, GITHUB_GRAPHQL_URL: "http://127.0.0.1:9/graphql" } };
      assertMatch(
        (await runAction(folder, { standIn: gone, inputs: SLOWER })).printed,
        /::warning .*127\.0\.0\.1.* port 9/,
      );
      const noToken = await runAction(folder, { standIn, inputs: { ...SAME, token: "a b\n" } });
      assertMatch(noToken.printed, /::warning .*the action's token is empty, or is none/);
      assertEquals(noToken.failed, 0);
    }),
);
