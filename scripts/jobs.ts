/** Runs commands that check or test something, several at once, and adds up what they found. */

/** One command, and what its end means. */
export interface Job {
  name: string;
  command: readonly string[];
  env?: Record<string, string>;
  /** A check passes when it ends with 0; tests end with a summary line. */
  kind: "check" | "tests";
  /** Why it cannot be run here; false where it can. It then counts as one skipped, in CI as one failed. */
  hindrance?: string | false;
}

export interface Sums {
  passed: number;
  failed: number;
  skipped: number;
}

/** Seconds that each test file took, by path. */
export type FileTimes = Map<string, number>;

/** A job that hangs is a failure, not a run without an end. */
const LIMIT = ["timeout", "--foreground", "-k", "10", "1800"];

/** Reads the last summary line of Deno (`ok | 2 passed (1 step) | 0 failed | 1 ignored`) or of ours (`2 passed, 0 failed`). */
export function sumsOf(output: string, status: number): Sums {
  const summary = output.split("\n").findLast((line) =>
    /^(ok|FAILED) \| \d+ passed|^\d+ passed, \d+ failed/.test(line)
  );
  const number = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary ?? "")?.[1] ?? 0);
  const sums = { passed: number("passed"), failed: number("failed"), skipped: number("(?:ignored|skipped)") };
  // One that ended badly with no failure to show for it, or without a word, is a failure.
  if (sums.failed === 0 && (status !== 0 || summary === undefined)) sums.failed = 1;
  return sums;
}

/** Follows Deno's reporter line by line, and keeps how long each file took. */
export class FileClock {
  #file: string | undefined;
  #since = 0;

  constructor(readonly times: FileTimes) {}

  line(text: string, now: number): void {
    const file = /^running \d+ tests? from \.\/(\S+)$/.exec(text)?.[1];
    if (!file && !/^(ok|FAILED) \| /.test(text)) return;
    if (this.#file) this.times.set(this.#file, (this.times.get(this.#file) ?? 0) + now - this.#since);
    [this.#file, this.#since] = [file, now];
  }
}

/** Runs the jobs in their order, `atOnce` at a time, and prints the output of each with the time that it took. */
export class JobRunner {
  readonly sums: Sums = { passed: 0, failed: 0, skipped: 0 };
  readonly times: FileTimes = new Map();

  async run(jobs: readonly Job[], atOnce: number): Promise<void> {
    const left = [...jobs];
    const worker = async () => {
      for (let job = left.shift(); job; job = left.shift()) await this.#runJob(job, atOnce > 1);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  async #runJob({ name, command, env, kind, hindrance }: Job, buffered: boolean): Promise<void> {
    if (hindrance) {
      const isFailure = Deno.env.get("CI") !== undefined;
      console.log(
        `== ${name}\n${isFailure ? "FAILED, as nothing may be skipped in CI" : "SKIP"}: ${hindrance}`,
      );
      this.#add(isFailure ? { passed: 0, failed: 1, skipped: 0 } : { passed: 0, failed: 0, skipped: 1 });
      return;
    }
    if (!buffered) console.log(`== ${name}`);
    const started = performance.now();
    const [program, ...args] = [...LIMIT, "sh", "-c", 'exec "$@" 2>&1', "sh", ...command];
    const child = new Deno.Command(program, { args, env, stdin: "null", stdout: "piped", stderr: "inherit" })
      .spawn();
    const clock = new FileClock(this.times);
    let output = "";
    for await (const line of linesOf(child.stdout)) {
      clock.line(line, performance.now() / 1000);
      output += `${line}\n`;
      if (!buffered) console.log(line);
    }
    const { code } = await child.status;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${buffered ? output : ""}== ${name} (${seconds} s)`);
    this.#add(
      kind === "tests"
        ? sumsOf(output, code)
        : { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 },
    );
  }

  #add({ passed, failed, skipped }: Sums): void {
    this.sums.passed += passed;
    this.sums.failed += failed;
    this.sums.skipped += skipped;
  }
}

async function* linesOf(bytes: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
