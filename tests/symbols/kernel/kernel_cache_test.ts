import { assert, assertEquals } from "@std/assert";
import { KernelCache, loadedKernel } from "../../../lib/symbols/kernel/kernel_cache.ts";
import { type KernelSymbols, parseKallsyms } from "../../../lib/symbols/kernel/kallsyms.ts";

const LIST = new TextEncoder().encode(
  [
    "ffffffff81000000 T _text",
    "ffffffff81000000 T _stext",
    "ffffffff81000040 t alias_a",
    "ffffffff81000040 T alias_b",
    "ffffffff81000080 T last",
    "ffffffffc0201000 t nf_hook_slow\t[netfilter]",
    "",
  ].join("\n"),
);
const HIDDEN = new TextEncoder().encode("0000000000000000 T _text\n0000000000000000 T last\n");

/** All that can be asked of the symbols. */
function contents({ hidden, tables, reference }: KernelSymbols) {
  return {
    hidden,
    tables: [...tables].map(([name, table]) => ({
      name,
      symbols: Array.from(table.starts, (start, i) => [table.name(i), start, table.ends[i]]),
    })),
    references: ["_text", "_stext", "none"].map(reference),
  };
}

/** Runs `body` with a folder that does not exist yet. */
function withFolder(body: (folder: string) => void) {
  const parent = Deno.makeTempDirSync();
  try {
    body(`${parent}/caches/pmuctl`);
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

const boot = () => "one boot";

Deno.test("KernelCache gives what it has parsed, for this user alone to read", () => {
  withFolder((folder) => {
    const expected = contents(parseKallsyms(LIST));
    assertEquals(new KernelCache(folder, boot).read(), undefined);
    assertEquals(contents(new KernelCache(folder, boot).parse(LIST)), expected);
    assertEquals(contents(new KernelCache(folder, boot).read()!), expected);
    assertEquals(Deno.statSync(folder).mode! & 0o777, 0o700);
    const files = [...Deno.readDirSync(folder)].map(({ name }) => name);
    assertEquals(files.length, 1);
    assertEquals(Deno.statSync(`${folder}/${files[0]}`).mode! & 0o777, 0o600);
  });
});

Deno.test("KernelCache gives nothing for another boot or other modules, and then keeps theirs", () => {
  withFolder((folder) => {
    new KernelCache(folder, boot).parse(LIST);
    const other = new KernelCache(folder, () => "another boot");
    assertEquals(other.read(), undefined);
    other.parse(LIST);
    assert(other.read());
    assertEquals(new KernelCache(folder, boot).read(), undefined);
  });
});

Deno.test("KernelCache keeps nothing where addresses are hidden, or modules came while the list was read", () => {
  withFolder((folder) => {
    assert(new KernelCache(folder, boot).parse(HIDDEN).hidden);
    let asked = 0;
    new KernelCache(folder, () => `${asked++}`).parse(LIST);
    new KernelCache(folder, () => undefined).parse(LIST);
    assertEquals(new KernelCache(folder, boot).read(), undefined);
    assertEquals(new KernelCache(folder, () => "0").read(), undefined);
  });
});

Deno.test("KernelCache neither trusts nor fills a folder or a file that others can look into", () => {
  withFolder((folder) => {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o755 });
    new KernelCache(folder, boot).parse(LIST);
    assertEquals([...Deno.readDirSync(folder)], []);
    Deno.chmodSync(folder, 0o700);
    new KernelCache(folder, boot).parse(LIST);
    assert(new KernelCache(folder, boot).read());
    Deno.chmodSync(folder, 0o750);
    assertEquals(new KernelCache(folder, boot).read(), undefined);
    Deno.chmodSync(folder, 0o700);
    for (const { name } of Deno.readDirSync(folder)) Deno.chmodSync(`${folder}/${name}`, 0o644);
    assertEquals(new KernelCache(folder, boot).read(), undefined);
  });
});

Deno.test("KernelCache takes a file that is cut short or something else for none", () => {
  withFolder((folder) => {
    new KernelCache(folder, boot).parse(LIST);
    const [{ name }] = [...Deno.readDirSync(folder)];
    const whole = Deno.readFileSync(`${folder}/${name}`);
    for (let size = 0; size < whole.length; size += 7) {
      Deno.writeFileSync(`${folder}/${name}`, whole.subarray(0, size));
      assertEquals(new KernelCache(folder, boot).read(), undefined, `${size} bytes`);
    }
    for (const [member, other] of [['"references"', '"referencez"'], ['"tables":[{', '"tables":[7,']]) {
      const text = new TextDecoder("latin1").decode(whole);
      assert(text.includes(member));
      const changed = Uint8Array.from(text.replace(member, other), (letter) => letter.charCodeAt(0));
      Deno.writeFileSync(`${folder}/${name}`, changed);
      assertEquals(new KernelCache(folder, boot).read(), undefined, member);
    }
    Deno.writeFileSync(`${folder}/${name}`, LIST);
    assertEquals(new KernelCache(folder, boot).read(), undefined);
    Deno.writeFileSync(`${folder}/${name}`, whole);
    assert(new KernelCache(folder, boot).read());
  });
});

Deno.test("KernelCache goes on without a folder where it can make none", () => {
  const symbols = new KernelCache("/proc/none/pmuctl", boot).parse(LIST);
  assertEquals(contents(symbols), contents(parseKallsyms(LIST)));
});

Deno.test("loadedKernel() is the same twice, and names the boot", () => {
  const loaded = loadedKernel();
  assertEquals(loaded, loadedKernel());
  assert(loaded?.startsWith(Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim()));
});
