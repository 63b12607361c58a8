/** `--help` of the scripts, on a copy of them where nothing is set up and nothing can be installed. */

import { assert, assertEquals, assertMatch } from "@std/assert";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** Lists the scripts that people run, by path from the checkout. */
function scripts(): string[] {
  return ["scripts", "scripts/pmu-guest"].flatMap((folder) =>
    Array.from(Deno.readDirSync(`${ROOT}/${folder}`), ({ name }) => `${folder}/${name}`)
  ).filter((path) => {
    const { isFile, mode } = Deno.statSync(`${ROOT}/${path}`);
    return isFile && (mode! & 0o100) !== 0 && path !== "scripts/pmu-guest/init"; // the guest's first process
  }).sort();
}

/** Copies the scripts to a fresh folder; every command that could fetch or install something leaves a trace there. */
function copyOfScripts(): string {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-help-" });
  for (const dir of ["scripts/pmu-guest", "bin", "elsewhere"]) {
    Deno.mkdirSync(`${folder}/${dir}`, { recursive: true });
  }
  for (const path of [...scripts(), "scripts/common.sh"]) {
    Deno.copyFileSync(`${ROOT}/${path}`, `${folder}/${path}`);
  }
  for (const name of ["apt-get", "npm", "pip", "deno", "python3", "sudo", "cc", "curl"]) {
    Deno.writeTextFileSync(`${folder}/bin/${name}`, `#!/bin/sh\n: >"${folder}/ran-${name}"\n`, {
      mode: 0o755,
    });
  }
  return folder;
}

function filesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) =>
    isDirectory ? [name, ...filesIn(`${folder}/${name}`).map((path) => `${name}/${path}`)] : [name]
  ).sort();
}

for (const option of ["--help", "-h"]) {
  Deno.test(`each script answers ${option} with what it is for, and installs and makes nothing`, async () => {
    const folder = copyOfScripts();
    const before = filesIn(folder);
    const names = scripts();
    assert(names.length > 15, names.join());
    for (const path of names) {
      const { code, stdout, stderr } = await new Deno.Command(`${folder}/${path}`, {
        args: [option],
        cwd: `${folder}/elsewhere`,
        env: { PATH: `${folder}/bin:/usr/bin:/bin`, HOME: folder },
        clearEnv: true,
        stdin: "null",
      }).output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assertEquals([code, err], [0, ""], path);
      assertMatch(out, /^\w.{20,}/, path);
      assert(!out.includes("set -eu"), path);
      assertEquals(filesIn(folder), before, path);
    }
    await Deno.remove(folder, { recursive: true });
  });
}
