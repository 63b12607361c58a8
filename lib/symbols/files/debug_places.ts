/** Places where debug files are looked for. */

import type { OpenPolicy } from "../../base/files/guarded_open.ts";
import { buildIdCache } from "./build_id_cache.ts";
import { type ServedKind, servedPath } from "./debuginfod_cache.ts";

/** Possible place of a debug file, and who may own it. */
export interface DebugPlace extends OpenPolicy {
  path: string;
  root: string;
}

/**
 * Yields the places of debug files: by build id, by the name in .gnu_debuglink in the three places of gdb, then where
 * perf also looks, and what debuginfod has downloaded.
 */
export function* debugPlaces(
  path: string,
  { buildId, debugLink, root }: { buildId?: string; debugLink?: string; root: string },
): Generator<DebugPlace> {
  yield* placesOfBuild(buildId, root);
  const folder = path.slice(0, path.lastIndexOf("/"));
  // the program chooses this name, so it must be a plain file name
  if (debugLink && !debugLink.includes("/")) {
    yield { root, path: `${folder}/${debugLink}` };
    yield { root, path: `${folder}/.debug/${debugLink}` };
    yield { root, path: `/usr/lib/debug${folder}/${debugLink}` };
  }
  if (path.startsWith("/")) {
    yield { root, path: `/usr/lib/debug${path}.debug` };
    yield { root, path: `/usr/lib/debug${path}` };
  }
}

/**
 * Yields the places of a file that the debug information in the file `of` refers to: by its build id, and by its path,
 * which is relative to the folder of `of` or absolute.
 */
export function* referredPlaces(
  of: string,
  { buildId, path, root }: { buildId?: string; path: string; root: string },
): Generator<DebugPlace> {
  yield* placesOfBuild(buildId, root);
  yield { root, path: path.startsWith("/") ? path : `${of.slice(0, of.lastIndexOf("/"))}/${path}` };
}

/** Yields the places of debug files with a build id. */
export function* placesOfBuild(buildId: string | undefined, root: string): Generator<DebugPlace> {
  if (!buildId || buildId.length <= 2) return;
  const cached = { root: "", owners: [0, Deno.uid()!] };
  const inFolder = `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}`;
  yield { root, path: `/usr/lib/debug/${inFolder}.debug` };
  const cache = buildIdCache();
  if (cache) yield { ...cached, path: `${cache}/${inFolder}/debug` };
  yield* servedPlaces(buildId, "debuginfo");
}

/** Yields the place of a file that a debuginfod server has sent. */
export function* servedPlaces(buildId: string, kind: ServedKind): Generator<DebugPlace> {
  const path = servedPath(buildId, kind);
  if (path !== undefined) yield { root: "", owners: [0, Deno.uid()!], path };
}
