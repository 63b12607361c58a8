/** Brackets in the names of functions, as C++, Rust, Go and Java write them. */

/** Closing bracket of each opening one. */
export const CLOSING: Readonly<Record<string, string>> = { "<": ">", "(": ")", "[": "]", "{": "}" };
/**
 * Names of operators, whose brackets are not brackets, and whose comma parts nothing. Longer ones come first: `operator->`
 * before `operator-`. Sticky: set `lastIndex` before each use.
 */
export const OPERATOR =
  /\boperator ?(?:<=>|<<=|>>=|->\*|<<|>>|<=|>=|->|\(\)|\[\]|<|>)|\boperator,(?= ?[(<,\[]|$)|\boperator (?:new|delete)\[\]/y;

/** Returns the positions of a `letter` outside of all brackets; undefined if the brackets do not match. */
export function outsideBrackets(text: string, letter: string): number[] | undefined {
  const open: string[] = [], found: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const here = text[at];
    OPERATOR.lastIndex = at;
    if (here === "o" && OPERATOR.test(text)) at = OPERATOR.lastIndex - 1;
    else if (here === "-" && text[at + 1] === ">") at++;
    else if (here in CLOSING) open.push(CLOSING[here]);
    else if (here === open[open.length - 1]) open.pop();
    else if (here === ")" || here === "]" || here === "}") return undefined;
    else if (here === letter && open.length === 0) found.push(at);
  }
  return open.length === 0 ? found : undefined;
}
