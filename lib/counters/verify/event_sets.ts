/** Converts perf's event syntax (`-e`) to request sets. Modifiers of events become flags and attributes. */

import { append } from "../../base/bytes/lists.ts";
import { findGeneric } from "../../events/catalog.ts";
import {
  type EventRequest,
  parseEvents,
  type RequestGroup,
  syntaxError,
  type Term,
} from "../../events/grammar.ts";
import { type EventWorld, type ResolvedEvent, resolveEvents } from "../../events/resolve.ts";
import { attributesOfAttr, flagsOfAttr, type RequestSet, type SetRequest } from "./request_set.ts";

/**
 * Returns the sets of an event string such as `cycles:u,{instructions,cache-misses},page-faults`: one for each group
 * in braces, whose events count at the same time, and one for all events outside of braces, each of which counts
 * independently. The events of a weak group (`:W`) need not count together. Sets are in the order of their first
 * events. Throws UsageError and UnsupportedError as resolveEvents() does.
 */
export function setsOfEvents(text: string, world: EventWorld): RequestSet[] {
  resolveEvents(text, world); // so that errors give positions in the whole text
  const sets: RequestSet[] = [];
  let loose: { set: RequestSet; texts: string[] } | undefined;
  for (const group of parseEvents(text)) {
    const rated = group.members.find((member) => member.rate);
    if (rated) {
      syntaxError(text, rated.at, `'${rated.text}' is counted: a rate behind it is for 'pmuctl record'`);
    }
    const requests = group.members.flatMap((member) => requestsOf(member, group, world));
    if (group.braces) {
      const weak = /W/.test(group.modifiers + group.members.map((member) => member.modifiers).join(""));
      sets.push({ flags: 0, text: textOf(group), together: !weak, requests: numbered(requests) });
      continue;
    }
    if (!loose) {
      loose = { set: { flags: 0, text: "", together: false, requests: [] }, texts: [] };
      sets.push(loose.set);
    }
    append(loose.set.requests, requests);
    loose.texts.push(group.members[0].text);
  }
  if (loose) {
    loose.set.text = loose.texts.join();
    loose.set.requests = numbered(loose.set.requests);
  }
  return sets;
}

function numbered(requests: SetRequest[]): SetRequest[] {
  return requests.map((request, index) => ({ ...request, index }));
}

function textOf(group: RequestGroup): string {
  const members = group.members.map((member) => member.text).join();
  return `${group.name ?? ""}{${members}}${group.modifiers ? `:${group.modifiers}` : ""}`;
}

/** Returns a request for each event that the member's text matches. */
function requestsOf(member: EventRequest, group: RequestGroup, world: EventWorld): SetRequest[] {
  const bare = withoutModifiers(member);
  const plain = eventsOf(bare, world);
  const asked = eventsOf(group.modifiers ? `{${member.text}}:${group.modifiers}` : member.text, world);
  const modesChosen = /[ukh]/.test(member.modifiers + group.modifiers);
  return asked.map((event, i): SetRequest => ({
    event: asked.length === 1 ? bare : textOfOne(member, plain[i], world),
    preset: 0n,
    flags: flagsOfAttr(event.attr),
    attributes: attributesOfAttr(event.attr, plain[i].attr),
    index: 0,
    ...(modesChosen ? {} : { userWillDo: true }),
  }));
}

function eventsOf(text: string, world: EventWorld): ResolvedEvent[] {
  return resolveEvents(text, world).flatMap((group) => group.events);
}

function withoutModifiers({ text, modifiers }: EventRequest): string {
  return modifiers === "" ? text : text.slice(0, -modifiers.length).replace(/:$/, "");
}

/** Returns a text that matches only this event, of those that the member's text matches. */
function textOfOne({ spec }: EventRequest, event: ResolvedEvent, world: EventWorld): string {
  if (spec.kind !== "name") return event.name; // a tracepoint: the name includes its own
  const { name, terms = [] } = spec;
  const ofPmu = spec.terms !== undefined && !findGeneric(name) && world.pmus.matching(name).length > 0;
  return `${event.pmu}/${[...(ofPmu ? [] : [name]), ...terms.map(termText)].join()}/`;
}

function termText({ name, value }: Term): string {
  if (value === undefined) return name;
  return /[,/\s]/.test(value) ? `${name}='${value}'` : `${name}=${value}`;
}
