/**
 * Which rule an address in an object has, for the addresses that were asked for last. Each has one place, by a hash of it,
 * and whoever comes later takes it: a miss costs some microseconds, so nothing is searched, moved or freed.
 */

/** Places: 16 bytes each. Return addresses of a program that is sampled are some thousands. */
const PLACES = 1 << 14;

export class RuleCache {
  readonly objects: Int32Array = new Int32Array(PLACES);
  readonly addresses: Float64Array = new Float64Array(PLACES);
  readonly rules: Int32Array = new Int32Array(PLACES);

  /** The place of an address in an object; whether it is there now has to be looked at. */
  place(object: number, address: number): number {
    const mixed = Math.imul((address | 0) ^ Math.imul(object, 0x85ebca6b), 0x9e3779b1);
    return mixed >>> 18;
  }

  put(place: number, object: number, address: number, rule: number): void {
    this.objects[place] = object;
    this.addresses[place] = address;
    this.rules[place] = rule;
  }

  clear(): void {
    this.objects.fill(0);
  }
}
