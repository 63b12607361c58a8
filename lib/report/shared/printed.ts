/** Makes profiles safe to print to terminals and logs. */

import { printable } from "../../base/text/printable.ts";
import type { Profile, ProfileStacks } from "../../profile/model/profile.ts";

/** Returns the profile with all of its texts made `printable`. Renderers of text for people start with it. */
export function printedProfile(profile: Profile): Profile {
  const { meta, events, comms, objects, symbols, unresolved, lines } = profile;
  const { command, host, kernel, arch, cpu, sampling, stacks, warnings, notes } = meta;
  return {
    ...profile,
    meta: {
      ...meta,
      command: printable(command),
      host: printable(host),
      kernel: printable(kernel),
      arch: printable(arch),
      cpu: printable(cpu),
      sampling: sampling.map(({ name, rate, backend, insteadOf }) => ({
        name: printable(name),
        rate: printable(rate),
        backend: printable(backend),
        ...(insteadOf === undefined ? {} : { insteadOf: printable(insteadOf) }),
      })),
      ...(stacks === undefined ? {} : { stacks: printedStacks(stacks) }),
      warnings: warnings.map(printable),
      notes: notes.map(printable),
    },
    events: events.map((event) => ({ ...event, name: printable(event.name), rate: printable(event.rate) })),
    comms: comms.map(printable),
    objects: objects.map((object) => ({
      ...object,
      name: printable(object.name),
      path: printable(object.path),
    })),
    symbols: { ...symbols, name: symbols.name.map(printable) },
    unresolved: unresolved.map(({ object, cause, remedy, samples }) => ({
      object: printable(object),
      cause: printable(cause),
      remedy: printable(remedy),
      samples,
    })),
    ...(lines ? { lines: { ...lines, paths: lines.paths.map(printable) } } : {}),
  };
}

function printedStacks({ cut, ...counts }: ProfileStacks): ProfileStacks {
  return {
    ...counts,
    cut: cut.map(({ frame, object, remedy, ...row }) => ({
      ...row,
      frame: printable(frame),
      object: object === null ? null : printable(object),
      remedy: printable(remedy),
    })),
  };
}
