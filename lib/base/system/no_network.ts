/**
 * Giving up the network, in commands that read what strangers wrote and run nothing but a pager. The runtime cannot do
 * that: it reads /proc only for programs with all permissions. So the kernel does, by a filter of system calls
 * (seccomp(2)) on all threads, which programs started later inherit: sockets other than those of the file system are
 * refused with EACCES, and so is io_uring, which can make sockets too.
 */

/** Numbers of the kernel's interface, by architecture: AUDIT_ARCH_*, and system calls. */
const ARCHITECTURES = {
  x86_64: { audit: 0xc000003e, socket: 41, seccomp: 317 },
  aarch64: { audit: 0xc00000b7, socket: 198, seccomp: 277 },
} as const;
const IO_URING_SETUP = 425;
/** Bit of the numbers of system calls of the x32 architecture, of which x86_64 kernels may have a second set. */
const X32 = 0x40000000;
const AF_UNIX = 1;
const EACCES = 13;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1n, SECCOMP_FILTER_FLAG_TSYNC = 1n;
/** Instructions of classic BPF, and offsets in struct seccomp_data. */
const BPF = { LOAD: 0x20, EQUAL: 0x15, AT_LEAST: 0x35, RETURN: 0x06 } as const;
const DATA = { CALL: 0, ARCHITECTURE: 4, FIRST_ARGUMENT: 16 } as const;
const RETURN = { ALLOW: 0x7fff0000, ERRNO: 0x00050000 } as const;

/**
 * Gives up the network for this process and those it starts, for good. Returns whether the kernel agreed: some
 * containers have no seccomp.
 */
export function giveUpNetwork(): boolean {
  const own = ARCHITECTURES[Deno.build.arch];
  const program = filterProgram(own.audit, own.socket);
  // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
  const header = new BigUint64Array([
    BigInt(program.length / 8),
    Deno.UnsafePointer.value(Deno.UnsafePointer.of(program)),
  ]);
  const libc = Deno.dlopen("libc.so.6", {
    prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
    syscall: { parameters: ["i64", "u64", "u64", "buffer"], result: "i64" },
  });
  const { prctl, syscall } = libc.symbols;
  try {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) return false;
    return syscall(BigInt(own.seccomp), SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, header) === 0n;
  } finally {
    libc.close();
  }
}

/** Returns the filter: struct sock_filter { u16 code; u8 jt, jf; u32 k } each. Jumps count instructions to pass over. */
function filterProgram(audit: number, socket: number): Uint8Array<ArrayBuffer> {
  const instructions: [code: number, jt: number, jf: number, k: number][] = [
    [BPF.LOAD, 0, 0, DATA.ARCHITECTURE],
    [BPF.EQUAL, 0, 7, audit],
    [BPF.LOAD, 0, 0, DATA.CALL],
    [BPF.AT_LEAST, 5, 0, X32],
    [BPF.EQUAL, 4, 0, IO_URING_SETUP],
    [BPF.EQUAL, 0, 2, socket],
    [BPF.LOAD, 0, 0, DATA.FIRST_ARGUMENT],
    [BPF.EQUAL, 0, 1, AF_UNIX],
    [BPF.RETURN, 0, 0, RETURN.ALLOW],
    [BPF.RETURN, 0, 0, RETURN.ERRNO | EACCES],
  ];
  const view = new DataView(new ArrayBuffer(8 * instructions.length));
  instructions.forEach(([code, jt, jf, k], i) => {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, jt);
    view.setUint8(8 * i + 3, jf);
    view.setUint32(8 * i + 4, k, true);
  });
  return new Uint8Array(view.buffer);
}
