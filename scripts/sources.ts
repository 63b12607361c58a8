/** The sources of the program, for scripts that check them. */

/** Lists the files of the program, main.ts and those below lib and ffi, as paths from the root. */
export function* programFiles(root: string): Generator<string> {
  yield "main.ts";
  yield* filesBelow(root, "lib");
  yield* filesBelow(root, "ffi");
}

/** Lists the files below a folder, as paths from the root. */
export function* filesBelow(root: string, folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(`${root}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesBelow(root, path);
    else yield path;
  }
}

/** Reads the TypeScript files among these: text by path. */
export function readSources(root: string, paths: Iterable<string>): Map<string, string> {
  const sources = [...paths].filter((path) => path.endsWith(".ts"));
  return new Map(sources.map((path) => [path, Deno.readTextFileSync(`${root}/${path}`)]));
}
