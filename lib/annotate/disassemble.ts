/**
 * Disassembles code with objdump. It gets the function's bytes alone, never the file: what somebody else has put into that
 * is not for a program that was not written for it.
 */

import { toolFile, toolFolders } from "../base/system/tools.ts";
import { EM } from "../symbols/elf/elf.ts";
import type { FunctionCode } from "./code.ts";

/** Instruction as objdump prints it. */
export interface Disassembled {
  address: number;
  text: string;
  /** Address that the instruction jumps to or calls, if it says so. */
  target?: number;
}

/** Names of machines for objdump's -m. */
const MACHINES: Readonly<Record<number, string>> = { [EM.X86_64]: "i386:x86-64", [EM.AARCH64]: "aarch64" };
/** Longest output: a line takes some 50 bytes, and an instruction at least one. */
const MAX_OUTPUT = 1 << 27;
const LINE = /^\s*([0-9a-f]+):\s*(.*?)\s*$/;
/** Instructions whose operand is an address of code. */
const JUMP = /^(?:j\w+|b(?:\.\w+|l)?|call\w*|cbn?z|tbn?z|loop\w*|bnd jmp|bnd call)\s/;

/** Returns the instructions of code, or the reason why there are none. */
export async function disassemble(
  { bytes, address, machine }: FunctionCode,
  syntax: string | undefined,
): Promise<Disassembled[] | { cause: string }> {
  const objdump = toolFile("objdump"), name = MACHINES[machine];
  if (objdump === undefined) return { cause: "there is no objdump: apt-get install binutils" };
  if (name === undefined) return { cause: `objdump is not told of machine ${machine}` };
  const folder = await Deno.makeTempDir({ prefix: "pmuctl-annotate-" });
  try {
    const file = `${folder}/code`;
    await Deno.writeFile(file, bytes, { mode: 0o600 });
    const first = BigInt.asUintN(64, BigInt(address)).toString();
    const child = await new Deno.Command(objdump, {
      args: [
        ...["-D", "-b", "binary", "-m", name, "--no-show-raw-insn", `--adjust-vma=${first}`],
        ...syntax ? ["-M", syntax] : [],
        file,
      ],
      env: { LC_ALL: "C", PATH: toolFolders() },
      clearEnv: true,
      stdin: "null",
    }).output();
    if (!child.success || child.stdout.length > MAX_OUTPUT) {
      const [line] = new TextDecoder().decode(child.stderr).trim().split("\n");
      return { cause: `objdump failed: ${line || `exit status ${child.code}`}` };
    }
    return instructionsIn(new TextDecoder().decode(child.stdout));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Reads what objdump prints. */
export function instructionsIn(text: string): Disassembled[] {
  const found: Disassembled[] = [];
  for (const line of text.split("\n")) {
    const match = LINE.exec(line);
    if (match === null || match[2] === "" || match[2].startsWith("file format")) continue;
    const assembly = match[2].replace(/\s+/g, " ").replace(/ \/\/ .*/, ""), target = targetOf(assembly);
    found.push({
      address: addressFromHex(match[1]),
      text: assembly,
      ...target === undefined ? {} : { target },
    });
  }
  return found;
}

/** Returns the address that a jump or a call has as its last operand. */
function targetOf(text: string): number | undefined {
  const operand = JUMP.test(text)
    ? /(?:^|[\s,])(?:0x)?([0-9a-f]{1,16})(?: <[^>]*>)?$/.exec(text)?.[1]
    : undefined;
  return operand === undefined ? undefined : addressFromHex(operand);
}

function addressFromHex(text: string): number {
  return Number(BigInt.asIntN(64, BigInt(`0x${text}`)));
}
