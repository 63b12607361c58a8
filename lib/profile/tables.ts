/**
 * The interned tables of a profile while it is being built. Each gives the same number for the same
 * key, numbers count up from 0, and a row never changes once it is there.
 */

import { float64Column, int32Column } from "../base/column.ts";
import { fold, HashIndex, mix } from "./hash_index.ts";

/** Frames: an object (-1: none is known) and an address inside it (absolute when there is no object). */
export class FrameTable {
  readonly object = int32Column();
  readonly address = float64Column();
  readonly #index = new HashIndex();
  readonly #hashOfRow = (row: number) => mix(this.object.data[row], fold(this.address.data[row]));

  intern(object: number, address: number): number {
    const index = this.#index;
    let slot = mix(object, fold(address)) & index.mask;
    for (let entry; (entry = index.slots[slot]) !== 0; slot = (slot + 1) & index.mask) {
      if (this.object.data[entry - 1] === object && this.address.data[entry - 1] === address) {
        return entry - 1;
      }
    }
    const row = this.object.push(object);
    this.address.push(address);
    index.insert(slot, row, this.#hashOfRow);
    return row;
  }
}

/** Stacks as a prefix tree: a frame on top of a parent stack (-1: the frame is a root). Parents come first. */
export class StackTable {
  readonly parent = int32Column();
  readonly frame = int32Column();
  /** Slots of three: parent, frame, row + 1. The keys lie in them because this is where a report's time goes. */
  #slots = new Int32Array(3 << 10);
  #mask = (1 << 10) - 1;

  intern(parent: number, frame: number): number {
    const slots = this.#slots, mask = this.#mask;
    let slot = mix(parent, frame) & mask;
    for (;;) {
      const at = slot * 3;
      const entry = slots[at + 2];
      if (entry === 0) break;
      if (slots[at] === parent && slots[at + 1] === frame) return entry - 1;
      slot = (slot + 1) & mask;
    }
    const row = this.parent.push(parent);
    this.frame.push(frame);
    slots[slot * 3] = parent;
    slots[slot * 3 + 1] = frame;
    slots[slot * 3 + 2] = row + 1;
    if (row * 2 > mask) this.#grow();
    return row;
  }

  #grow() {
    const old = this.#slots;
    this.#mask = this.#mask * 4 + 3;
    const slots = this.#slots = new Int32Array(3 * (this.#mask + 1));
    for (let at = 0; at < old.length; at += 3) {
      if (old[at + 2] === 0) continue;
      let slot = mix(old[at], old[at + 1]) & this.#mask;
      while (slots[slot * 3 + 2] !== 0) slot = (slot + 1) & this.#mask;
      slots[slot * 3] = old[at];
      slots[slot * 3 + 1] = old[at + 1];
      slots[slot * 3 + 2] = old[at + 2];
    }
  }
}

/** Samples that are alike in event, thread, CPU and stack, added up: how many, and their periods. */
export class SampleTable {
  readonly event = int32Column();
  readonly thread = int32Column();
  readonly cpu = int32Column();
  readonly stack = int32Column();
  readonly count = float64Column();
  readonly period = float64Column();
  readonly #index = new HashIndex();
  readonly #hashOfRow = (row: number) =>
    hashSample(this.event.data[row], this.thread.data[row], this.cpu.data[row], this.stack.data[row]);

  /** Counts a sample; returns the row it went to. */
  add(event: number, thread: number, cpu: number, stack: number, period: number): number {
    const index = this.#index;
    let slot = hashSample(event, thread, cpu, stack) & index.mask;
    for (let entry; (entry = index.slots[slot]) !== 0; slot = (slot + 1) & index.mask) {
      const row = entry - 1;
      if (
        this.stack.data[row] === stack && this.thread.data[row] === thread &&
        this.cpu.data[row] === cpu && this.event.data[row] === event
      ) {
        this.count.data[row] += 1;
        this.period.data[row] += period;
        return row;
      }
    }
    const row = this.event.push(event);
    this.thread.push(thread);
    this.cpu.push(cpu);
    this.stack.push(stack);
    this.count.push(1);
    this.period.push(period);
    index.insert(slot, row, this.#hashOfRow);
    return row;
  }
}

/** Samples one by one, in the order they came: when, what (a row of the sample table), how much. */
export class TimeTable {
  readonly at = float64Column();
  readonly sample = int32Column();
  readonly period = float64Column();

  add(at: number, sample: number, period: number): void {
    this.at.push(at);
    this.sample.push(sample);
    this.period.push(period);
  }
}

function hashSample(event: number, thread: number, cpu: number, stack: number): number {
  return mix(stack, mix(thread, Math.imul(cpu, 31) + event));
}
