import { assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { run, withFolder } from "../live/harness.ts";
import { githubStandIn, PULL_REQUEST, TOKEN } from "./github_stand_in.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** The `run:` steps of a workflow, in order: of one line, or the block of `run: |`. */
function stepsOf(workflow: string): string[] {
  const steps = workflow.matchAll(/^( +)run: (?:\|\n((?:\1 +.*\n|\n)+)|(.*)\n)/gm);
  return [...steps].map(([, , block, line]) => block ?? line);
}

testNeeding(
  ["cc", "valgrind", "curl", "jq"],
  "the example workflow's steps run as written, in a clean clone",
  async () => {
    await withFolder(async (folder) => {
      const clone = `${folder}/clone`;
      const git = async (...args: string[]) => {
        const ran = await run("git", args);
        assertEquals(ran.status, 0, ran.stderr);
        return ran.stdout.trim();
      };
      await git("clone", "-q", "--no-hardlinks", ROOT, clone);
      // what set-up would get from the network; all else is as it was cloned
      for (const name of Deno.readDirSync(`${ROOT}/.deno`)) {
        if (!["lock", "state"].includes(name.name)) {
          await Deno.mkdir(`${clone}/.deno`, { recursive: true });
          await Deno.symlink(`${ROOT}/.deno/${name.name}`, `${clone}/.deno/${name.name}`);
        }
      }
      const steps = stepsOf(await Deno.readTextFile(`${clone}/docs/example-workflow.yml`));
      assertGreater(steps.length, 3);
      await using standIn = githubStandIn();
      const env = {
        ...standIn.env,
        TOKEN,
        PULL_REQUEST: `${PULL_REQUEST}`,
        BASE: await git("-C", clone, "rev-parse", "HEAD"),
        GITHUB_ACTIONS: "true",
        GITHUB_STEP_SUMMARY: `${folder}/summary.md`,
      };
      for (const step of steps) {
        // the shell of GitHub's runners for `run:`
        const { status, stdout, stderr } = await run("bash", ["-e", "-c", step], { cwd: clone, env });
        assertEquals(status, 0, `${step}\n${stdout}\n${stderr}`);
      }
      assertStringIncludes(await Deno.readTextFile(`${clone}/build/check.xml`), 'classname="loop"');
      assertStringIncludes(await Deno.readTextFile(`${folder}/summary.md`), "pass | `loop` | instructions");
      assertEquals(standIn.comments.length, 1);
      assertMatch(standIn.comments[0].body, /\n\| `loop` \| `instructions.*` \| ✅ pass \|/);
    });
  },
);
