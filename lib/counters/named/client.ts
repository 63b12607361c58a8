/** Client side of named sets, shared by the commands: from a name on the command line to the set's answer. */

import { UsageError } from "../../base/system/errors.ts";
import type { ProtocolRequest, SetAnswer } from "./protocol.ts";
import { noSuchSet, Registry, type RegistryEntry } from "./registry.ts";
import { checkFolder, folderPath, isSetName } from "./runtime_folder.ts";
import { SetError } from "../open/states.ts";

/** Reads a variable of the environment. */
export type Env = (name: string) => string | undefined;

/** Returns `name` if it is valid as a set's name. Throws UsageError otherwise. */
export function checkedName(name: string): string {
  if (isSetName(name)) return name;
  throw new UsageError(
    `'${name}' cannot be a set's name: use 1 to 64 letters, digits, '.', '_' and '-'`,
  );
}

/**
 * Returns the arguments of a command that acts on a set, which takes a name and then `more`. Throws UsageError when
 * one is missing.
 */
export function setArguments(command: string, words: readonly string[], more: readonly string[]): string[] {
  const wanted = ["NAME", ...more];
  if (words.length < wanted.length) {
    throw new UsageError(
      `${command}: ${wanted[words.length]} is missing: pmuctl ${command} ${wanted.join(" ")}`,
    );
  }
  checkedName(words[0]);
  return [...words];
}

/**
 * Sends a request to one of this user's sets. `verb` completes `cannot ... set 'NAME'`. Throws as Registry.ask()
 * does.
 */
export async function askSet(
  name: string,
  request: ProtocolRequest,
  verb: string,
  env: Env,
): Promise<SetAnswer> {
  const attempt = `${verb} set '${name}'`;
  const registry = userRegistry(env);
  if (!registry) throw noSuchSet(attempt);
  return await registry.ask(name, request, attempt);
}

/** Returns all sets of this user. */
export async function listSets(env: Env): Promise<RegistryEntry[]> {
  return await userRegistry(env)?.all() ?? [];
}

/**
 * Returns the registry of this user's sets; undefined when there is none yet. Throws UnsupportedError when other
 * users can write to its folder.
 */
function userRegistry(env: Env): Registry | undefined {
  const uid = Deno.uid()!;
  const folder = folderPath(uid, env);
  return checkFolder(folder, uid) ? new Registry(folder) : undefined;
}

/**
 * Parses the number of a request and its preset, a u64 in decimal, hexadecimal (0x) or octal (0), as cpc accepts it.
 * Throws SetError (EINVAL).
 */
export function presetArguments(
  name: string,
  index: string,
  value: string,
): { index: number; value: bigint } {
  const refuse = (cause: string, remedy: string) => {
    throw new SetError(`preset set '${name}'`, { errno: "EINVAL", cause, remedy });
  };
  if (!/^\d{1,9}$/.test(index)) refuse(`'${index}' is not the number of a request`, "the first one is 0");
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(value) || /^0\d*[89]/.test(value)) {
    refuse(`'${value}' is not a value`, "write it in decimal, hexadecimal (0x...) or octal (0...)");
  }
  const number = BigInt(/^0\d/.test(value) ? `0o${value.slice(1)}` : value);
  if (number >> 64n) refuse(`${value} does not fit a counter`, "it has 64 bits");
  return { index: Number(index), value: number };
}
