/** Tokens of a tracepoint's `print fmt`. */

/** Most tokens of a format, of which the kernel's have up to 2,300. */
const MAX_TOKENS = 8192;
const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*")|('(?:[^'\\]|\\.)')|(0[xX][0-9a-fA-F]+|\d+)[uUlL]*|([A-Za-z_]\w*)|(->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>?:(){}\[\],.]))/y;
/** Token of the text. */
export interface Token {
  kind: "text" | "number" | "name" | "sign";
  text: string;
}

/** Splits text into tokens. Throws SyntaxError. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < end;) {
    const at = TOKEN.lastIndex, match = TOKEN.exec(text);
    if (match === null || tokens.length >= MAX_TOKENS) {
      throw new SyntaxError(`cannot read '${text.slice(at, at + 20)}'`);
    }
    const [, quoted, letter, number, name, sign] = match;
    if (quoted !== undefined) tokens.push({ kind: "text", text: unescaped(quoted.slice(1, -1)) });
    else if (letter !== undefined) {
      tokens.push({ kind: "number", text: String(unescaped(letter.slice(1, -1)).charCodeAt(0)) });
    } else if (number !== undefined) tokens.push({ kind: "number", text: octal(number) });
    else if (name !== undefined) tokens.push({ kind: "name", text: name });
    else tokens.push({ kind: "sign", text: sign });
  }
  return tokens;
}

function octal(number: string): string {
  return /^0[0-7]+$/.test(number) ? `0o${number.slice(1)}` : number.replace(/^0+(?=\d)/, "");
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", 0: "\0" };

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}
