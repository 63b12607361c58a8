/**
 * Stands in for `@std/assert` where JSR is out of reach: the assertions that the tests use, which pass and fail
 * as the originals do. Their messages begin alike; in place of a diff they show both values.
 *
 * @module
 */
import { stripVTControlCharacters } from "node:util";

// deno-lint-ignore no-explicit-any
type Constructor<T> = abstract new (...args: any[]) => T;

/** What a failed assertion throws. */
class AssertionError extends Error {
  override name = "AssertionError";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Throws an AssertionError: `what`, then the caller's message when it gave one, then `details`. */
function refuse(what: string, msg: string | undefined, details = ""): never {
  throw new AssertionError(what + (msg ? `: ${msg}` : ".") + details);
}

const show = (value: unknown) =>
  Deno.inspect(value, { depth: Infinity, sorted: true, trailingComma: true, compact: false });

const both = (actual: unknown, expected: unknown) =>
  `\n\n    [Actual]   ${show(actual)}\n    [Expected] ${show(expected)}\n`;

/** As `===`, but NaN equals itself; 0 and -0 are one. */
const same = (a: unknown, b: unknown) => a === b || Object.is(a, b);

/** True when every entry of one collection has an equal one in the other; a set's entries are [value, value]. */
function sameEntries(a: [unknown, unknown][], b: [unknown, unknown][], compare: typeof same): boolean {
  return a.length === b.length &&
    a.every(([key, value]) => b.some((other) => compare(key, other[0]) && compare(value, other[1])));
}

const prototypeOf = (value: object) => Object.getPrototypeOf(value) ?? Object.prototype;

/** The properties that make up an object: its own enumerable ones; for a class's, those of its prototypes, too. */
function keysOf(value: object): Set<string | symbol> {
  const plain = [Object.prototype, Array.prototype];
  if (plain.includes(prototypeOf(value))) return new Set(Reflect.ownKeys({ ...value }));
  const keys = new Set<string | symbol>();
  for (let at = value; at && !plain.includes(at as unknown[]); at = Object.getPrototypeOf(at)) {
    for (const key of Reflect.ownKeys(at)) keys.add(key);
  }
  return keys;
}

/** Deep equality of structure, as `assertEquals` has it; values of different classes are never equal. */
function equal(left: unknown, right: unknown): boolean {
  const begun = new Map<unknown, unknown>();
  const compare = (a: unknown, b: unknown): boolean => {
    if (same(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    if (prototypeOf(a) !== prototypeOf(b)) return false;
    if (a instanceof Date) return same(a.getTime(), (b as Date).getTime());
    if (a instanceof RegExp || a instanceof URL || a instanceof URLSearchParams) {
      return String(a) === String(b);
    }
    if (a instanceof ArrayBuffer) return compare(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
    if (a instanceof WeakMap || a instanceof WeakSet) throw new TypeError("Cannot compare weak collections");
    if (a instanceof WeakRef) return compare(a.deref(), (b as WeakRef<object>).deref());
    if (ArrayBuffer.isView(a) && !(a instanceof DataView)) {
      const [x, y] = [a as Uint8Array, b as Uint8Array];
      return x.length === y.length && x.every((value, i) => same(value, y[i]));
    }
    if (begun.get(a) === b) return true;
    begun.set(a, b);
    if (a instanceof Set || a instanceof Map) {
      return sameEntries([...a.entries()], [...(b as Map<unknown, unknown>).entries()], compare);
    }
    const keys = keysOf(a);
    return keys.size === keysOf(b).size &&
      keys.keys().every((key) => key in b && compare(a[key as keyof typeof a], b[key as keyof typeof b]));
  };
  return compare(left, right);
}

/** Passes when `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Passes when the two are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) refuse("Values are not equal", msg, both(actual, expected));
}

/** Passes when the two are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) {
    refuse(`Expected actual: ${show(actual)} not to be: ${show(expected)}`, msg);
  }
}

/** Passes when the two are one value, as Object.is has it. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const alike = show(actual) === show(expected);
  refuse(
    alike ? "Values have the same structure but are not reference-equal" : "Values are not strictly equal",
    msg,
    both(actual, expected),
  );
}

/** Passes when `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) refuse(`Expected actual: "${actual}" to contain: "${expected}"`, msg);
}

/** Passes when `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) refuse(`Expected actual: "${actual}" to match: "${expected}"`, msg);
}

/** Passes when actual > expected. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) throw new AssertionError(msg ?? `Expect ${show(actual)} > ${show(expected)}`);
}

/** Passes when actual >= expected. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual >= expected)) throw new AssertionError(msg ?? `Expect ${show(actual)} >= ${show(expected)}`);
}

/** Passes when actual < expected. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) throw new AssertionError(msg ?? `Expect ${show(actual)} < ${show(expected)}`);
}

/** Passes when the two differ by `tolerance` at most: by default a ten-millionth of `expected`. */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected) * 1e-7 : 1e-7);
  const delta = Math.abs(expected - actual);
  if (delta <= allowed) return;
  const write = (n: number) => Number.isInteger(n) ? `${n}` : n.toExponential();
  refuse(
    `Expected actual: "${write(actual)}" to be close to "${write(expected)}": ` +
      `delta "${write(delta)}" is greater than "${write(allowed)}"`,
    msg,
  );
}

/** Checks an error caught by assertThrows or assertRejects against what the caller asked of it. */
function checkError(error: unknown, kind: Constructor<Error>, includes: string | undefined, msg?: string) {
  if (!(error instanceof kind)) {
    const name = (error as Error).constructor.name;
    refuse(`Expected error to be instance of "${kind.name}", but was "${name}"`, msg);
  }
  if (includes && !stripVTControlCharacters(error.message).includes(stripVTControlCharacters(includes))) {
    refuse(
      `Expected error message to include ${JSON.stringify(includes)}, but got ${
        JSON.stringify(error.message)
      }`,
      msg,
    );
  }
}

/** The optional arguments of assertThrows and assertRejects, which begin with an error class or a message. */
function expectation(first: Constructor<Error> | string | undefined, second?: string, third?: string) {
  return typeof first === "string" ? { msg: first } : { kind: first, includes: second, msg: third };
}

/** Passes when `fn` throws, and returns what was thrown. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Passes when `fn` throws an `ErrorClass` whose message contains `msgIncludes`, and returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: Constructor<Error> | string,
  msgIncludes?: string,
  message?: string,
): unknown {
  const { kind, includes, msg } = expectation(classOrMsg, msgIncludes, message);
  try {
    fn();
  } catch (error) {
    if (kind && !(error instanceof Error)) refuse("A non-Error object was thrown", msg);
    if (kind) checkError(error, kind, includes, msg);
    return error;
  }
  refuse("Expected function to throw", msg);
}

/** Passes when the promise that `fn` returns rejects, and resolves to what it was rejected with. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Passes when the promise rejects with an `ErrorClass` whose message contains `msgIncludes`. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: Constructor<Error> | string,
  msgIncludes?: string,
  message?: string,
): Promise<unknown> {
  const { kind, includes, msg } = expectation(classOrMsg, msgIncludes, message);
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
  } catch {
    // Told apart below: no promise was returned.
  }
  if (typeof promise?.then !== "function") refuse("Function throws when expected to reject", msg);
  try {
    await promise;
  } catch (error) {
    if (kind && !(error instanceof Error)) refuse("A non-Error object was rejected", msg);
    if (kind) checkError(error, kind, includes, msg);
    return error;
  }
  refuse("Expected function to reject", msg);
}
