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

/** Says that a command is missing, and which packages have it; false where it is here. */
function command(name: string, packages: string, purpose = ""): () => string | false {
  return () => !hasCommand(name) && `${name}${purpose} (apt-get install ${packages})`;
}

/** Mounts something and takes it away again. */
const MOUNT =
  'd=$(mktemp -d) && { mount -t tmpfs none "$d" && umount "$d"; ended=$?; rmdir "$d"; exit $ended; }';

/** What a test may need. Each says what is missing, or false. */
export const NEEDS = {
  perf: command("perf", "linux-perf"),
  cc: command("cc", "gcc libc6-dev"),
  addr2line: command("addr2line", "binutils"),
  binutils: command("objcopy", "binutils"),
  hyperfine: command("hyperfine", "hyperfine"),
  valgrind: command("valgrind", "valgrind"),
  perl: command("perl", "perl"),
  chromium: () => !CHROMIUM_NAMES.some(hasCommand) && "Chromium (apt-get install chromium)",
  cxx: command("g++", "g++"),
  clang: command("clang++", "clang"),
  rustc: command("rustc", "rustc"),
  llvm: command("llvm-symbolizer", "llvm"),
  lld: command("ld.lld", "lld"),
  dwz: command("dwz", "dwz"),
  debuginfod: command("debuginfod", "debuginfod"),
  openssl: command("openssl", "openssl"),
  go: command("go", "golang-go", ", for its pprof"),
  make: command("make", "make"),
  git: command("git", "git"),
  curl: command("curl", "curl"),
  jq: command("jq", "jq"),
  node: command("node", "nodejs"),
  npm: command("npm", "npm"),
  btrfs: () =>
    command("btrfs", "btrfs-progs")() || !hasBtrfsAndLoops() && "a kernel with btrfs and loop devices",
  setpriv: command("setpriv", "util-linux"),
  script: command("script", "bsdutils"),
  zsh: command("zsh", "zsh"),
  fish: command("fish", "fish"),
  man: command("man", "man-db groff-base"),
  xz: command("xz", "xz-utils"),
  engines: () =>
    command("python3", "python3")() ||
    !isFolder(enginesFolder("engines-1")) && "DuckDB and chDB (scripts/setup-engines)",
  zstd: command("zstd", "zstd"),
  root: () => Deno.uid() !== 0 && "root",
  kernelEvents: () =>
    Deno.uid() !== 0 && paranoia() > 1 &&
    "events of the kernel (as root, or with kernel.perf_event_paranoid at 1 or lower)",
  otherUser: () => NEEDS.root() || NEEDS.setpriv() || closedToOthers(),
  mounts: () => NEEDS.root() || refusal("mounting", MOUNT),
  mountNamespace: () => NEEDS.root() || refusal("mount namespaces", "unshare --mount true"),
} as const;

/** Returns the folder in which scripts/setup-engines puts Python packages. */
export function enginesFolder(name: string): string {
  return `${Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME")}/.cache`}/pmuctl-engines/${name}`;
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

export type Need = keyof typeof NEEDS;

/** The user without any rights that tests run pmuctl as, and setpriv's options to be it. */
export const NOBODY = { uid: 65534, options: ["--reuid=65534", "--regid=65534", "--clear-groups"] } as const;

/** Names what keeps other users out of this checkout or of the folder for temporary files; false where nothing does. */
function closedToOthers(): string | false {
  const root = new URL("..", import.meta.url).pathname;
  const program = Deno.env.get("PMUCTL") ?? `${root}scripts/pmuctl`;
  for (const path of [program, `${root}main.ts`, `${Deno.env.get("TMPDIR") ?? "/tmp"}/`]) {
    // Folders on the way can be passed through, and the file at its end can be read.
    const folders = Array.from(path.matchAll(/\//g), ({ index }) => path.slice(0, index) || "/");
    const closed = folders.find((folder) => (Deno.statSync(folder).mode! & 0o1) === 0) ??
      ((Deno.statSync(path).mode! & 0o4) === 0 ? path : undefined);
    if (closed) return `a checkout and a TMPDIR that other users may read, and ${closed} keeps them out`;
  }
  return false;
}

/** What the kernel keeps from users without rights: above 1 what happens in the kernel. Infinity where that is unknown. */
function paranoia(): number {
  try {
    return Number(Deno.readTextFileSync("/proc/sys/kernel/perf_event_paranoid"));
  } catch {
    return Infinity;
  }
}

function hasBtrfsAndLoops(): boolean {
  try {
    Deno.statSync("/dev/loop-control");
    return Deno.readTextFileSync("/proc/filesystems").split("\n").includes("\tbtrfs");
  } catch {
    return false;
  }
}

/** Why root, too, is refused what the shell script does; false where it is not. */
function refusal(what: string, script: string): string | false {
  const { success, stderr } = new Deno.Command("sh", { args: ["-c", script] }).outputSync();
  return !success && `${what}, which is refused here: ${new TextDecoder().decode(stderr).trim()}`;
}

/** Names what is missing of `needs`; false where all is here. */
export function missing(needs: readonly Need[]): string | false {
  const all = new Set(needs.map((need) => NEEDS[need]()).filter((what) => what !== false));
  return all.size > 0 && `it needs ${[...all].join(", ")}`;
}

/** Deno.test for a test that needs `needs`. */
export function testNeeding(needs: readonly Need[], name: string, body: () => void | Promise<void>): void {
  testUnless(missing(needs), name, body);
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
