/**
 * The mappings of one address space: disjoint ranges in ascending order, in a B+ tree. Copies share the parts that
 * are alike. A change takes as long as the tree is high, however much it covers, and a copy costs nothing until one of
 * the two is changed: so what a recording takes grows with its records, however many processes it forks.
 *
 *     node       numbers    0x1000            0x9000
 *                children   |                 |
 *     leaves     numbers    0x1000 0x3000 object shift, 0x4000 ...     0x9000 ...
 *
 * All that is below child k starts at or behind number k and ends at or before number k + 1.
 */

/** Numbers of a range: its start, its end, its object, and what to add to an address in it for where that is in the object. */
const RANGE = 4;
/** Ranges of a leaf, and children of another node, at most. */
const MAX_FANOUT = 16;

/** A part of a tree. */
interface Node {
  /** The space that may change it; others make a copy. */
  readonly owner: number;
  /** The ranges of a leaf; else where each child begins. */
  readonly numbers: number[];
  /** None in a leaf. */
  readonly children: Node[] | undefined;
}

let lastOwner = 0;

/** Shared by the processes that have the same mappings, until one of them changes its own. */
export class RangeMap {
  /** Differs between any two states of any two spaces; changes with every change. */
  id: number;
  /** Processes that share it. */
  users = 1;
  /** What to add to the address that `find` was asked for, for where it is in the object. */
  shift = 0.5;
  #owner = ++lastOwner;
  #root: Node | undefined;
  /** Where the last look-up ended: the ranges of a leaf, and the place of the one that was found. */
  #ranges: readonly number[] = [];
  #at = 0;
  /** What #put had no more room for in a node. */
  #beside: Node | undefined;
  /** The end that #carve left over of a range it cut in two. */
  #tail: { end: number; object: number; shift: number } | undefined;

  constructor(id: number) {
    this.id = id;
  }

  /** The same mappings in a space of its own. */
  clone(id: number): RangeMap {
    const copy = new RangeMap(id);
    copy.#root = this.#root;
    this.#owner = ++lastOwner; // what there is belongs to neither of the two alone
    return copy;
  }

  /** The object at `address`, or -1. */
  find(address: number): number {
    let ranges = this.#ranges, at = this.#at;
    if (!(at < ranges.length && address >= ranges[at] && address < ranges[at + 1])) {
      let node = this.#root;
      if (node === undefined) return -1;
      while (node.children !== undefined) node = node.children[childAt(node.numbers, address)];
      ranges = node.numbers;
      at = rangeAt(ranges, address);
      if (at < 0 || address >= ranges[at + 1]) return -1;
      this.#ranges = ranges;
      this.#at = at;
    }
    this.shift = ranges[at + 3];
    return ranges[at + 2];
  }

  /** Maps `object` to [start, end). What that covers of others is cut away; a range it falls into is cut in two. */
  insert(start: number, end: number, object: number, shift: number): void {
    if (!(end > start)) return;
    this.remove(start, end);
    this.#insert(start, end, object, shift);
  }

  /** Takes away whatever is mapped in [start, end). */
  remove(start: number, end: number): void {
    this.#ranges = [];
    if (!(end > start) || this.#root === undefined) return;
    this.#tail = undefined;
    this.#root = this.#carve(this.#root, start, end, Infinity);
    while (this.#root?.children?.length === 1) this.#root = this.#root.children[0];
    const tail = this.#tail as { end: number; object: number; shift: number } | undefined;
    if (tail !== undefined) this.#insert(end, tail.end, tail.object, tail.shift);
  }

  /**
   * The node without what it has in [start, end); undefined when nothing is left.
   * @param bound where all that is in the node ends.
   */
  #carve(node: Node, start: number, end: number, bound: number): Node | undefined {
    const { numbers, children } = node;
    if (children === undefined) return this.#carveLeaf(node, start, end);
    const first = childAt(numbers, start);
    let behind = first + 1;
    while (behind < children.length && numbers[behind] < end) behind++;
    const endOf = (child: number) => child + 1 < children.length ? numbers[child + 1] : bound;
    const left = (child: number) =>
      numbers[child] >= start && endOf(child) <= end
        ? undefined
        : this.#carve(children[child], start, end, endOf(child));
    // all between the first child that it touches and the last one goes
    const last = behind - 1;
    const head = left(first), tail = last > first ? left(last) : undefined;
    if (head === children[first] && (last === first || (last === first + 1 && tail === children[last]))) {
      return node;
    }
    const own = this.#own(node);
    const kept = [head, tail].filter((each) => each !== undefined);
    const starts = [...(head ? [numbers[first]] : []), ...(tail ? [numbers[last]] : [])];
    own.numbers.splice(first, behind - first, ...starts);
    own.children!.splice(first, behind - first, ...kept);
    return own.children!.length > 0 ? own : undefined;
  }

  #carveLeaf(leaf: Node, start: number, end: number): Node | undefined {
    let first = Math.max(0, rangeAt(leaf.numbers, start));
    if (leaf.numbers[first + 1] <= start) first += RANGE;
    let behind = first;
    while (behind < leaf.numbers.length && leaf.numbers[behind] < end) behind += RANGE;
    if (behind === first) return leaf;
    const own = this.#own(leaf), ranges = own.numbers;
    const last = behind - RANGE;
    const keepsHead = ranges[first] < start, keepsTail = ranges[last + 1] > end;
    if (keepsTail && keepsHead && first === last) {
      this.#tail = { end: ranges[last + 1], object: ranges[last + 2], shift: ranges[last + 3] };
      ranges[first + 1] = start;
      return own;
    }
    if (keepsHead) ranges[first + 1] = start;
    if (keepsTail) ranges[last] = end;
    const from = keepsHead ? first + RANGE : first;
    ranges.splice(from, (keepsTail ? last : behind) - from);
    return ranges.length > 0 ? own : undefined;
  }

  /** Puts a range in where nothing is. */
  #insert(start: number, end: number, object: number, shift: number): void {
    const owner = this.#owner, range = [start, end, object, shift];
    if (this.#root === undefined) {
      this.#root = { owner, numbers: range, children: undefined };
      return;
    }
    const root = this.#put(this.#root, range);
    const beside = this.#beside;
    this.#beside = undefined;
    this.#root = beside === undefined
      ? root
      : { owner, numbers: [root.numbers[0], beside.numbers[0]], children: [root, beside] };
  }

  /** The node with the range in it; where there is no more room, #beside is to stand behind it. */
  #put(node: Node, range: readonly number[]): Node {
    const own = this.#own(node), { numbers, children } = own, owner = this.#owner;
    const [start, end] = range;
    if (children === undefined) {
      const at = rangeAt(numbers, start) + RANGE;
      numbers.splice(at, 0, ...range);
      const from = cutAt(numbers.length / RANGE, at / RANGE);
      if (from > 0) this.#beside = { owner, numbers: numbers.splice(from * RANGE), children };
      return own;
    }
    const child = childAt(numbers, start);
    if (start < numbers[child]) numbers[child] = start;
    if (numbers[child + 1] < end) numbers[child + 1] = end;
    children[child] = this.#put(children[child], range);
    const beside = this.#beside;
    if (beside === undefined) return own;
    numbers.splice(child + 1, 0, beside.numbers[0]);
    children.splice(child + 1, 0, beside);
    const from = cutAt(children.length, child + 1);
    this.#beside = from > 0
      ? { owner, numbers: numbers.splice(from), children: children.splice(from) }
      : undefined;
    return own;
  }

  /** The node, or a copy where others have it, too. */
  #own(node: Node): Node {
    const owner = this.#owner;
    return node.owner === owner
      ? node
      : { owner, numbers: node.numbers.slice(), children: node.children?.slice() };
  }
}

/** Where to cut a node of `count` parts, of which the one at `added` is new; 0 where there is room for all. */
function cutAt(count: number, added: number): number {
  if (count <= MAX_FANOUT) return 0;
  return added === count - 1 ? added : count >>> 1; // what only grows at its end is left full
}

/** Which child an address is below, if it is in any. */
function childAt(starts: readonly number[], address: number): number {
  let low = 1, high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle] <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Place of the last range that starts at or before `address`; -RANGE when none does. */
function rangeAt(ranges: readonly number[], address: number): number {
  let low = 0, high = ranges.length / RANGE;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle * RANGE] <= address) low = middle + 1;
    else high = middle;
  }
  return (low - 1) * RANGE;
}
