/** Tracepoints' data as text, in the formats that the kernel has. */

import { assert, assertEquals } from "@std/assert";
import { parseTracepointFormat } from "../../../lib/perfdata/tracepoints/format.ts";
import { type KernelName, tracepointPrinter } from "../../../lib/perfdata/tracepoints/print.ts";

const FIELDS: readonly [declaration: string, size: number, signed: boolean][] = [
  ["unsigned short common_type", 2, false],
  ["char comm[16]", 16, false],
  ["pid_t pid", 4, true],
  ["u64 state", 8, false],
  ["__data_loc char[] name", 4, false],
  ["__rel_loc u8[] blob", 4, false],
  ["u32 args[2]", 8, false],
  ["unsigned char address[28]", 28, false],
  ["void * function", 8, false],
];

/** Bytes of `address`. */
const ADDRESS = ["02, 00, 1f, 90, 0a, 00, 00, 01", ...Array.from({ length: 20 }, () => "00")].join(", ");

/** A `format` file with these fields, one behind the other, and this `print fmt`. */
function formatOf(print: string): string {
  let offset = 0;
  const lines = FIELDS.map(([declaration, size, signed]) => {
    const line = `\tfield:${declaration};\toffset:${offset};\tsize:${size};\tsigned:${signed ? 1 : 0};`;
    offset += size;
    return line;
  });
  return `name: made\nID: 316\nformat:\n${lines.join("\n")}\n\nprint fmt: ${print}\n`;
}

/** Data of those fields. */
function dataOf(): Uint8Array {
  const bytes = new Uint8Array(96), view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("worker\0rubbish"), 2);
  view.setInt32(18, -7, true);
  view.setBigUint64(22, 0x8000_0000_0000_0041n, true);
  view.setUint32(30, 82 | (5 << 16), true); // name
  view.setUint32(34, (87 - 38) | (3 << 16), true); // blob, from the field's end on
  view.setUint32(38, 100, true);
  view.setUint32(42, 0xffff_ffff, true);
  bytes.set([2, 0, 0x1f, 0x90, 10, 0, 0, 1], 46); // sockaddr_in
  view.setBigUint64(74, 0xffff_ffff_8100_0010n, true);
  bytes.set(new TextEncoder().encode("disk\0"), 82);
  bytes.set([0xab, 0xcd, 0xef], 87);
  return bytes;
}

const KERNEL: KernelName = (address) =>
  address === 0xffff_ffff_8100_0010n || address === -0x7eff_fff0n
    ? { name: "start_kernel", offset: 16 }
    : undefined;

function printed(print: string, data = dataOf()): string {
  return tracepointPrinter(parseTracepointFormat(formatOf(print))!, KERNEL)(data);
}

Deno.test("fields are printed as printf(3) does", () => {
  assertEquals(printed('"comm=%s pid=%d", REC->comm, REC->pid'), "comm=worker pid=-7");
  assertEquals(
    printed('"%u %x %#x %llx", REC->pid, REC->pid, REC->args[0], REC->state'),
    "4294967289 fffffff9 0x64 8000000000000041",
  );
  assertEquals(
    printed('"[%5d] [%-5d] [%05d] [%.3d] [%+d]", REC->pid, REC->pid, REC->pid, REC->pid, REC->args[0]'),
    "[   -7] [-7   ] [-0007] [-007] [+100]",
  );
  assertEquals(printed('"%hd %hhd %ld %c%%", 65535, 255, -1, 65'), "-1 -1 -1 A%");
  assertEquals(printed('"%*d|%.*s", 4, 7, 2, REC->comm'), "   7|wo");
  assertEquals(printed('"%*d|%.*s", 0 - 4, 7, 0 - 2, REC->comm'), "7   |worker");
  assertEquals(printed('"a" "b=%s", __get_str(name)'), "ab=disk");
});

Deno.test("expressions are C's, on unsigned numbers of 64 bits", () => {
  assertEquals(printed('"%d %d %d", 1 + 2 * 3, (1 + 2) * 3, 1 << 3 | 1'), "7 9 9");
  assertEquals(printed('"%s", REC->pid < 0 ? "below" : "not below"'), "not below");
  assertEquals(printed('"%s", (int)REC->args[1] == -1 ? "yes" : "no"'), "yes");
  assertEquals(printed('"%d", ((unsigned int) ((REC->args[1]) >> 20))'), "4095");
  assertEquals(printed('"%llu", (0 - 8) / 4'), "4611686018427387902");
  assertEquals(printed('"%d %d", 7 / 0, REC->args[9]'), "0 0");
  assertEquals(printed('"%d", !(REC)->pid && ~0 || -1UL == 0xffffffffffffffff'), "1");
});

Deno.test("the kernel's functions for flags, names, bytes and arrays are known", () => {
  const flags = '__print_flags(REC->state, "|", { 1, "R" }, { 0x40UL, "W" }, { -1, ((void *)0) })';
  assertEquals(printed(`"%s", ${flags}`), "R|W|0x8000000000000000");
  assertEquals(printed('"%s", __print_symbolic(REC->args[0], { 99, "a" }, { 100, "b" }, { 100, "c" })'), "b");
  assertEquals(
    printed('"%s", __print_symbolic(REC->args[0], { UNKNOWN, "a" }, { NET_RX_SOFTIRQ, "b" })'),
    "0x64",
  );
  assertEquals(printed('"%s", __print_hex(__get_rel_dynamic_array(blob), 3)'), "ab cd ef");
  assertEquals(
    printed('"%s", __print_array(__get_rel_dynamic_array(blob), __get_rel_dynamic_array_len(blob), 1)'),
    "{0xab,0xcd,0xef}",
  );
  assertEquals(
    printed('"%ps %pS %p %p", REC->function, REC->function, REC->args[0], 0'),
    "start_kernel start_kernel+0x10 0x64 (nil)",
  );
});

Deno.test("addresses of networks are printed as the letters behind %p say", () => {
  assertEquals(printed('"%pISpc", REC->address'), "10.0.0.1:8080");
  assertEquals(printed('"%pI4 %pM", REC->address, REC->address'), "2.0.31.144 02:00:1f:90:0a:00");
  const data = dataOf();
  data.set([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 46);
  assertEquals(
    printed('"%pI6c %pI6", REC->address, REC->address', data),
    "2001:db8::1 2001:0db8:0000:0000:0000:0000:0000:0001",
  );
  data.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1], 46);
  assertEquals(printed('"%pI6c", REC->address', data), "::ffff:127.0.0.1");
});

Deno.test("what cannot be parsed is printed field by field, as perf does", () => {
  for (
    const print of [
      '"%d", secret(REC->pid)',
      '"%d %d", REC->pid',
      '"%d',
      '"%d", REC->gone',
      "",
      '"%d", 1 +',
      '"%d" = 1',
    ]
  ) {
    assertEquals(
      printed(print),
      "[FAILED TO PARSE] comm=worker pid=-7 state=9223372036854775873 name=disk blob=ARRAY[ab, cd, ef] " +
        `args=ARRAY[64, 00, 00, 00, ff, ff, ff, ff] address=ARRAY[${ADDRESS}] function=0xffffffff81000010`,
      print,
    );
  }
});

Deno.test("data that is cut short, and formats that want too much, are bounded", () => {
  assertEquals(printed('"%d %s %s", REC->pid, REC->comm, __get_str(name)', new Uint8Array(3)), "0  ");
  assertEquals(printed('"%99999d", 1').length, 256);
  assertEquals(printed('"%*d", 0x80000000, 1').length, 256);
  assert(printed(`"${"%256d".repeat(100)}"${", 1".repeat(100)}`).length <= 4096);
  for (const deep of ["(".repeat(5000), "-".repeat(5000), "1?".repeat(5000), "(int)".repeat(5000)]) {
    assert(printed(`"%d", ${deep}1`).startsWith("[FAILED TO PARSE]"));
  }
});
