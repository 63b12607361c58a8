/**
 * Registry of the bound sets: a folder with their sockets. A holder that was killed leaves its socket behind, and
 * whoever finds it there removes it.
 *
 * Sockets are created, and stale ones removed, only under the folder's lock, so that a clean-up never removes the
 * socket of a set that was bound in the meantime. A holder that ends by itself removes its own socket while it still
 * listens, when nobody can mistake it for a stale one.
 */

import { EXIT } from "../../base/system/errors.ts";
import { HOLD_COMMAND, type ProtocolReply, type ProtocolRequest, type SetAnswer } from "./protocol.ts";
import { isSetName, SOCKET, socketPath } from "./runtime_folder.ts";
import { ask, type AskResult } from "./socket.ts";
import { SetError } from "../open/states.ts";

/** Time limit for an answer, in ms. */
const ANSWER_MS = 5000;
const ROLL_CALL_MS = 1500;
/** Time limit for the lock when binding, in ms. Another bind holds it while its process starts. */
const LOCK_MS = 30_000;
/** Time limit for the lock when only cleaning up, in ms. Stale sockets can wait until the next time. */
const CLEAN_LOCK_MS = 2000;

/** State of a name in the registry. */
export type RegistryEntry =
  | { name: string; answer: SetAnswer }
  /** Holder that does not answer properly, and why. */
  | { name: string; problem: string };

/** Lock on the folder, held until released. */
export interface RegistryLock {
  release(): void;
}

/** Registry of one user's sets. */
export class Registry {
  readonly folder: string;

  /** `folder` exists, and has been checked. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Sends a request to a set's holder and returns its answer. `attempt` completes `cannot ...`; `held` is the lock,
   * if held. Throws SetError: EINVAL when there is no such set or it refuses, EAGAIN when the set is invalid,
   * ETIMEDOUT when its holder does not answer.
   */
  async ask(
    name: string,
    request: ProtocolRequest,
    attempt: string,
    held?: RegistryLock,
  ): Promise<SetAnswer> {
    const path = socketPath(this.folder, name);
    for (let tries = 0; tries < 3; tries++) {
      const asked = await ask(path, request, ANSWER_MS);
      if ("reply" in asked) return accepted(asked.reply, attempt);
      switch (asked.failure) {
        case "absent":
          throw noSuchSet(attempt);
        case "dead":
          if (!await this.clean(name, held)) continue; // bound again in the meantime
          throw diedUnder(attempt);
        case "broken":
          continue; // ended while we asked; its socket is dealt with next
        case "silent":
        case "strange":
          throw new SetError(attempt, {
            errno: "ETIMEDOUT",
            cause: asked.detail ?? `its holder did not answer within ${ANSWER_MS / 1000} s`,
            remedy: `end its process with kill -9: ps shows it as '${HOLD_COMMAND} ${name}'`,
          });
      }
    }
    throw diedUnder(attempt);
  }

  /** Returns all sets, by name. Skips holders that died, and removes their sockets. */
  async all(held?: RegistryLock): Promise<RegistryEntry[]> {
    const names = this.#names();
    const asked = await Promise.all(names.map((name) => this.#describe(name)));
    const dead = names.filter((_, i) => isDead(asked[i]));
    if (dead.length > 0) await this.#cleanAll(dead, held);
    return names.flatMap((name, i) => entryOf(name, asked[i]) ?? []);
  }

  /** Removes what a dead holder left. Returns false when a living one has the name now. */
  async clean(name: string, held?: RegistryLock): Promise<boolean> {
    return (await this.#cleanAll([name], held)) === 0;
  }

  /** Takes the lock under which sets are bound. Throws SetError (EAGAIN) when others hold it too long. */
  async lock(attempt: string): Promise<RegistryLock> {
    const held = await this.#lock(LOCK_MS);
    if (held) return held;
    throw new SetError(attempt, {
      errno: "EAGAIN",
      cause: `another bind has held the lock for ${LOCK_MS / 1000} s`,
      remedy: "try again; 'ps' shows which pmuctl it is",
    });
  }

  /** Removes the sockets whose holders are dead. Returns how many remain. */
  async #cleanAll(names: readonly string[], alreadyHeld?: RegistryLock): Promise<number> {
    const held = alreadyHeld ?? await this.#lock(CLEAN_LOCK_MS);
    if (!held) return 0; // whoever is binding cleans up, too
    try {
      let alive = 0;
      for (const name of names) {
        const asked = await this.#describe(name); // again: under the lock, it cannot be bound anew
        if (isDead(asked)) removeIfThere(socketPath(this.folder, name));
        else if (!("failure" in asked) || asked.failure !== "absent") alive++;
      }
      return alive;
    } finally {
      if (!alreadyHeld) held.release();
    }
  }

  #describe(name: string): Promise<AskResult> {
    return ask(socketPath(this.folder, name), { do: "describe" }, ROLL_CALL_MS);
  }

  #names(): string[] {
    return Array.from(Deno.readDirSync(this.folder), (entry) => entry.name)
      .filter((file) => file.endsWith(SOCKET))
      .map((file) => file.slice(0, -SOCKET.length))
      .filter(isSetName)
      .sort();
  }

  /** Takes a flock(2), which the kernel releases when this process ends. Returns undefined when time runs out. */
  async #lock(limitMs: number): Promise<RegistryLock | undefined> {
    const file = await Deno.open(`${this.folder}/lock`, { create: true, write: true, mode: 0o600 });
    const { promise: expired, resolve } = Promise.withResolvers<false>();
    const limit = setTimeout(() => resolve(false), limitMs);
    const locked = file.lock(true).then(() => true);
    try {
      if (await Promise.race([locked, expired])) return { release: () => file.close() };
    } finally {
      clearTimeout(limit);
    }
    locked.then(() => file.close(), () => {}); // a pending lock cannot be cancelled, only released once it is granted
    return undefined;
  }
}

/** Returns the error for a set that does not exist: cpc's answer for a set that is not bound. */
export function noSuchSet(attempt: string): SetError {
  return new SetError(attempt, {
    errno: "EINVAL",
    cause: "there is no set of that name",
    remedy: "'pmuctl sets' lists them",
  });
}

/**
 * Returns the error for a set whose holder died during the request. It is not the caller's mistake, so the exit
 * status differs.
 */
function diedUnder(attempt: string): SetError {
  return new SetError(
    attempt,
    {
      errno: "EINVAL",
      cause: "its holder died, and its counts are lost",
      remedy: "bind it again",
    },
    EXIT.unsupported,
  );
}

function accepted(reply: ProtocolReply, attempt: string): SetAnswer {
  if ("ok" in reply) return reply.ok;
  throw new SetError(attempt, reply.refused);
}

function isDead(asked: AskResult): boolean {
  return "failure" in asked && asked.failure === "dead";
}

/** Returns the entry for a set; undefined for one that has gone. */
function entryOf(name: string, asked: AskResult): RegistryEntry | undefined {
  if ("reply" in asked) {
    return "ok" in asked.reply
      ? { name, answer: asked.reply.ok }
      : { name, problem: asked.reply.refused.cause };
  }
  if (asked.failure === "silent") return { name, problem: "its holder does not answer" };
  return asked.failure === "strange"
    ? { name, problem: asked.detail ?? "its answer makes no sense" }
    : undefined;
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
