/** A folder for files of this process alone, which goes with it. */

let folder: string | undefined;

/** The path of a file of this name in the folder, which is there from the first call on. */
export function ownPath(name: string): string {
  if (folder === undefined) {
    const made = folder = Deno.makeTempDirSync({ prefix: "pmuctl-fuzz-" }); // in what its parent removes, if it has one
    globalThis.addEventListener("unload", () => Deno.removeSync(made, { recursive: true }));
  }
  return `${folder}/${name}`;
}
