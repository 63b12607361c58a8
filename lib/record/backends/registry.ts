/**
 * Registry of backends by name, best first, with one owner at a time, as in tprof. Refusals are UnsupportedErrors with
 * the errno that tprof gives.
 */

import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError, UsageError } from "../../base/system/errors.ts";
import { rateText } from "../../events/attr.ts";
import { isRestricted } from "../../events/fallback.ts";
import type { OpenRequest, Standing } from "../../events/open.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import type { SampledEvent } from "../../perfdata/own/session_info.ts";
import type { EventOnCpus, EventScope } from "../open/open_on_cpus.ts";
import { BACKEND_VERSION, type Operations } from "./backend.ts";

/** Backend under the name that it was registered by. */
export interface Backend extends Operations {
  readonly name: string;
}

/** Registered backends. `open()` makes the caller their owner. */
export class BackendRegistry {
  /** Backends in the order they were registered; earlier ones are preferred. */
  readonly #backends = new Map<string, Backend>();
  #owner: BackendOwner | undefined;

  /** Adds a backend behind those there are. Throws EINVAL for another version, EEXIST for a name that is taken. */
  register(name: string, version: number, operations: Operations): void {
    const attempt = `register backend ${name}`;
    if (version !== BACKEND_VERSION) {
      const cause = `it implements version ${version} of the interface, not ${BACKEND_VERSION}`;
      refuse(ERRNO.EINVAL, attempt, cause, "build it with this pmuctl's sources");
    }
    if (this.#backends.has(name)) {
      refuse(
        ERRNO.EEXIST,
        attempt,
        "the name is taken",
        "unregister that backend first, or choose another name",
      );
    }
    this.#backends.set(name, { ...operations, name });
  }

  /** Removes a backend. Throws ENOENT when there is none of that name, EBUSY while it is in use. */
  unregister(name: string): void {
    const attempt = `unregister backend ${name}`;
    if (!this.#backends.has(name)) refuse(ERRNO.ENOENT, attempt, "no backend has that name", this.known());
    if (this.#owner?.uses(name)) refuse(ERRNO.EBUSY, attempt, "it is in use", "end the recording first");
    this.#backends.delete(name);
  }

  /** Returns all backends, preferred first. */
  all(): Backend[] {
    return [...this.#backends.values()];
  }

  /** Returns the names for a message: `there are perf, clock`. */
  known(): string {
    return this.#backends.size > 0 ? `there are ${[...this.#backends.keys()].join(", ")}` : "there are none";
  }

  /** Makes the caller the owner, until it closes. Throws EBUSY when there is one. */
  open(): BackendOwner {
    if (this.#owner) {
      refuse(ERRNO.EBUSY, "open the backends", "another recording of this process uses them", "end it first");
    }
    return this.#owner = new BackendOwner(this, () => this.#owner = undefined);
  }
}

function refuse(errno: number, attempt: string, cause: string, remedy: string): never {
  throw new UnsupportedError({ attempt, cause, remedy }, errno);
}

/** Backend that was chosen for an event. */
export interface BackendChoice {
  backend: string;
  /** Event that was asked for, when another one stands in for it. */
  insteadOf?: string;
}

/** Event that a backend samples. */
export interface Sampler extends EventOnCpus {
  choice: BackendChoice;
}

/** Options of opening an event with a backend. */
export interface BackendOpenOptions {
  where: EventScope;
  standing: Standing;
  /** Name of the only backend to try; undefined leaves the choice. */
  insist?: string;
}

/** Owner of the backends, made by BackendRegistry.open(): opens, starts and stops events with them. */
export class BackendOwner {
  readonly #registry: BackendRegistry;
  readonly #closed: () => void;
  #samplers: { backend: Backend; opened: EventOnCpus }[] = [];
  #running = false;

  constructor(registry: BackendRegistry, closed: () => void) {
    this.#registry = registry;
    this.#closed = closed;
  }

  /** Whether the events sample. */
  get running(): boolean {
    return this.#running;
  }

  /** Returns whether an event was opened with that backend. */
  uses(name: string): boolean {
    return this.#samplers.some(({ backend }) => backend.name === name);
  }

  /**
   * Opens the event with the first backend that can, and notes when another event stands in for it. Throws UsageError for
   * an unknown backend, and for one that does not sample such an event; ENOENT when there are no backends; otherwise
   * the error of the preferred one.
   */
  openEvent(wanted: OpenRequest, options: BackendOpenOptions, note: (line: string) => void): Sampler {
    const { where, standing, insist } = options;
    const { event } = wanted;
    let refusal: UnsupportedError | undefined;
    for (const { backend, sampled } of this.#candidates(event, insist)) {
      let opened: EventOnCpus;
      try {
        opened = backend.open({ ...wanted, event: sampled }, where, standing, note);
      } catch (error) {
        if (!(error instanceof UnsupportedError) || !hasNoCounter(error.errno, event)) throw error;
        refusal ??= error;
        continue;
      }
      if (sampled !== event && refusal) {
        const { paranoid } = standing.privilege;
        const userOnly = isRestricted(sampled, opened.event)
          ? `, in user space only (perf_event_paranoid is ${paranoid ?? "unknown"})`
          : "";
        note(
          `${event.name} is not supported here (no hardware PMU for it); using ${opened.event.name}${userOnly}`,
        );
      }
      this.#samplers.push({ backend, opened });
      const choice = { backend: backend.name, ...(sampled !== event ? { insteadOf: event.name } : {}) };
      return { ...opened, choice };
    }
    throw insist === undefined ? refusal : withRemedy(refusal!, "leave --backend out, and another is chosen");
  }

  /** Forgets events that the caller closes without starting them. */
  forget(dropped: readonly EventOnCpus[]): void {
    this.#samplers = this.#samplers.filter(({ opened }) =>
      !dropped.some(({ places }) => places === opened.places)
    );
  }

  /** Starts all events; with `onExec` the kernel does that by itself. Throws EBUSY while they run, ENOENT without events. */
  start(how: { onExec: boolean } = { onExec: false }): void {
    const attempt = "start sampling";
    if (this.#running) refuse(ERRNO.EBUSY, attempt, "it is running already", "stop it first");
    if (this.#samplers.length === 0) {
      refuse(ERRNO.ENOENT, attempt, "no backend has an event open", this.#registry.known());
    }
    if (!how.onExec) { for (const { backend, opened } of this.#samplers) backend.start(opened); }
    this.#running = true;
  }

  /** Stops all events, if they run. */
  stop(): void {
    if (!this.#running) return;
    for (const { backend, opened } of this.#samplers) backend.stop(opened);
    this.#running = false;
  }

  /** Releases the backends to the next owner. The caller closes the events. */
  close(): void {
    this.#samplers = [];
    this.#running = false;
    this.#closed();
  }

  #candidates(event: ResolvedEvent, insist?: string): { backend: Backend; sampled: ResolvedEvent }[] {
    const backends = this.#registry.all();
    if (backends.length === 0) {
      const advice = { attempt: `sample ${event.name}`, cause: "no backend is registered" };
      throw new UnsupportedError(advice, ERRNO.ENOENT);
    }
    const allowed = backends.filter(({ name }) => insist === undefined || name === insist);
    if (allowed.length === 0) throw new UsageError(`--backend ${insist}: ${this.#registry.known()}`);
    const able = allowed.flatMap((backend) => {
      const sampled = backend.sampled(event);
      return sampled ? [{ backend, sampled }] : [];
    });
    if (able.length > 0) return able;
    const others = backends.filter((backend) => backend.sampled(event)).map(({ name }) => name);
    throw new UsageError(
      `--backend ${insist}: it samples by ${allowed[0].what}, which cannot sample ${event.name}: ` +
        (others.length ? `use --backend ${others.join(" or ")}, or leave it out` : "leave it out"),
    );
  }
}

/** Returns whether an errno means that nothing here can count or interrupt for the event. */
function hasNoCounter(errno: number, event: ResolvedEvent): boolean {
  const { ENOENT, ENXIO, ENODEV, EOPNOTSUPP } = ERRNO;
  if (errno === ENOENT || errno === ENXIO || errno === ENODEV) return true;
  // EOPNOTSUPP for an event with a precision is about the precision
  return errno === EOPNOTSUPP && (event.preciseMax || event.attr.preciseIp === 0);
}

function withRemedy({ advice, errno }: UnsupportedError, remedy: string): UnsupportedError {
  return new UnsupportedError({ ...advice, remedy }, errno);
}

/** Returns the events that sample, without the tracker. */
export function samplersOf(opened: readonly EventOnCpus[]): Sampler[] {
  return opened.filter((each): each is Sampler => "choice" in each);
}

/** Returns whether there is a tracker, which reports maps and names before the others are enabled. */
export function tracks(opened: readonly EventOnCpus[]): boolean {
  return opened.length > samplersOf(opened).length;
}

/** Describes what is sampled, for the file and for messages. */
export function describeSamplers(opened: readonly EventOnCpus[]): SampledEvent[] {
  return samplersOf(opened).map(({ event, attr, choice }) => ({
    name: event.name,
    rate: rateText(attr),
    ...choice,
  }));
}
