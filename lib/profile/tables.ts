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
  readonly #index = new HashIndex();
  readonly #hashOfRow = (row: number) => mix(this.parent.data[row], this.frame.data[row]);

  intern(parent: number, frame: number): number {
    const index = this.#index;
    let slot = mix(parent, frame) & index.mask;
    for (let entry; (entry = index.slots[slot]) !== 0; slot = (slot + 1) & index.mask) {
      if (this.frame.data[entry - 1] === frame && this.parent.data[entry - 1] === parent) return entry - 1;
    }
    const row = this.parent.push(parent);
    this.frame.push(frame);
    index.insert(slot, row, this.#hashOfRow);
    return row;
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

  add(event: number, thread: number, cpu: number, stack: number, period: number): void {
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
        return;
      }
    }
    const row = this.event.push(event);
    this.thread.push(thread);
    this.cpu.push(cpu);
    this.stack.push(stack);
    this.count.push(1);
    this.period.push(period);
    index.insert(slot, row, this.#hashOfRow);
  }
}

function hashSample(event: number, thread: number, cpu: number, stack: number): number {
  return mix(stack, mix(thread, Math.imul(cpu, 31) + event));
}
