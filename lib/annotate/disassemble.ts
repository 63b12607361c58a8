/**
 * Disassembles code with objdump. It gets the bytes of functions alone, in a file that is made here, never the file that
 * they are of: what somebody else has put into that is not for a program that was not written for it. They are in memory,
 * so that nothing of them is left behind, and a full or missing folder for temporary files does not matter.
 */

import { type MemoryFile, memoryFile } from "../base/files/memory_file.ts";
import { errnoOf, errorCause, errorRemedy } from "../base/system/system_error.ts";
import { toolFile, toolFolders } from "../base/system/tools.ts";
import { EM } from "../symbols/elf/elf.ts";
import type { FunctionCode } from "../symbols/bundle/bundled_code.ts";
import type { SampleWeight } from "../report/shared/annotation.ts";
import { codeElf, sectionOf } from "./code_elf.ts";
import { type ListedLine, MAX_WHOLE, ShownInstructions } from "./shown_instructions.ts";

/** Instruction as objdump prints it. */
export interface Disassembled {
  address: number;
  text: string;
  /** Address that the instruction jumps to or calls, if it says so. */
  target?: number;
  /** Number of instructions before it that are not shown. */
  leftOut: number;
}

/** Instructions of a function. */
export interface Disassembly {
  /** Instructions to show; see ShownInstructions. */
  shown: Disassembled[];
  /** Number of all. */
  total: number;
}

/** Options of disassemble(). */
export interface DisassemblerOptions {
  /** Syntax of the assembly, for objdump's -M: `intel`. */
  syntax?: string;
  /** Largest code, in bytes, that is shown whole; see ShownInstructions. */
  maxWhole?: number;
}

/** Names of machines for objdump's -m. */
const MACHINES: Readonly<Record<number, string>> = { [EM.X86_64]: "i386:x86-64", [EM.AARCH64]: "aarch64" };
/** Most characters of a line of objdump's, and of what it says on standard error. */
const MAX_LINE = 1000;
const LINE = /^\s*([0-9a-f]+):\s*(.*?)\s*$/;
/** Instructions whose operand is an address of code. */
const JUMP = /^(?:j\w+|b(?:\.\w+|l)?|call\w*|cbn?z|tbn?z|loop\w*|bnd jmp|bnd call)\s/;

/** Code to disassemble. */
export interface CodeToDisassemble {
  code: FunctionCode;
  /** Weight of each sampled offset in it. */
  weights: ReadonlyMap<number, SampleWeight>;
}

/** Distinct code, and what takes its lines. */
interface TakenCode {
  code: FunctionCode;
  takers: ShownInstructions[];
}

/**
 * Disassembles functions of one object, by one run of objdump. Returns the instructions to show of each, or the reason
 * why there are none.
 */
export async function disassemble(
  asked: readonly CodeToDisassemble[],
  { syntax, maxWhole = MAX_WHOLE }: DisassemblerOptions,
): Promise<(Disassembly | { cause: string })[]> {
  const distinct = new Map<string, TakenCode>();
  const shown = asked.map(({ code, weights }) => {
    const { address, bytes: { length } } = code, key = `${address} ${length}`;
    let taken = distinct.get(key);
    if (taken === undefined) distinct.set(key, taken = { code, takers: [] });
    // what is shown whole is the same whatever the weights
    if (length > maxWhole || taken.takers.length === 0) {
      taken.takers.push(new ShownInstructions(length, weights, maxWhole));
    }
    return taken.takers.at(-1)!;
  });
  const failure = await runOn([...distinct.values()], syntax);
  return asked.map(({ code: { address } }, i) => {
    if (failure) return failure;
    const { lines, total } = shown[i];
    const all = lines.map(({ offset, text, leftOut }) => instructionOf(address + offset, text, leftOut));
    return { shown: all, total };
  });
}

/** Gives the instructions of code to their takers; returns the reason if it cannot. */
async function runOn(
  taken: readonly TakenCode[],
  syntax: string | undefined,
): Promise<{ cause: string } | undefined> {
  const codes = taken.map(({ code }) => code), [{ machine: number }] = codes;
  const objdump = toolFile("objdump"), machine = MACHINES[number];
  if (objdump === undefined) return { cause: "there is no objdump: apt-get install binutils" };
  if (machine === undefined) return { cause: `objdump is not told of machine ${number}` };
  let file: MemoryFile | undefined;
  try {
    file = memoryFile("code", codeElf(codes), { inherited: true });
    const style = syntax ? ["-M", syntax] : [];
    return await runObjdump([objdump, ...style, "-m", machine, file.path], taken);
  } catch (error) {
    const remedy = errorRemedy(error);
    if (remedy === undefined && errnoOf(error) === undefined) throw error;
    return { cause: `objdump cannot be run: ${errorCause(error)}${remedy ? `: ${remedy}` : ""}` };
  } finally {
    file?.close();
  }
}

async function runObjdump(
  [objdump, ...args]: readonly string[],
  taken: readonly TakenCode[],
): Promise<{ cause: string } | undefined> {
  const child = new Deno.Command(objdump, {
    args: ["-D", "--no-show-raw-insn", ...args],
    env: { LC_ALL: "C", PATH: toolFolders() },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let current: TakenCode | undefined;
  const [, complaint, { success, code }] = await Promise.all([
    eachLine(child.stdout, (line) => {
      const section = sectionOf(line);
      if (section !== undefined) current = taken[section];
      const listed = current && listedLine(line, current.code.address);
      if (listed) { for (const taker of current!.takers) taker.take(listed); }
    }),
    firstLine(child.stderr),
    child.status,
  ]);
  if (!success) return { cause: `objdump failed: ${complaint || `exit status ${code}`}` };
  for (const { takers } of taken) for (const taker of takers) taker.finish();
}

/** Calls `take` with each line of a stream. */
async function eachLine(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!.slice(0, MAX_LINE);
    for (const line of lines) take(line.slice(0, MAX_LINE));
  }
  take(rest);
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let first: string | undefined;
  await eachLine(stream, (line) => first ??= line.trim() || undefined);
  return first ?? "";
}

/** Reads a line of objdump's, for code that starts at `base`; undefined for one that has no instruction. */
export function listedLine(line: string, base: number): ListedLine | undefined {
  const match = LINE.exec(line);
  if (match === null || match[2] === "" || match[2].startsWith("file format")) return undefined;
  // code is shorter than 4 GiB, so the low half of an address tells where in it that is
  return { offset: (parseInt(match[1].slice(-8), 16) - base) >>> 0, text: match[2] };
}

/** Parses the text of an instruction: `jle    0x401150`. */
export function instructionOf(address: number, assembly: string, leftOut = 0): Disassembled {
  const text = assembly.replace(/\s+/g, " ").replace(/ \/\/ .*/, ""), target = targetOf(text);
  return { address, text, ...target === undefined ? {} : { target }, leftOut };
}

/** Returns the address that a jump or a call has as its last operand. */
function targetOf(text: string): number | undefined {
  const operand = JUMP.test(text)
    ? /(?:^|[\s,])(?:0x)?([0-9a-f]{1,16})(?: <[^>]*>)?$/.exec(text)?.[1]
    : undefined;
  return operand === undefined ? undefined : Number(BigInt.asIntN(64, BigInt(`0x${operand}`)));
}
