/**
 * A red-black tree over the symbols of one object, kept in typed arrays.
 *
 * Why a tree, when a sorted array would search as fast: symbols overlap (a zero-sized `_init` is
 * stretched over the PLT, assembly labels lie within functions), and where they do perf takes the
 * first one that its search of a red-black tree meets. Which one that is depends on the shape of the
 * tree, and so on the order of insertions and removals. This is the textbook algorithm (Cormen et
 * al., Introduction to Algorithms, chapter 13), whose rotations are those of the kernel's lib/rbtree.c.
 * It is used while loading only: SymbolTable flattens the answers into disjoint ranges.
 */

/** Node i + 1 stands for element i, so that index 0 can be the sentinel. */
const NIL = 0;
const BLACK = 0;
const RED = 1;
const LEFT = 0;
const RIGHT = 1;

/** Elements are indices into the keys; equal keys keep the order of their insertion. */
export class RbTree {
  readonly #keys: Float64Array;
  /** Children of node n: the left one at 2n, the right one at 2n + 1. Side by side, for the cache. */
  readonly #child: Int32Array;
  readonly #parent: Int32Array;
  readonly #color: Uint8Array;
  #root = NIL;
  #count = 0;

  /** @param keys the key of every element that may be inserted. They are copied. */
  constructor(keys: Float64Array) {
    const slots = keys.length + 1;
    this.#keys = new Float64Array(slots);
    this.#keys.set(keys, 1);
    this.#child = new Int32Array(2 * slots);
    this.#parent = new Int32Array(slots);
    this.#color = new Uint8Array(slots);
  }

  /** Elements in the tree. */
  get size(): number {
    return this.#count;
  }

  /** Adds an element behind those of an equal key. It must not be in the tree yet. */
  insert(element: number): void {
    const keys = this.#keys;
    const child = this.#child;
    const node = element + 1;
    const key = keys[node];
    let parent = NIL;
    let side = LEFT;
    let at = this.#root;
    while (at !== NIL) {
      parent = at;
      side = key < keys[at] ? LEFT : RIGHT;
      at = child[2 * at + side];
    }
    child[2 * node] = NIL;
    child[2 * node + 1] = NIL;
    this.#parent[node] = parent;
    this.#color[node] = RED;
    if (parent === NIL) this.#root = node;
    else child[2 * parent + side] = node;
    this.#count++;
    this.#fixInsert(node);
  }

  /** Takes an element that is in the tree out of it. */
  remove(element: number): void {
    const child = this.#child;
    const parent = this.#parent;
    const color = this.#color;
    const node = element + 1;
    const left = child[2 * node];
    const right = child[2 * node + 1];
    let removedColor = color[node];
    let moved: number;
    if (left === NIL || right === NIL) {
      moved = left === NIL ? right : left;
      this.#replaceChild(node, moved);
    } else {
      const successor = this.#leftmost(right);
      removedColor = color[successor];
      moved = child[2 * successor + 1];
      if (parent[successor] === node) {
        parent[moved] = successor; // #fixRemove reads it, even the sentinel's
      } else {
        this.#replaceChild(successor, moved);
        child[2 * successor + 1] = right;
        parent[right] = successor;
      }
      this.#replaceChild(node, successor);
      child[2 * successor] = left;
      parent[left] = successor;
      color[successor] = color[node];
    }
    this.#count--;
    if (removedColor === BLACK) this.#fixRemove(moved);
  }

  /** Every element in the order of their keys. */
  inOrder(): Int32Array<ArrayBuffer> {
    const order = new Int32Array(this.#count);
    let n = 0;
    for (let node = this.#leftmost(this.#root); node !== NIL; node = this.#next(node)) order[n++] = node - 1;
    return order;
  }

  /**
   * The element that a search for `address` meets first among those whose range holds it, or -1.
   * An element's range is its key up to, not including, `ends[element]`; an empty range holds its key.
   * The search only ever follows the keys, so it can miss a long range that starts before a short one.
   */
  find(address: number, ends: Float64Array): number {
    let node = this.#root;
    while (node !== NIL) {
      const start = this.#keys[node];
      const end = ends[node - 1];
      if (address < start) node = this.#child[2 * node];
      else if (address > end || (address === end && address !== start)) node = this.#child[2 * node + 1];
      else return node - 1;
    }
    return -1;
  }

  #leftmost(node: number): number {
    const child = this.#child;
    while (child[2 * node] !== NIL) node = child[2 * node];
    return node;
  }

  #next(node: number): number {
    const right = this.#child[2 * node + 1];
    if (right !== NIL) return this.#leftmost(right);
    let parent = this.#parent[node];
    while (parent !== NIL && node === this.#child[2 * parent + 1]) {
      node = parent;
      parent = this.#parent[parent];
    }
    return parent;
  }

  /** Moves `node` down to the given side; its child on the other side takes its place. */
  #rotate(node: number, side: number): void {
    const child = this.#child;
    const pivot = child[2 * node + 1 - side];
    const inner = child[2 * pivot + side];
    child[2 * node + 1 - side] = inner;
    if (inner !== NIL) this.#parent[inner] = node;
    this.#replaceChild(node, pivot);
    child[2 * pivot + side] = node;
    this.#parent[node] = pivot;
  }

  /** Hangs `other` where `node` hangs now. */
  #replaceChild(node: number, other: number): void {
    const child = this.#child;
    const parent = this.#parent[node];
    this.#parent[other] = parent;
    if (parent === NIL) this.#root = other;
    else if (child[2 * parent] === node) child[2 * parent] = other;
    else child[2 * parent + 1] = other;
  }

  #fixInsert(node: number): void {
    const child = this.#child;
    const parents = this.#parent;
    const color = this.#color;
    for (;;) {
      let parent = parents[node];
      if (parent === NIL || color[parent] === BLACK) break;
      const grandparent = parents[parent]; // there is one: a red node is never the root
      const side = child[2 * grandparent] === parent ? LEFT : RIGHT;
      const uncle = child[2 * grandparent + 1 - side];
      if (color[uncle] === RED) {
        color[parent] = BLACK;
        color[uncle] = BLACK;
        color[grandparent] = RED;
        node = grandparent;
        continue;
      }
      if (child[2 * parent + 1 - side] === node) {
        this.#rotate(parent, side);
        parent = node;
      }
      color[parent] = BLACK;
      color[grandparent] = RED;
      this.#rotate(grandparent, 1 - side);
      break;
    }
    color[this.#root] = BLACK;
  }

  #fixRemove(node: number): void {
    const child = this.#child;
    const color = this.#color;
    while (node !== this.#root && color[node] === BLACK) {
      const parent = this.#parent[node];
      const side = child[2 * parent] === node ? LEFT : RIGHT;
      let sibling = child[2 * parent + 1 - side];
      if (color[sibling] === RED) {
        color[sibling] = BLACK;
        color[parent] = RED;
        this.#rotate(parent, side);
        sibling = child[2 * parent + 1 - side];
      }
      const near = child[2 * sibling + side];
      const far = child[2 * sibling + 1 - side];
      if (color[near] === BLACK && color[far] === BLACK) {
        color[sibling] = RED;
        node = parent;
        continue;
      }
      if (color[far] === BLACK) {
        color[near] = BLACK;
        color[sibling] = RED;
        this.#rotate(sibling, 1 - side);
        sibling = child[2 * parent + 1 - side];
      }
      color[sibling] = color[parent];
      color[parent] = BLACK;
      color[child[2 * sibling + 1 - side]] = BLACK;
      this.#rotate(parent, side);
      node = this.#root;
    }
    color[node] = BLACK;
  }
}
