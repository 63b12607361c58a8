/**
 * Red-black tree over the symbols of one object, in typed arrays.
 *
 * A sorted array would be as fast to search, but symbols overlap (a zero-sized `_init` is stretched over the PLT,
 * assembly labels lie within functions), and then perf takes the first one that its search of a red-black tree meets.
 * Which one that is depends on the shape of the tree, and so on the order of insertions and removals. This is the
 * textbook algorithm (Cormen et al., Introduction to Algorithms, chapter 13), with the rotations of the kernel's
 * lib/rbtree.c. It is built only for objects with overlapping symbols at a sampled address.
 */

/** Sentinel node. Node i + 1 stands for element i. */
const NIL = 0;
const BLACK = 0;
const RED = 1;
/** Index of a node's children among its four words. OTHER minus one of the two is the other. */
const LEFT = 2;
const RIGHT = 3;
const OTHER = LEFT + RIGHT;

/** Red-black tree. Elements are indices of the keys; equal keys keep the order of their insertion. */
export class RbTree {
  /**
   * Two views of 16 bytes per node, so that a step of a search touches one cache line: node n has its key at 2n of
   * #keys, its left child at 4n + 2 of #links and its right one at 4n + 3.
   */
  readonly #keys: Float64Array;
  readonly #links: Int32Array;
  readonly #parent: Int32Array;
  readonly #color: Uint8Array;
  #root = NIL;
  #count = 0;

  /** @param keys the key of every element that may be inserted. They are copied. */
  constructor(keys: Float64Array) {
    const slots = keys.length + 1;
    const nodes = new ArrayBuffer(16 * slots);
    this.#keys = new Float64Array(nodes);
    this.#links = new Int32Array(nodes);
    for (let i = 0; i < keys.length; i++) this.#keys[2 * (i + 1)] = keys[i];
    this.#parent = new Int32Array(slots);
    this.#color = new Uint8Array(slots);
  }

  /** Number of elements in the tree. */
  get size(): number {
    return this.#count;
  }

  /** Adds an element after those with an equal key. It must not be in the tree yet. */
  insert(element: number): void {
    const keys = this.#keys;
    const links = this.#links;
    const node = element + 1;
    const key = keys[2 * node];
    let parent = NIL;
    let side = LEFT;
    let at = this.#root;
    while (at !== NIL) {
      parent = at;
      side = key < keys[2 * at] ? LEFT : RIGHT;
      at = links[4 * at + side];
    }
    links[4 * node + LEFT] = NIL;
    links[4 * node + RIGHT] = NIL;
    this.#parent[node] = parent;
    this.#color[node] = RED;
    if (parent === NIL) this.#root = node;
    else links[4 * parent + side] = node;
    this.#count++;
    this.#fixInsert(node);
  }

  /** Removes an element, which must be in the tree. */
  remove(element: number): void {
    const links = this.#links;
    const parent = this.#parent;
    const color = this.#color;
    const node = element + 1;
    const left = links[4 * node + LEFT];
    const right = links[4 * node + RIGHT];
    let removedColor = color[node];
    let moved: number;
    if (left === NIL || right === NIL) {
      moved = left === NIL ? right : left;
      this.#replaceChild(node, moved);
    } else {
      const successor = this.#leftmost(right);
      removedColor = color[successor];
      moved = links[4 * successor + RIGHT];
      if (parent[successor] === node) {
        parent[moved] = successor; // #fixRemove reads it, even the sentinel's
      } else {
        this.#replaceChild(successor, moved);
        links[4 * successor + RIGHT] = right;
        parent[right] = successor;
      }
      this.#replaceChild(node, successor);
      links[4 * successor + LEFT] = left;
      parent[left] = successor;
      color[successor] = color[node];
    }
    this.#count--;
    if (removedColor === BLACK) this.#fixRemove(moved);
  }

  /** Returns all elements in the order of their keys. */
  inOrder(): Int32Array<ArrayBuffer> {
    const links = this.#links;
    const order = new Int32Array(this.#count);
    const path = new Int32Array(64); // no such tree of 2^31 elements is deeper than that
    let depth = 0;
    let n = 0;
    let node = this.#root;
    while (node !== NIL || depth > 0) {
      while (node !== NIL) {
        path[depth++] = node;
        node = links[4 * node + LEFT];
      }
      node = path[--depth];
      order[n++] = node - 1;
      node = links[4 * node + RIGHT];
    }
    return order;
  }

  /**
   * Returns the element that a search for `address` meets first among those whose range contains it, or -1. An
   * element's range is from its key up to, not including, `ends[element]`; an empty range contains its key. The search
   * only follows the keys, so it can miss a long range that starts before a short one.
   * @param places index of each element in `ends`, if not its own number.
   */
  find(address: number, ends: Float64Array, places?: Int32Array): number {
    let node = this.#root;
    while (node !== NIL) {
      const start = this.#keys[2 * node];
      const end = ends[places === undefined ? node - 1 : places[node - 1]];
      if (address < start) node = this.#links[4 * node + LEFT];
      else if (address > end || (address === end && address !== start)) node = this.#links[4 * node + RIGHT];
      else return node - 1;
    }
    return -1;
  }

  #leftmost(node: number): number {
    const links = this.#links;
    while (links[4 * node + LEFT] !== NIL) node = links[4 * node + LEFT];
    return node;
  }

  /** Moves `node` down to the given side; its child on the other side takes its place. */
  #rotate(node: number, side: number): void {
    const links = this.#links;
    const pivot = links[4 * node + OTHER - side];
    const inner = links[4 * pivot + side];
    links[4 * node + OTHER - side] = inner;
    if (inner !== NIL) this.#parent[inner] = node;
    this.#replaceChild(node, pivot);
    links[4 * pivot + side] = node;
    this.#parent[node] = pivot;
  }

  /** Puts `other` in the place of `node`. */
  #replaceChild(node: number, other: number): void {
    const links = this.#links;
    const parent = this.#parent[node];
    this.#parent[other] = parent;
    if (parent === NIL) this.#root = other;
    else if (links[4 * parent + LEFT] === node) links[4 * parent + LEFT] = other;
    else links[4 * parent + RIGHT] = other;
  }

  #fixInsert(node: number): void {
    const links = this.#links;
    const parents = this.#parent;
    const color = this.#color;
    for (;;) {
      let parent = parents[node];
      if (parent === NIL || color[parent] === BLACK) break;
      const grandparent = parents[parent]; // there is one: a red node is never the root
      const side = links[4 * grandparent + LEFT] === parent ? LEFT : RIGHT;
      const uncle = links[4 * grandparent + OTHER - side];
      if (color[uncle] === RED) {
        color[parent] = BLACK;
        color[uncle] = BLACK;
        color[grandparent] = RED;
        node = grandparent;
        continue;
      }
      if (links[4 * parent + OTHER - side] === node) {
        this.#rotate(parent, side);
        parent = node;
      }
      color[parent] = BLACK;
      color[grandparent] = RED;
      this.#rotate(grandparent, OTHER - side);
      break;
    }
    color[this.#root] = BLACK;
  }

  #fixRemove(node: number): void {
    const links = this.#links;
    const color = this.#color;
    while (node !== this.#root && color[node] === BLACK) {
      const parent = this.#parent[node];
      const side = links[4 * parent + LEFT] === node ? LEFT : RIGHT;
      let sibling = links[4 * parent + OTHER - side];
      if (color[sibling] === RED) {
        color[sibling] = BLACK;
        color[parent] = RED;
        this.#rotate(parent, side);
        sibling = links[4 * parent + OTHER - side];
      }
      const near = links[4 * sibling + side];
      const far = links[4 * sibling + OTHER - side];
      if (color[near] === BLACK && color[far] === BLACK) {
        color[sibling] = RED;
        node = parent;
        continue;
      }
      if (color[far] === BLACK) {
        color[near] = BLACK;
        color[sibling] = RED;
        this.#rotate(sibling, OTHER - side);
        sibling = links[4 * parent + OTHER - side];
      }
      color[sibling] = color[parent];
      color[parent] = BLACK;
      color[links[4 * sibling + OTHER - side]] = BLACK;
      this.#rotate(parent, side);
      node = this.#root;
    }
    color[node] = BLACK;
  }
}
