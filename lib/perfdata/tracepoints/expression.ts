/**
 * Expressions in a tracepoint's `print fmt`: C, with REC for the data and some functions of the kernel's
 * (include/trace/stages/stage3_trace_output.h). They are parsed once, into functions that are called for each sample.
 */

import { viewOf } from "../../base/bytes/bytes.ts";
import type { TracepointField } from "./format.ts";
import type { Token } from "./tokens.ts";
import {
  bytesOf,
  dynamicBytes,
  fieldValue,
  isTrue,
  NO_DATA,
  numberOf,
  textOf,
  type TracepointData,
  unsignedAt,
  type Value,
  valueElement,
} from "./values.ts";

/** Expression that has been parsed. */
export type Expression = (data: TracepointData) => Value;

/** Most nested parentheses and operators. */
const MAX_DEPTH = 100;
/** Binary operators by precedence, weakest first. */
const OPERATORS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<", ">", "<=", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];
/** Bits of integer types, negative for signed ones. */
const TYPES: Readonly<Record<string, number>> = {
  ...{ u8: 8, u16: 16, u32: 32, u64: 64, s8: -8, s16: -16, s32: -32, s64: -64 },
  ...{ __u8: 8, __u16: 16, __u32: 32, __u64: 64, __s8: -8, __s16: -16, __s32: -32, __s64: -64 },
  ...{ bool: 8, size_t: 64, pid_t: -32, dev_t: 32, gfp_t: 32 },
};
const WORDS_OF_TYPES = new Set(
  "unsigned signed int long short char void const struct enum union volatile".split(" "),
);
/** Numbers of names that formats have kept: see eval_flag() in libtraceevent's event-parse.c. */
const KNOWN: Readonly<Record<string, bigint>> = {
  ...{ HI_SOFTIRQ: 0n, TIMER_SOFTIRQ: 1n, NET_TX_SOFTIRQ: 2n, NET_RX_SOFTIRQ: 3n, BLOCK_SOFTIRQ: 4n },
  ...{ IRQ_POLL_SOFTIRQ: 5n, TASKLET_SOFTIRQ: 6n, SCHED_SOFTIRQ: 7n, HRTIMER_SOFTIRQ: 8n, RCU_SOFTIRQ: 9n },
  ...{ HRTIMER_NORESTART: 0n, HRTIMER_RESTART: 1n },
};

/** Parser of the expressions of one format. */
export class ExpressionParser {
  readonly #tokens: readonly Token[];
  readonly #fields: ReadonlyMap<string, TracepointField>;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], fields: ReadonlyMap<string, TracepointField>) {
    this.#tokens = tokens;
    this.#fields = fields;
  }

  /** Whether all tokens have been read. */
  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** Reads text, of one token or of several. Throws SyntaxError. */
  text(): string {
    let text = "";
    const first = this.#at;
    for (; this.#peek()?.kind === "text"; this.#at++) text += this.#tokens[this.#at].text;
    if (this.#at === first) throw this.#unexpected();
    return text;
  }

  /** Reads the sign if it is next, and returns whether it was. */
  takes(sign: string): boolean {
    const token = this.#peek();
    if (token?.kind !== "sign" || token.text !== sign) return false;
    this.#at++;
    return true;
  }

  /** Reads an expression. Throws SyntaxError. */
  expression(): Expression {
    if (++this.#depth > MAX_DEPTH) throw new SyntaxError("too many parentheses");
    const condition = this.#binary(0);
    if (!this.takes("?")) {
      this.#depth--;
      return condition;
    }
    const then = this.expression();
    this.#expect(":");
    const otherwise = this.expression();
    this.#depth--;
    return (data) => isTrue(condition(data)) ? then(data) : otherwise(data);
  }

  #binary(level: number): Expression {
    if (level === OPERATORS.length) return this.#unary();
    let left = this.#binary(level + 1);
    for (let sign; (sign = OPERATORS[level].find((each) => this.takes(each))) !== undefined;) {
      left = combined(sign, left, this.#binary(level + 1));
    }
    return left;
  }

  #unary(): Expression {
    if (++this.#depth > MAX_DEPTH) throw new SyntaxError("too many operators");
    const result = this.#unaryAt();
    this.#depth--;
    return result;
  }

  #unaryAt(): Expression {
    for (const sign of ["-", "~", "!", "+", "&", "*"]) {
      if (!this.takes(sign)) continue;
      const of = this.#unary();
      if (sign === "-") return (data) => BigInt.asIntN(64, -numberOf(of(data)));
      if (sign === "~") return (data) => BigInt.asIntN(64, ~numberOf(of(data)));
      if (sign === "!") return (data) => isTrue(of(data)) ? 0n : 1n;
      return of;
    }
    const cast = this.#cast();
    if (cast !== undefined) {
      const of = this.#unary();
      return cast === 0 ? of : (data) => {
        const value = of(data);
        return typeof value !== "bigint"
          ? value
          : cast < 0
          ? BigInt.asIntN(-cast, value)
          : BigInt.asUintN(cast, value);
      };
    }
    return this.#postfix(this.#primary());
  }

  /** Reads a cast if one is next: returns its bits, negative for signed types, 0 for others; undefined if there is none. */
  #cast(): number | undefined {
    const start = this.#at;
    if (!this.takes("(")) return undefined;
    const words: string[] = [];
    let isPointer = false;
    for (let token; (token = this.#peek()) !== undefined; this.#at++) {
      if (token.kind === "name" && !isPointer) words.push(token.text);
      else if (token.kind === "sign" && token.text === "*" && words.length > 0) isPointer = true;
      else break;
    }
    if (words.length > 0 && this.takes(")") && this.#isType(words, isPointer)) {
      return bitsOf(words, isPointer);
    }
    this.#at = start;
    return undefined;
  }

  #isType(words: readonly string[], isPointer: boolean): boolean {
    if (isPointer || words.length > 1) return words[0] !== "REC";
    const [word] = words;
    return WORDS_OF_TYPES.has(word) || word in TYPES || word.endsWith("_t");
  }

  #postfix(of: Expression): Expression {
    while (this.takes("[")) {
      const array = of, index = this.expression();
      this.#expect("]");
      of = (data) => {
        const value = array(data), at = Number(numberOf(index(data)));
        return value instanceof Uint8Array ? BigInt(value[at] ?? 0) : 0n;
      };
    }
    return of;
  }

  #primary(): Expression {
    const token = this.#peek();
    if (token === undefined) throw this.#unexpected();
    if (token.kind === "text") {
      const text = this.text();
      return () => text;
    }
    this.#at++;
    if (token.kind === "number") {
      const value = BigInt(token.text);
      return () => value;
    }
    if (token.kind === "name") return this.#named(token.text);
    if (token.text !== "(") {
      this.#at--;
      throw this.#unexpected();
    }
    if (this.#peek()?.text === "REC" && this.#tokens[this.#at + 1]?.text === ")") {
      this.#at += 2;
      return this.#field();
    }
    const inner = this.expression();
    this.#expect(")");
    return inner;
  }

  #named(name: string): Expression {
    if (name === "REC") return this.#field();
    if (this.#peek()?.kind === "sign" && this.#peek()!.text === "(") {
      this.#at++;
      return this.#call(name);
    }
    const known = KNOWN[name] ?? 0n;
    return () => known;
  }

  /** Reads `->name`, or `->name[index]`. */
  #field(): Expression {
    this.#expect("->");
    const field = this.#fieldNamed(this.#name());
    if (field.kind !== "array" || !this.takes("[")) return (data) => fieldValue(field, data);
    const index = this.expression();
    this.#expect("]");
    return (data) => valueElement(field, data, Number(numberOf(index(data))));
  }

  #fieldNamed(name: string): TracepointField {
    const field = this.#fields.get(name);
    if (field === undefined) throw new SyntaxError(`there is no field '${name}'`);
    return field;
  }

  /** Reads a call, from behind its parenthesis on. */
  #call(name: string): Expression {
    switch (name) {
      case "__get_str":
      case "__get_rel_str": {
        const field = this.#fieldArgument();
        return (data) => textOf(dynamicBytes(field, data));
      }
      case "__get_dynamic_array":
      case "__get_rel_dynamic_array": {
        const field = this.#fieldArgument();
        return (data) => dynamicBytes(field, data);
      }
      case "__get_dynamic_array_len":
      case "__get_rel_dynamic_array_len": {
        const field = this.#fieldArgument();
        return (data) => BigInt(dynamicBytes(field, data).length);
      }
      case "__print_flags":
        return this.#flags();
      case "__print_symbolic":
        return this.#symbolic();
      case "__print_hex":
      case "__print_hex_str":
        return this.#hex(name === "__print_hex" ? " " : "");
      case "__print_array":
        return this.#array();
      case "__builtin_expect":
        return this.#expected();
    }
    throw new SyntaxError(`there is no function '${name}'`);
  }

  #fieldArgument(): TracepointField {
    const field = this.#fieldNamed(this.#name());
    this.#expect(")");
    return field;
  }

  #expected(): Expression {
    const value = this.expression();
    this.#expect(",");
    this.expression();
    this.#expect(")");
    return value;
  }

  #hex(between: string): Expression {
    const bytes = this.expression();
    this.#expect(",");
    const length = this.expression();
    this.#expect(")");
    return (data) =>
      Array.from(
        bytesOf(bytes(data)).subarray(0, Number(numberOf(length(data)))),
        (byte) => byte.toString(16).padStart(2, "0"),
      ).join(between);
  }

  #array(): Expression {
    const array = this.expression();
    this.#expect(",");
    const count = this.expression();
    this.#expect(",");
    const size = this.expression();
    this.#expect(")");
    return (data) => {
      const bytes = bytesOf(array(data)), each = Number(numberOf(size(data)));
      if (![1, 2, 4, 8].includes(each)) return "{}";
      const length = Math.min(Number(numberOf(count(data))), Math.floor(bytes.length / each));
      const view = viewOf(bytes);
      return `{${
        Array.from({ length }, (_, i) => `0x${unsignedAt(view, i * each, each).toString(16)}`).join(",")
      }}`;
    };
  }

  /** Reads `value, "delimiter", { mask, "name" }, ...)`. */
  #flags(): Expression {
    const value = this.expression();
    this.#expect(",");
    const delimiter = this.text(), pairs = this.#pairs();
    return (data) => {
      let left = BigInt.asUintN(64, numberOf(value(data)));
      const found: string[] = [];
      for (const { number, name } of pairs) {
        if (left === 0n && number < 0n) {
          found.push(name);
          break;
        }
        if (number <= 0n || (left & number) !== number) continue;
        found.push(name);
        left &= ~number;
      }
      if (left !== 0n) found.push(`0x${left.toString(16)}`);
      return found.join(delimiter);
    };
  }

  /** Reads `value, { number, "name" }, ...)`. */
  #symbolic(): Expression {
    const value = this.expression(), pairs = this.#pairs();
    const names = new Map(
      pairs.map(({ number, name }) => [BigInt.asUintN(64, number), name]).reverse() as [bigint, string][],
    );
    return (data) => {
      const number = BigInt.asUintN(64, numberOf(value(data)));
      return names.get(number) ?? `0x${number.toString(16)}`;
    };
  }

  /** Reads pairs of numbers and names, to the parenthesis behind them. A name in place of a number stands for -1. */
  #pairs(): { number: bigint; name: string }[] {
    const pairs: { number: bigint; name: string }[] = [];
    while (this.takes(",")) {
      this.#expect("{");
      if (this.takes("}")) continue;
      const first = this.#peek(), next = this.#tokens[this.#at + 1];
      const isName = first?.kind === "name" && next?.text === "," && !(first.text in KNOWN);
      const value = this.expression();
      this.#expect(",");
      // the list may end with a null pointer in place of a name
      const name = this.#peek()?.kind === "text" ? this.text() : void this.expression();
      this.#expect("}");
      if (name !== undefined) pairs.push({ number: isName ? -1n : numberOf(value(NO_DATA)), name });
    }
    this.#expect(")");
    return pairs;
  }

  #name(): string {
    const token = this.#peek();
    if (token?.kind !== "name") throw this.#unexpected();
    this.#at++;
    return token.text;
  }

  #expect(sign: string): void {
    if (!this.takes(sign)) throw this.#unexpected();
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #unexpected(): SyntaxError {
    return new SyntaxError(`unexpected '${this.#peek()?.text ?? "end"}'`);
  }
}

function bitsOf(words: readonly string[], isPointer: boolean): number {
  if (isPointer) return 0;
  if (words.length === 1 && words[0] in TYPES) return TYPES[words[0]];
  const has = (word: string) => words.includes(word);
  if (words.some((word) => !WORDS_OF_TYPES.has(word)) || has("struct") || has("enum") || has("union")) {
    return 0;
  }
  const bits = has("char") ? 8 : has("short") ? 16 : has("long") ? 64 : has("void") ? 0 : 32;
  return has("unsigned") ? bits : -bits;
}

function combined(sign: string, left: Expression, right: Expression): Expression {
  if (sign === "&&") return (data) => isTrue(left(data)) && isTrue(right(data)) ? 1n : 0n;
  if (sign === "||") return (data) => isTrue(left(data)) || isTrue(right(data)) ? 1n : 0n;
  return (data) => BigInt.asIntN(64, calculated(sign, numberOf(left(data)), numberOf(right(data))));
}

/** Calculates as libtraceevent does, whose values are unsigned long long. */
function calculated(sign: string, left: bigint, right: bigint): bigint {
  const a = BigInt.asUintN(64, left), b = BigInt.asUintN(64, right);
  switch (sign) {
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "&":
      return a & b;
    case "==":
      return a === b ? 1n : 0n;
    case "!=":
      return a !== b ? 1n : 0n;
    case "<":
      return a < b ? 1n : 0n;
    case ">":
      return a > b ? 1n : 0n;
    case "<=":
      return a <= b ? 1n : 0n;
    case ">=":
      return a >= b ? 1n : 0n;
    case "<<":
      return a << (b & 63n);
    case ">>":
      return a >> (b & 63n);
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0n ? 0n : a / b;
    default:
      return b === 0n ? 0n : a % b;
  }
}
