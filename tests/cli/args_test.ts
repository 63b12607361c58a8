import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/base/system/errors.ts";
import { parseCommandLine } from "../../lib/cli/args.ts";
import type { CommandSpec } from "../../lib/cli/command.ts";
import { nearest } from "../../lib/base/text/nearest.ts";

const record: CommandSpec = {
  name: "record",
  summary: "",
  usage: [""],
  takesCommand: true,
  options: [
    { name: "event", short: "e", value: "EVENT", repeat: true, help: "" },
    { name: "freq", short: "F", value: "HZ", help: "" },
    { name: "call-graph", short: "g", help: "" },
    { name: "all-cpus", short: "a", help: "" },
    { name: "output", short: "o", value: "FILE", help: "" },
  ],
  run: () => Promise.resolve(0),
};
const report: CommandSpec = { ...record, name: "report", takesCommand: false, maxPositionals: 1 };

Deno.test("parseCommandLine() takes short, glued, clustered and long options", () => {
  const args = parseCommandLine(record, [
    "-ag",
    "-F99",
    "-e",
    "cycles",
    "--event=faults",
    "-o",
    "-",
    "--",
    "ls",
    "-l",
  ]);
  assertEquals(args.has("all-cpus"), true);
  assertEquals(args.has("call-graph"), true);
  assertEquals(args.number("freq"), 99);
  assertEquals(args.texts("event"), ["cycles", "faults"]);
  assertEquals(args.text("output"), "-");
  assertEquals(args.command, ["ls", "-l"]);
});

Deno.test("parseCommandLine() starts the command at the first word where the command takes one", () => {
  const args = parseCommandLine(record, ["-g", "make", "-j2", "--", "x"]);
  assertEquals(args.command, ["make", "-j2", "--", "x"]);
  assertEquals(args.positionals, []);
});

Deno.test("parseCommandLine() keeps numbers in values as they were written", () => {
  assertEquals(parseCommandLine(record, ["-e", "007", "-o", "1e3"]).text("output"), "1e3");
  assertEquals(parseCommandLine(record, ["-e", "007"]).texts("event"), ["007"]);
});

Deno.test("parseCommandLine() refuses what it does not know, and says what is near", () => {
  assertThrows(() => parseCommandLine(record, ["--frek", "9"]), UsageError, "did you mean --freq");
  assertThrows(() => parseCommandLine(record, ["-z"]), UsageError, "unknown option -z");
  assertThrows(() => parseCommandLine(record, ["--call-graph=x"]), UsageError, "takes no value");
  assertThrows(() => parseCommandLine(record, ["-F"]), UsageError, "-F needs a value: -F HZ");
  assertThrows(() => parseCommandLine(record, ["-F", "1", "-F", "2"]), UsageError, "2 times");
  assertThrows(() => parseCommandLine(report, ["a", "b"]), UsageError, "unexpected argument 'b'");
});

Deno.test("number() checks kind and range", () => {
  const of = (value: string) => parseCommandLine(record, [`-F${value}`]);
  assertThrows(() => of("abc").number("freq"), UsageError, "expected a number");
  assertThrows(() => of("1.5").number("freq", { integer: true }), UsageError, "expected a whole number");
  assertThrows(() => of("0").number("freq", { min: 1, max: 10 }), UsageError, "from 1 to 10");
  assertEquals(of("0x10").number("freq"), 16);
});

Deno.test("nearest() finds a slip of the finger and nothing far away", () => {
  assertEquals(nearest("recrod", ["record", "report", "bind"], 1), ["record"]);
  assertEquals(nearest("zzz", ["record", "report"]), []);
});
