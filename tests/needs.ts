/**
 * Tests that need something of the machine. What is missing fails the test in CI, where the set-up has to
 * provide it, and skips it loudly elsewhere: a skipped test never reads as passed.
 */

/** True when a command of this name is on PATH. */
export function hasCommand(name: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((dir) => {
    try {
      return Deno.statSync(`${dir}/${name}`).isFile;
    } catch {
      return false;
    }
  });
}

/** The commands Chromium goes by, in the order they are tried. */
export const CHROMIUM_NAMES: readonly string[] = ["chromium", "chromium-browser", "google-chrome"];

/** What a test may need: a name to say, and whether it is here. */
export const NEEDS = {
  perf: { what: "perf (apt-get install linux-perf)", here: () => hasCommand("perf") },
  cc: { what: "a C compiler (apt-get install gcc libc6-dev)", here: () => hasCommand("cc") },
  addr2line: { what: "addr2line (apt-get install binutils)", here: () => hasCommand("addr2line") },
  root: { what: "root", here: () => Deno.uid() === 0 },
  hyperfine: { what: "hyperfine (apt-get install hyperfine)", here: () => hasCommand("hyperfine") },
  valgrind: { what: "valgrind (apt-get install valgrind)", here: () => hasCommand("valgrind") },
  perl: { what: "perl (apt-get install perl)", here: () => hasCommand("perl") },
  chromium: {
    what: "Chromium (apt-get install chromium)",
    here: () => CHROMIUM_NAMES.some(hasCommand),
  },
  go: { what: "Go, for its pprof (apt-get install golang-go)", here: () => hasCommand("go") },
  make: { what: "make (apt-get install make)", here: () => hasCommand("make") },
  npm: { what: "npm (apt-get install npm)", here: () => hasCommand("npm") },
  btrfs: { what: "btrfs (apt-get install btrfs-progs)", here: () => hasCommand("btrfs") },
  setpriv: { what: "setpriv (apt-get install util-linux)", here: () => hasCommand("setpriv") },
} as const;

export type Need = keyof typeof NEEDS;

/** Deno.test for a test that needs `needs`. */
export function testNeeding(needs: readonly Need[], name: string, body: () => void | Promise<void>): void {
  const missing = needs.filter((need) => !NEEDS[need].here()).map((need) => NEEDS[need].what);
  testUnless(missing.length > 0 && `it needs ${missing.join(", ")}`, name, body);
}

/** Deno.test for a test that cannot be made where `hindrance` says why not. */
export function testUnless(
  hindrance: string | false,
  name: string,
  body: () => void | Promise<void>,
): void {
  if (hindrance === false) {
    Deno.test(name, body);
  } else if (Deno.env.get("CI")) {
    Deno.test(name, () => {
      throw new Error(`this test cannot be skipped in CI: ${hindrance}`);
    });
  } else {
    console.error(`SKIP ${name}: ${hindrance}`);
    Deno.test({ name, ignore: true, fn: body });
  }
}
