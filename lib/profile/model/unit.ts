/** What weights are in. */

/** The clock events, whose periods are times. */
const CLOCKS = new Set(["cpu-clock", "task-clock"]);

/** `ns` for the clock events, with modifiers or without (`cpu-clock:u`); `events` for all others. */
export function weightUnit(eventName: string): "ns" | "events" {
  return CLOCKS.has(eventName.split(/[:/]/, 1)[0]) ? "ns" : "events";
}
