/**
 * Recordings that reports are timed on: the whole system, while programs of many kinds run. What runs decides how many
 * different stacks there are, and so what a report costs, more than the number of samples does.
 */

import { inFolder } from "./case.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Programs of many kinds, each left out where it is not installed. They run over and over until they are stopped. */
const WORKLOADS: readonly { needs: string; script: string }[] = [
  {
    needs: "gcc",
    script: `for f in ${ROOT}ffi/shim/*.c ${ROOT}ffi/shim/*/*.c; do gcc -O2 -w -c "$f" -o /dev/null; done`,
  },
  {
    needs: "python3",
    script: `python3 -c '
import json, re, collections
words = collections.Counter()
for i in range(400):
    text = json.dumps({str(k): [k, k * 2.5, "word%d" % (k % 97)] for k in range(200)})
    words.update(re.findall(r"word\\d+", text))
    json.loads(text)
'`,
  },
  {
    needs: "node",
    script: `node -e '
const rows = Array.from({ length: 20000 }, (_, i) => ({ id: i * 7919 % 20000, name: "n" + i }));
for (let i = 0; i < 8; i++) JSON.parse(JSON.stringify(rows.toSorted((a, b) => a.id - b.id)));
'`,
  },
  {
    needs: "perl",
    script: `perl -e '$h{$_ % 9973} .= "x" for 1..400000; print length join "", map { $h{$_} } sort keys %h'`,
  },
  {
    needs: "sqlite3",
    script:
      `sqlite3 :memory: 'create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000) insert into t select i * 7919 % 60000, hex(i) from n; create index x on t(a); select count(*), max(b) from t where a % 7 = 0;'`,
  },
  { needs: "sh", script: "ls -lR /usr/lib /usr/share | sort | uniq -c | sort -rn | md5sum" },
  {
    needs: "sh",
    script:
      `find /usr/include /usr/share/doc -name '*.h' -o -name '*.gz' | head -n 400 | xargs cat | gzip -6 | wc -c`,
  },
  {
    needs: "sh",
    script:
      `for i in 1 2 3 4 5 6 7 8 9 10; do grep -rc include /usr/include/linux | awk -F: '{ s += $2 } END { print s }'; done`,
  },
];

function isInstalled(program: string): boolean {
  return new Deno.Command("sh", { args: ["-c", 'command -v "$0" >/dev/null', program] }).outputSync().success;
}

/** Processes that keep all CPUs busy until they are stopped. */
export class Load {
  #children: Deno.ChildProcess[] = [];

  /** Starts the programs of many kinds that are installed. */
  startVaried(): void {
    this.start(WORKLOADS.filter(({ needs }) => isInstalled(needs)).map(({ script }) => script));
  }

  /** Starts two shells that run these commands over and over. */
  start(scripts: readonly string[]): void {
    for (let first = 0; first < 2; first++) {
      const mine = scripts.filter((_, i) => i % 2 === first % scripts.length);
      // the loop ends by itself when this process was killed and could not end it
      const busy = `while kill -0 ${Deno.pid}; do ${(mine.length ? mine : scripts).join("\n")}\ndone`;
      const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
      this.#children.push(new Deno.Command("setsid", { args: ["sh", "-c", busy], ...quiet }).spawn());
    }
  }

  /** Ends them, and everything they have started. */
  stop(): void {
    for (const child of this.#children.splice(0)) {
      new Deno.Command("kill", { args: ["--", `-${child.pid}`], stderr: "null" }).outputSync();
    }
  }
}

/** The load of this process. */
export const load = new Load();

/** Arguments of a recording of everything at a high rate, with callers by frame pointers. */
export const RECORD_ARGS = ["-F", "20000", "-a", "--call-graph", "fp"];

/** Arguments of a recording of everything with copies of stacks, of 8 KiB each. */
export const COPY_ARGS = ["-F", "4000", "-a", "-m", "16M", "-B", "--call-graph", "dwarf"];

/** Makes a recording by perf of a busy system, `seconds` long, unless the file is there already. */
export async function makeRecording(
  file: string,
  seconds: number,
  args: readonly string[] = RECORD_ARGS,
): Promise<void> {
  try {
    Deno.statSync(file);
    return;
  } catch {
    load.startVaried();
  }
  await new Deno.Command("perf", {
    // -N: no copies of programs in the user's cache
    args: [
      "record",
      "-q",
      "-N",
      "-e",
      "cpu-clock",
      ...args,
      "-o",
      file,
      "--",
      "sleep",
      String(seconds),
    ],
    stderr: "null",
  }).output();
  load.stop();
}

/** Path of the recording of about a million samples, once `makeRecording` has made it. */
export const big = inFolder("big.data");
/** Length of that recording in s. */
export const BIG_SECONDS = 26;
