/**
 * Mappings of one address space: disjoint ascending ranges in a B+ tree. Copies share equal subtrees. A change takes
 * time proportional to the height of the tree, however much it covers, and a copy costs nothing until one of the two
 * changes. So a recording's cost grows with its records, however many processes it forks.
 *
 *     node       numbers    0x1000            0x9000
 *                children   |                 |
 *     leaves     numbers    0x1000 0x3000 object shift, 0x4000 ...     0x9000 ...
 *
 * Everything below child k starts at or after number k and ends at or before number k + 1.
 */

/** Numbers of a range: start, end, object, and the shift from an address to the position in the object. */
const RANGE = 4;
/** Most ranges of a leaf, and most children of an inner node. */
const MAX_FANOUT = 16;

/** Node of the tree. */
interface Node {
  /** Map that may change the node in place; others make a copy. */
  readonly owner: number;
  /** Ranges of a leaf; in other nodes the start of each child. */
  readonly numbers: number[];
  /** Child nodes; undefined in a leaf. */
  readonly children: Node[] | undefined;
}

let lastOwner = 0;

/**
 * Map from ranges of addresses to objects. Shared by processes with the same mappings, until one of them changes its
 * own.
 */
export class RangeMap {
  /** Number of the map's state: different for any two states of any two maps. */
  id: number;
  /** Number of processes that share it. */
  users = 1;
  /** Shift from the address last given to `find` to the position in its object. */
  shift = 0.5;
  #owner = ++lastOwner;
  #root: Node | undefined;
  /** Result of the last lookup: the ranges of a leaf, and the index of the range found. */
  #ranges: readonly number[] = [];
  #at = 0;
  /** Overflow of #put: the new sibling of a node that was full. */
  #beside: Node | undefined;
  /** End of a range that #carve cut in two. */
  #tail: { end: number; object: number; shift: number } | undefined;

  constructor(id: number) {
    this.id = id;
  }

  /** Copies the map, sharing its nodes. */
  clone(id: number): RangeMap {
    const copy = new RangeMap(id);
    copy.#root = this.#root;
    this.#owner = ++lastOwner; // neither of the two may change the nodes in place now
    return copy;
  }

  /** Returns the object at `address`, or -1. */
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

  /** Maps `object` to [start, end), after removing what was there. */
  insert(start: number, end: number, object: number, shift: number): void {
    if (!(end > start)) return;
    this.remove(start, end);
    this.#insert(start, end, object, shift);
  }

  /** Removes everything mapped in [start, end), cutting ranges that reach beyond. */
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
   * Removes [start, end) from a subtree; returns undefined if nothing is left.
   * @param bound end of everything in the node.
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
    // children between the first and the last one touched go
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

  /** Inserts a range where nothing is mapped. */
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

  /** Inserts a range into a subtree. If the node was full, #beside is its new sibling. */
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

  /** Returns the node, or a copy if other maps share it. */
  #own(node: Node): Node {
    const owner = this.#owner;
    return node.owner === owner
      ? node
      : { owner, numbers: node.numbers.slice(), children: node.children?.slice() };
  }
}

/** Returns where to split a node of `count` parts after adding the one at `added`; 0 if they all fit. */
function cutAt(count: number, added: number): number {
  if (count <= MAX_FANOUT) return 0;
  return added === count - 1 ? added : count >>> 1; // leave nodes full that only grow at their end
}

/** Returns the child that an address is below, if it is in any. */
function childAt(starts: readonly number[], address: number): number {
  let low = 1, high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle] <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Returns the index of the last range that starts at or before `address`; -RANGE if there is none. */
function rangeAt(ranges: readonly number[], address: number): number {
  let low = 0, high = ranges.length / RANGE;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle * RANGE] <= address) low = middle + 1;
    else high = middle;
  }
  return (low - 1) * RANGE;
}
