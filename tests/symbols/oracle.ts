/**
 * Asks perf which symbol it gives an address: a synthetic perf.data file with one mapping and one
 * sample an address is written, and `perf script` is run over it. perf then resolves exactly as it
 * would for a real recording, at any address wanted and as many as wanted.
 */

import { PERF_RECORD, PERF_RECORD_MISC, PERF_SAMPLE, PERF_TYPE } from "../../lib/base/system/abi.ts";
import { addressToBigint, hexAddress } from "../../lib/base/bytes/address.ts";
import { type ByteSource, MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { ByteWriter } from "../../lib/base/bytes/bytes.ts";
import type { SymbolTable } from "../../lib/symbols/table/symbol_table.ts";

/** One executable mapping of the synthetic process, or of the kernel when `pid` is -1. */
export interface OracleMap {
  pid: number;
  start: number;
  length: number;
  pgoff: number;
  path: string;
}

/** What perf said of an address: symbol name and offset in it, both absent when it found none. */
export interface OracleAnswer {
  name?: string;
  offset?: number;
}

/** The synthetic process: a number beyond any that runs, so that perf finds nothing of it in /proc. */
export const PID = 4194304 + 77;
/** struct perf_file_header with its 256 feature bits. */
const HEADER_SIZE = 104;
/** PERF_ATTR_SIZE_VER0, with the two u64 of the (here empty) id section behind it. */
const ATTR_SIZE = 64;
/** A sample record of ip, pid and tid. */
const SAMPLE_SIZE = 24;

/** The bytes of a perf.data file: COMM, the mappings, then one sample with `ip` for each address. */
export function syntheticPerfData(maps: OracleMap[], addresses: ArrayLike<number>): Uint8Array {
  const mapBytes = maps.reduce((n, map) => n + 64 + map.path.length, 0);
  const records = new ByteWriter(64 + mapBytes + SAMPLE_SIZE * addresses.length);
  records.u32(PERF_RECORD.COMM).u16(PERF_RECORD_MISC.USER).u16(8 + 8 + 8);
  records.u32(PID).u32(PID).paddedString("oracle");
  for (const map of maps) {
    const kernel = map.pid === -1;
    const at = records.length;
    records.u32(PERF_RECORD.MMAP).u16(kernel ? PERF_RECORD_MISC.KERNEL : PERF_RECORD_MISC.USER).u16(0);
    records.u32(map.pid >>> 0).u32(kernel ? 0 : map.pid);
    records.u64(addressToBigint(map.start)).u64(map.length).u64(addressToBigint(map.pgoff));
    records.paddedString(map.path);
    records.patchU16(at + 6, records.length - at);
  }
  for (let i = 0; i < addresses.length; i++) {
    const ip = addresses[i];
    records.u32(PERF_RECORD.SAMPLE).u16(ip < 0 ? PERF_RECORD_MISC.KERNEL : PERF_RECORD_MISC.USER).u16(
      SAMPLE_SIZE,
    );
    records.u64(addressToBigint(ip)).u32(PID).u32(PID);
  }
  const file = new ByteWriter(HEADER_SIZE + ATTR_SIZE + 16 + records.length);
  file.raw(new TextEncoder().encode("PERFILE2")).u64(HEADER_SIZE).u64(ATTR_SIZE + 16);
  file.u64(HEADER_SIZE).u64(ATTR_SIZE + 16);
  file.u64(HEADER_SIZE + ATTR_SIZE + 16).u64(records.length);
  file.zeros(16 + 32); // no event_types section, no features
  file.u32(PERF_TYPE.SOFTWARE).u32(ATTR_SIZE).u64(0).u64(1).u64(PERF_SAMPLE.IP | PERF_SAMPLE.TID);
  file.zeros(ATTR_SIZE - 32).zeros(16);
  return file.raw(records.bytes()).bytes();
}

/** perf's answers, one for each address, in their order. Throws when perf fails. */
export async function perfSymbols(
  maps: OracleMap[],
  addresses: ArrayLike<number>,
  options: string[] = [],
  cwd?: string,
): Promise<OracleAnswer[]> {
  const file = await Deno.makeTempFile({ suffix: ".data" });
  try {
    await Deno.writeFile(file, syntheticPerfData(maps, addresses));
    const output = await new Deno.Command("perf", {
      args: ["script", "-i", file, "-F", "ip,sym,symoff", ...options],
      env: { LC_ALL: "C" },
      cwd,
    }).output();
    const text = new TextDecoder().decode(output.stdout);
    const answers = text.split("\n").filter((line) => line.trim() !== "").map(parseAnswer);
    if (!output.success || answers.length !== addresses.length) {
      throw new Error(
        `perf script gave ${answers.length} of ${addresses.length} answers: ` +
          new TextDecoder().decode(output.stderr),
      );
    }
    return answers;
  } finally {
    await Deno.remove(file);
  }
}

/** `  401136 main+0x10` or `  401136 [unknown]`. */
function parseAnswer(line: string): OracleAnswer {
  const match = /^\s*[0-9a-f]+ (.*?)(?:\+0x([0-9a-f]+))?$/.exec(line);
  if (!match) throw new Error(`unexpected line from perf script: ${line}`);
  if (match[2] === undefined) return {};
  const offset = BigInt(`0x${match[2]}`);
  // at the one address of a symbol without a size, perf prints an offset that wrapped below zero
  return { name: match[1], offset: offset < 1n << 62n ? Number(offset) : 0 };
}

/**
 * perf's answers at offsets of an ELF file, mapped whole; names as the file has them, not demangled.
 * @param cwd where perf runs; it looks for the file of a .gnu_debuglink there.
 */
export function perfFileSymbols(
  path: string,
  offsets: ArrayLike<number>,
  cwd?: string,
): Promise<OracleAnswer[]> {
  const base = 0x10000000;
  const length = Math.ceil(Deno.statSync(path).size / 4096) * 4096;
  const addresses = Float64Array.from(offsets, (offset) => base + offset);
  return perfSymbols([{ pid: PID, start: base, length, pgoff: 0, path }], addresses, ["--no-demangle"], cwd);
}

/** How our answers differ from perf's, one line each, at most ten; empty when they agree. */
export function differences(
  addresses: ArrayLike<number>,
  perf: OracleAnswer[],
  ours: (address: number) => OracleAnswer,
): string[] {
  const lines: string[] = [];
  for (let i = 0; i < addresses.length && lines.length < 10; i++) {
    const our = ours(addresses[i]);
    if (our.name !== perf[i].name || our.offset !== perf[i].offset) {
      lines.push(`${hexAddress(addresses[i])}: perf ${shown(perf[i])}, ours ${shown(our)}`);
    }
  }
  return lines;
}

function shown({ name, offset }: OracleAnswer): string {
  return name === undefined ? "[unknown]" : `${name}+0x${offset?.toString(16)}`;
}

/** What a table says of an address, in the same form. */
export function answerOf(table: SymbolTable | undefined, address: number): OracleAnswer {
  const at = table === undefined ? -1 : table.find(address);
  if (table === undefined || at < 0) return {};
  return { name: table.name(at), offset: address - table.starts[at] };
}

/** A file as a ByteSource, read whole. */
export function fileBytes(path: string): ByteSource {
  return new MemoryBytes(Deno.readFileSync(path), path);
}
