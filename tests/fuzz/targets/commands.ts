/** Whole commands that read recordings, with options of all kinds: what they print, and what they end with. */

import { EXIT } from "../../../lib/base/system/errors.ts";
import { parseCommandLine } from "../../../lib/cli/args.ts";
import type { CommandSpec, Io } from "../../../lib/cli/command.ts";
import { command as diff } from "../../../lib/commands/diff.ts";
import { command as report } from "../../../lib/commands/report.ts";
import { FORMATS } from "../../../lib/report/formats.ts";
import { writtenFile } from "../../perfdata/small_recording.ts";
import { HOSTILE_NAMES } from "../hostile.ts";
import { mutateBytes, mutateText } from "../mutate/mutate.ts";
import { ownPath } from "../own_folder.ts";
import { fitForTerminal } from "../output_checks.ts";
import type { Random } from "../random.ts";
import type { Target } from "../target.ts";
import { packParts, type Seed, seeds, unpackParts } from "./recordings.ts";
import { hostileRecording } from "./renderers.ts";

const COMMANDS: Readonly<Record<string, CommandSpec>> = { report, diff };
/** Options that read or write other files than the fuzzer's own, or run something. */
const NOT_OURS = ["input", "output", "vmlinux", "kallsyms", "symfs"];
const KALLSYMS = "ffffffff81000000 T _text\nffffffff81000100 t do_work\n";
/** Values that options take, rightly or not. */
const VALUES = [
  ...FORMATS.map(({ name }) => name),
  ...[
    "comm",
    "comm,dso,sym",
    "pid,tid,cpu",
    "sym",
    "srcline,event",
    "total",
    "delta",
    "share",
    "none",
    "samples",
  ],
  ...[
    "0",
    "1",
    "100",
    "0-3,8",
    "-1",
    "99999999999",
    "0.5",
    "1e9",
    "worker",
    "cpu-clock",
    "[kernel.kallsyms]",
  ],
  ...["10%/1", "0%-50%", "1,2", "1.0,1.5", ",", "50%/3", "1.000000100,", "x", ""],
];

/** Words for a command, mostly such as it takes. */
function someWords(random: Random, name: string): string[] {
  const words: string[] = [];
  for (let n = random.below(5); n > 0; n--) {
    const { name: option, value, short } = random.pick(COMMANDS[name].options);
    if (NOT_OURS.includes(option)) continue;
    const text = random.oneIn(4)
      ? mutateText([...VALUES, ...HOSTILE_NAMES], VALUES, random)
      : random.pick(VALUES);
    const dashed = short && random.oneIn(3) ? `-${short}` : `--${option}`;
    if (value === undefined) words.push(dashed);
    else {words.push(
        ...option === "base" ? [dashed, "BASE"] : random.oneIn(2) ? [dashed, text] : [`${dashed}=${text}`],
      );}
  }
  return words;
}

/** An Io that keeps what is printed. */
function keepingIo(): Io & { text(): string } {
  const pieces: (string | Uint8Array)[] = [];
  return {
    out: (text) => void pieces.push(text),
    outBytes: (bytes) => void pieces.push(bytes.slice()),
    err() {}, // processIo() escapes all of it
    status() {},
    flush() {},
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    columns: 80,
    rows: 25,
    env: () => undefined,
    text: () => pieces.filter((piece) => typeof piece === "string").join(""),
  };
}

/** Runs it as the program does, on these recordings. */
async function run(words: readonly string[], recordings: readonly Uint8Array[]): Promise<void> {
  const [name, ...rest] = words;
  const [a, b, list, root] = ["a.data", "b.data", "kallsyms", "root"].map(ownPath);
  Deno.writeTextFileSync(list, KALLSYMS);
  Deno.writeFileSync(a, recordings[0] ?? new Uint8Array(0));
  Deno.writeFileSync(b, recordings[1] ?? new Uint8Array(0));
  const options = rest.map((word) => word === "BASE" ? b : word);
  const files = name === "report" ? [`--kallsyms=${list}`, `--symfs=${root}`, "-i", a] : [a, b];
  const command = COMMANDS[name];
  if (command === undefined) return;
  const io = keepingIo();
  const args = parseCommandLine(command, [...options, ...files]);
  if (NOT_OURS.slice(1, 3).some((option) => args.has(option))) return; // made of a word that was changed
  const status = await command.run(args, io, () => Promise.resolve(Object.values(COMMANDS)));
  if (status !== EXIT.ok) throw new Error(`it ends with ${status}`);
  const format = args.text("format") ?? "text";
  if (["text", "tprof"].includes(format) && !args.has("json")) fitForTerminal(name, io.text());
  if (args.has("json")) JSON.parse(io.text());
}

export async function commandTargets(): Promise<Target[]> {
  const all = (await seeds()).filter(({ name }) => name.startsWith("ours"));
  const encoder = new TextEncoder();
  return [{
    name: "commands",
    what: "report and diff with options of all kinds",
    weight: 5,
    statuses: [2, 3, 4],
    make(random) {
      const recording = () => {
        const { bytes }: Pick<Seed, "bytes"> = random.oneIn(2)
          ? { bytes: hostileRecording(random) }
          : random.pick(all);
        return random.oneIn(4) ? mutateBytes(bytes, random) : bytes;
      };
      const name = random.oneIn(4) ? "diff" : "report";
      const words = [name, ...someWords(random, name)];
      const b = random.oneIn(2) ? recording() : writtenFile();
      return {
        bytes: packParts([encoder.encode(JSON.stringify(words)), recording(), b]),
        made: JSON.stringify(words),
      };
    },
    async take(bytes) {
      const [words, ...recordings] = unpackParts(bytes);
      let parsed: unknown;
      try {
        parsed = JSON.parse(new TextDecoder().decode(words));
      } catch {
        return; // only a smaller one that nobody made
      }
      if (!Array.isArray(parsed) || !parsed.every((word) => typeof word === "string")) return;
      await run(parsed, recordings);
    },
  }];
}
