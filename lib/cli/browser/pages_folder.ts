/** Folder for the pages that `--open` shows. */

import { makePrivateFolder } from "../../base/files/private_folder.ts";
import { UnsupportedError } from "../../base/system/errors.ts";

/** Pages that stay in the folder: the oldest go. */
const MAX_PAGES = 20;
const NAME = /^report-[0-9TZ-]+\.(?:html|svg)$/;

/**
 * Returns a new name for a page in a folder below `cache`, this user's cache folder, which it makes. Throws
 * UnsupportedError.
 */
export function newPage(cache: string | undefined, suffix: "html" | "svg", now = new Date()): string {
  const folder = cache && `${cache}/pages`;
  const refused = (cause: string) =>
    new UnsupportedError({ attempt: "keep a page to open", cause, remedy: "name a file with -o" });
  if (folder === undefined) throw refused("there is no home folder");
  try {
    const unsafe = makePrivateFolder(folder);
    if (unsafe) throw refused(unsafe.cause);
    removeOldest(folder);
  } catch (error) {
    if (
      !(error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotFound ||
        error instanceof Error && "code" in error)
    ) {
      throw error;
    }
    throw refused(`${folder} cannot be made`);
  }
  return `${folder}/report-${now.toISOString().replace(/[:.]/g, "-")}.${suffix}`;
}

/** Makes room for another page. Names are in the order of their times. */
function removeOldest(folder: string): void {
  const pages = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => NAME.test(name))
    .sort();
  for (const name of pages.slice(0, Math.max(0, pages.length - MAX_PAGES + 1))) {
    Deno.removeSync(`${folder}/${name}`);
  }
}
