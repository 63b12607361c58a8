/** Reads from git which commit the working directory has, and which commits are between two. */

import { toolFile } from "../../base/system/tools.ts";

/** Commit that was measured. */
export interface Commit {
  /** Full name of the commit; absent outside a repository. */
  commit?: string;
  /** Time of the commit in ms since 1970. */
  committed?: number;
  branch?: string;
  /** Whether files of the repository differed from the commit. */
  dirty?: boolean;
}

/** Variables in which CI systems name the branch, of which they check out only a commit; first those of merge requests. */
const BRANCH_VARIABLES = [
  ...["GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CHANGE_BRANCH"],
  ...[
    "GITHUB_REF_NAME",
    "CI_COMMIT_BRANCH",
    "BRANCH_NAME",
    "GIT_BRANCH",
    "BUILDKITE_BRANCH",
    "CIRCLE_BRANCH",
  ],
];

/** Variables in which CI systems name the commit, for jobs that have no git. */
const COMMIT_VARIABLES = ["GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "BUILDKITE_COMMIT", "CIRCLE_SHA1"];

/** Runs no program that a repository's configuration names, and writes nothing into the repository. */
const GIT_OPTIONS = ["--no-pager", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false"];

/** Longest wait for git, in ms. */
const GIT_TIMEOUT_MS = 20_000;

/** Name of a commit, possibly abbreviated: anything else is never an argument of git. */
const COMMIT_NAME = /^[0-9a-f]{7,64}$/;

/**
 * Returns the commit of the working directory. Parts that are not known are absent.
 * @param history file that is not looked at for changes, because each run appends to it.
 */
export async function readCommit(
  history: string,
  env: (name: string) => string | undefined,
): Promise<Commit> {
  const first = (names: readonly string[]) => names.map(env).find((value) => value);
  const [head, branch, status, top] = await Promise.all([
    git("log", "-1", "--format=%H %ct", "HEAD", "--"),
    git("symbolic-ref", "--short", "-q", "HEAD"),
    git("status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules"),
    git("rev-parse", "--show-toplevel"),
  ]);
  const [commit, seconds] = head?.trim().split(" ") ?? [first(COMMIT_VARIABLES)];
  const named = branch?.trim() || first(BRANCH_VARIABLES);
  return {
    ...(commit && COMMIT_NAME.test(commit) ? { commit } : {}),
    ...(seconds ? { committed: 1000 * Number(seconds) } : {}),
    ...(named ? { branch: named } : {}),
    dirty: changedFiles(status ?? "").some((path) => !isSameFile(`${top?.trim()}/${path}`, history)),
  };
}

/** Returns the paths in `git status --porcelain -z`. */
function changedFiles(status: string): string[] {
  const fields = status.split("\0");
  return fields.flatMap((field, i) => {
    const isOldName = i > 0 && /^[RC]/.test(fields[i - 1]);
    return field === "" || isOldName ? [] : [field.slice(3)];
  });
}

function isSameFile(one: string, other: string): boolean {
  try {
    return Deno.realPathSync(one) === Deno.realPathSync(other);
  } catch {
    return false;
  }
}

/** Commits that a change lies among. */
export interface CommitRange {
  /** Abbreviated name and subject of each, newest first; as many as were asked for. */
  commits: { name: string; subject: string }[];
  /** Number of all. */
  total: number;
}

/** Commits of a range that are counted. */
const MAX_COUNTED = 1000;

/**
 * Returns the commits after `from` up to `to`, at most `most` of them by name. Undefined where the repository of the working
 * directory does not have them.
 */
export async function commitsBetween(
  from: string,
  to: string,
  most: number,
): Promise<CommitRange | undefined> {
  if (!COMMIT_NAME.test(from) || !COMMIT_NAME.test(to)) return undefined;
  const text = await git("log", "--format=%h %s", "-n", `${MAX_COUNTED}`, `${from}..${to}`, "--");
  if (text === undefined) return undefined;
  const lines = text.split("\n").filter((line) => line !== "");
  const commits = lines.slice(0, most).map((line) => {
    const space = line.indexOf(" ");
    return { name: line.slice(0, space), subject: line.slice(space + 1) };
  });
  return { commits, total: lines.length };
}

/** Runs git in the working directory. Returns what it printed; undefined when it failed or is not installed. */
async function git(...args: string[]): Promise<string | undefined> {
  const program = toolFile("git");
  if (program === undefined) return undefined;
  try {
    const { success, stdout } = await new Deno.Command(program, {
      args: [...GIT_OPTIONS, ...args],
      env: { LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0" },
      ...{ stdin: "null", stdout: "piped", stderr: "null" },
      signal: AbortSignal.timeout(GIT_TIMEOUT_MS),
    }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}
