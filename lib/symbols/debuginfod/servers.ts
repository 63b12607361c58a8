/**
 * Servers of debug files, and limits on what they may send, from the environment variables of elfutils'
 * debuginfod-client-config(7).
 */

import { BadInputError, UsageError } from "../../base/system/errors.ts";
import { readNamedText } from "../../base/files/file_bytes.ts";

/** Servers to ask, and limits. Times in ms; 0 stands for no limit. */
export interface DebugServers {
  /** Prefixes of URLs, without a slash at the end. */
  urls: string[];
  /** Headers to send to the servers, but not to those that they redirect to. */
  headers: [name: string, value: string][];
  /** Time in which a server has to send 100 KiB. */
  timeout: number;
  /** Time that one file may take. */
  maxTime: number;
  /** Time that all files of a report may take. */
  maxTotalTime: number;
  /** Bytes of one file. */
  maxBytes: number;
  /** Bytes of all files of a report. */
  maxTotalBytes: number;
}

/** Default of DEBUGINFOD_TIMEOUT in s. */
const TIMEOUT = 90;
/** Limits of a report where DEBUGINFOD_MAXTIME and DEBUGINFOD_MAXSIZE are not set, which elfutils has none for. */
const MAX_TOTAL_TIME = 600_000, MAX_BYTES = 2 ** 31, MAX_TOTAL_BYTES = 2 ** 32;
/** Most servers that are asked. */
const MAX_SERVERS = 8;

/** Environment variables. */
type Env = (name: string) => string | undefined;

/**
 * Returns the servers to ask: those at `named`, else those in DEBUGINFOD_URLS; undefined if there are none. URLs in the
 * variable that cannot be used are named in `unusable`, and may be all. Throws UsageError for one in `named`, and for a limit
 * that is no number; BadInputError if the file named by DEBUGINFOD_HEADERS_FILE cannot be read.
 */
export function debugServers(
  named: readonly string[],
  env: Env,
): { servers: DebugServers; unusable: string[] } | undefined {
  const words = (named.length > 0 ? named.join(" ") : env("DEBUGINFOD_URLS") ?? "").split(/\s+/).filter(
    Boolean,
  );
  if (words.length === 0) return undefined;
  const urls = new Set<string>(), unusable: string[] = [];
  for (const word of words) {
    const problem = urlProblem(word) ??
      (urls.size === MAX_SERVERS ? `no more than ${MAX_SERVERS} servers are asked` : undefined);
    if (problem === undefined) urls.add(word.replace(/\/+$/, ""));
    else if (named.length > 0) throw new UsageError(`--debuginfod ${withoutPassword(word)}: ${problem}`);
    else unusable.push(`DEBUGINFOD_URLS: ${withoutPassword(word)}: ${problem}`);
  }
  const maxTime = seconds("DEBUGINFOD_MAXTIME", env), maxBytes = numberIn("DEBUGINFOD_MAXSIZE", env);
  const servers = {
    urls: [...urls],
    headers: headersIn(env("DEBUGINFOD_HEADERS_FILE")),
    timeout: seconds("DEBUGINFOD_TIMEOUT", env) ?? TIMEOUT * 1000,
    maxTime: maxTime ?? 0,
    maxTotalTime: maxTime === undefined ? MAX_TOTAL_TIME : 0,
    maxBytes: maxBytes ?? MAX_BYTES,
    maxTotalBytes: maxBytes === undefined ? MAX_TOTAL_BYTES : 0,
  };
  return { servers, unusable };
}

/** Returns a URL without user name and password, for messages. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/@]*@/i, "$1");
}

/** Returns why no server is asked at a URL; undefined if one is. */
function urlProblem(text: string): string | undefined {
  if (/^ima:/.test(text)) return "signatures of files (IMA) are not checked here";
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return "not a URL: expected http://HOST or https://HOST";
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return "only http:// and https:// are used";
  return url.search || url.hash ? "a URL with ? or # is no prefix" : undefined;
}

function seconds(name: string, env: Env): number | undefined {
  const value = numberIn(name, env);
  return value === undefined ? undefined : value * 1000;
}

/** Returns the number in a variable; 0, no limit, for a negative one. */
function numberIn(name: string, env: Env): number | undefined {
  const text = env(name);
  if (text === undefined || text === "") return undefined;
  if (!/^\s*-?\d{1,15}\s*$/.test(text)) {
    throw new UsageError(`cannot take ${name}=${text}: expected a number`);
  }
  return Math.max(0, Number(text));
}

/** Reads headers, one `NAME: VALUE` a line. */
function headersIn(path: string | undefined): [string, string][] {
  if (!path) return [];
  const text = readNamedText(path);
  if (typeof text !== "string") {
    throw new BadInputError(`cannot read ${path} (DEBUGINFOD_HEADERS_FILE): ${text.cause}`);
  }
  const lines = text.split(/\r?\n/).map((line) =>
    /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*\S)\s*$/.exec(line)
  );
  return lines.filter((found) => found !== null).map(([, name, value]) => [name, value]);
}
