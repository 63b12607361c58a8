/** The programs that pmuctl is compared with. Whoever wants a comparison installs them; none is part of this repository. */

const ROOT = new URL("../..", import.meta.url).pathname;
const FOLDER = `${ROOT}build/peers/bin`;

/** Path of pmuctl's launcher, or of the binary to measure in its place. */
export const PMUCTL = Deno.env.get("PMUCTL") ?? `${ROOT}scripts/pmuctl`;

/** A perf to compare with. */
export interface Perf {
  path: string;
  /** Number for names of cases: `6.1`. */
  version: string;
}

function versionOf(path: string): string | undefined {
  try {
    const { stdout } = new Deno.Command(path, { args: ["--version"], stderr: "null" }).outputSync();
    return /(\d+\.\d+)/.exec(new TextDecoder().decode(stdout))?.[1];
  } catch {
    return undefined;
  }
}

/** The perfs there are: the one on PATH, and the one that PMUCTL_BENCH_PERF names, a newer one for example. */
export const PERFS: readonly Perf[] = ["perf", Deno.env.get("PMUCTL_BENCH_PERF") ?? ""].flatMap((path) => {
  const version = path === "" ? undefined : versionOf(path);
  return version === undefined ? [] : [{ path, version }];
});

/** A program that folds the output of `perf script`. */
export interface Folder {
  command: string;
  path: string;
  /** Program that runs it, when it is a script. */
  runBy: string[];
  remedy: string;
}

/** Folders of stacks, fastest first. */
export const INFERNO: Folder = {
  command: "inferno-collapse-perf",
  path: Deno.env.get("INFERNO_COLLAPSE_PERF") ?? `${FOLDER}/inferno-collapse-perf`,
  runBy: [],
  remedy: "cargo install inferno --version 0.11.21 --no-default-features --features cli --locked " +
    "--root build/peers, or name another with INFERNO_COLLAPSE_PERF",
};

/** Brendan Gregg's script, which most people use. */
export const STACKCOLLAPSE: Folder = {
  command: "stackcollapse-perf.pl",
  path: Deno.env.get("STACKCOLLAPSE_PERF") ?? `${FOLDER}/stackcollapse-perf.pl`,
  runBy: ["perl"],
  remedy:
    "put that of https://github.com/brendangregg/FlameGraph there, or name another with STACKCOLLAPSE_PERF",
};

/** Returns how to get the program; undefined where it is there. */
export function missingFolder({ path, remedy }: Folder): string | undefined {
  try {
    if (Deno.statSync(path).isFile) return undefined;
  } catch {
    // said below
  }
  return `${path} is not there: ${remedy}`;
}
