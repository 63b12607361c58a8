/**
 * Environment for counting instructions under valgrind, so that the count is the program's alone: the same for every user,
 * and on every machine of the same architecture, C library and valgrind.
 */

/**
 * Features of x86-64 CPUs by which glibc chooses between functions that do the same, under its names of all versions
 * (sysdeps/x86/cpu-tunables.c and include/bits/cpu-features); it passes over names that it does not know. Without them it
 * takes the functions that run on every x86-64.
 */
const CPU_FEATURES = [
  ...["AVX", "AVX2", "AVX512F", "AVX512VL", "AVX512BW", "AVX512CD", "AVX512DQ", "AVX512ER", "AVX512PF"],
  ...["BMI1", "BMI2", "ERMS", "FMA", "FMA4", "FSRM", "LZCNT", "MOVBE", "POPCNT", "RTM", "XSAVE", "XSAVEC"],
  ...["SSE3", "SSSE3", "SSE4_1", "SSE4_2", "AVX2_Usable", "AVX512F_Usable", "FMA_Usable", "XSAVEC_Usable"],
  ...["AVX_Fast_Unaligned_Load", "Fast_Copy_Backward", "Fast_Rep_String", "Fast_Unaligned_Copy"],
  ...[
    "Fast_Unaligned_Load",
    "Prefer_ERMS",
    "Prefer_FSRM",
    "Prefer_MAP_32BIT_EXEC",
    "Prefer_No_AVX512_Probing",
  ],
  ...["Prefer_No_VZEROUPPER", "Prefer_PMINUB_for_stringop", "Slow_BSF", "Slow_SSE4_2"],
];

/** Tunables of glibc: the features above, and the sizes of caches from which on it copies in another way. */
const GLIBC_TUNABLES = [
  `glibc.cpu.hwcaps=${CPU_FEATURES.map((name) => `-${name}`).join(",")}`,
  "glibc.cpu.x86_data_cache_size=32768",
  "glibc.cpu.x86_shared_cache_size=1048576",
  "glibc.cpu.x86_non_temporal_threshold=786432",
  "glibc.cpu.x86_rep_movsb_threshold=2048",
  "glibc.cpu.x86_rep_stosb_threshold=2048",
  "glibc.cpu.name=generic", // aarch64
].join(":");

/** Variables with values of ours. */
const PINNED: Readonly<Record<string, string>> = {
  GLIBC_TUNABLES,
  GODEBUG: "cpu.all=off",
  LC_ALL: "C",
  LANG: "C",
  TZ: "UTC",
  PYTHONHASHSEED: "0",
  PERL_HASH_SEED: "0",
  // threads take turns, which is different each time; sort(1) heeds OpenMP's, too
  ...{ OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", MKL_NUM_THREADS: "1" },
  ...{ GOMAXPROCS: "1", RAYON_NUM_THREADS: "1", TOKIO_WORKER_THREADS: "1" },
};

/** Variables that keep their values: without them programs are not found. */
const KEPT = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"];

/**
 * Returns the names of the variables that every command has under valgrind, with those in `keep`, in order. A variable that
 * would have a value of ours, but keeps the user's, is marked: `LC_ALL (kept)`.
 */
export function pinnedVariables(keep: readonly string[]): string[] {
  const pinned = Object.keys(PINNED).map((name) => keep.includes(name) ? `${name} (kept)` : name);
  return [...new Set([...pinned, ...KEPT, ...keep.filter((name) => !(name in PINNED))])].sort();
}

/** Words for what is pinned, for people. */
export const PINNED_PARTS =
  "the environment, the locale, hash seeds, threads, and what glibc and Go make of the CPU";

/** Variable that fills the environment up, and to what the bytes of all strings together come. */
const PAD = "PMUCTL_PAD", TOTAL_BYTES = 1 << 13;

/**
 * Returns the environment for a command: a few variables of this process's and those named in `keep`, others with values
 * of ours, and one that makes the strings at the start of the stack as long as those of any other command, so that the
 * stack begins at the same place.
 * @param valueOf returns this process's value of a variable.
 */
export function pinnedEnvironment(
  command: readonly string[],
  keep: readonly string[],
  valueOf: (name: string) => string | undefined,
): Record<string, string> {
  const kept = [...KEPT, ...keep].flatMap((name) => {
    const value = valueOf(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const variables = Object.entries({ ...PINNED, ...Object.fromEntries(kept) }).sort(([a], [b]) =>
    a < b ? -1 : 1
  );
  const encoder = new TextEncoder();
  const sizeOf = (text: string) => encoder.encode(text).length + 1;
  const used = [...command, command[0], `${PAD}=`, ...variables.map(([name, value]) => `${name}=${value}`)]
    .reduce((sum, text) => sum + sizeOf(text), 0);
  const pad = (TOTAL_BYTES - used % TOTAL_BYTES) % TOTAL_BYTES;
  return Object.fromEntries([...variables, [PAD, "x".repeat(pad)]]);
}
