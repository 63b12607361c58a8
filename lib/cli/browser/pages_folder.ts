/** Folder for the pages that `--open` shows. */

import { makePrivateFolder, type UnsafeFolder } from "../../base/files/private_folder.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { refusal } from "../../base/system/system_error.ts";

/** Pages that stay in the folder: the oldest go. */
const MAX_PAGES = 20;
const NAME = /^report-[0-9TZ-]+\.(?:html|svg)$/;

/**
 * Returns a new name for a page in a folder below `cache`, this user's cache folder, which it makes. Throws
 * UnsupportedError.
 */
export function newPage(cache: string | undefined, suffix: "html" | "svg", now = new Date()): string {
  const folder = cache && `${cache}/pages`, attempt = "keep a page to open", remedy = "name a file with -o";
  const refuse = (cause: string) => new UnsupportedError({ attempt, cause, remedy });
  if (folder === undefined) throw refuse("there is no home folder");
  let unsafe: UnsafeFolder | undefined;
  try {
    unsafe = makePrivateFolder(folder);
    if (unsafe === undefined) removeOldest(folder);
  } catch (error) {
    throw refusal(attempt, error, remedy);
  }
  if (unsafe) throw refuse(unsafe.cause);
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
