/** Symbol names as reports show them: demangled where they are shown. */

import { greatest } from "../../base/bytes/lists.ts";
import { Demangler, isMangled } from "../../symbols/table/demangle.ts";
import { countingSort } from "../model/profile.ts";
import type { SampleColumns } from "../model/tables.ts";

/** Returns a test whether a symbol is innermost in at least `percent` of the weight of some event. */
export function symbolsFrom(
  percent: number,
  symbols: number,
  symbolOfFrame: Int32Array,
  frameOfStack: Int32Array,
  { event, stack, period }: SampleColumns,
): (symbol: number) => boolean {
  const isShown = new Uint8Array(symbols), weight = new Float64Array(symbols);
  const least = percent / 100 * (1 - 1e-9); // whoever compares rows with the limit may round otherwise
  const symbolOf = (row: number) => symbolOfFrame[frameOfStack[stack[row]]];
  // event by event, since there may be very many events or symbols
  const { order, ends } = countingSort(event, Math.max(0, greatest(event) + 1));
  for (let e = 0, from = 0; e < ends.length; from = ends[e++]) {
    const rows = order.subarray(from, ends[e]);
    let whole = 0;
    for (const row of rows) {
      const symbol = symbolOf(row);
      if (symbol >= 0) weight[symbol] += period[row];
      whole += period[row];
    }
    for (const row of rows) {
      const symbol = symbolOf(row);
      if (symbol >= 0 && weight[symbol] >= whole * least) isShown[symbol] = 1;
    }
    for (const row of rows) if (symbolOf(row) >= 0) weight[symbolOf(row)] = 0;
  }
  return (symbol) => isShown[symbol] === 1;
}

/**
 * Demangles the names of the symbols that are shown. Returns the names unchanged, with a warning, if the demangler
 * cannot be loaded.
 */
export async function readable(
  names: string[],
  isShown: (symbol: number) => boolean = () => true,
): Promise<{ names: string[]; warning?: string }> {
  if (!names.some((name, symbol) => isMangled(name) && isShown(symbol))) return { names };
  const demangler = await Demangler.load();
  if (demangler instanceof Demangler) {
    const shown = names.map((name, symbol) => isShown(symbol) ? demangler.readable(name) : name);
    const { refused } = demangler;
    return {
      names: shown,
      warning: refused > 0
        ? `${refused} C++ and Rust names are shown mangled: demangling them would take too long, or make them too long`
        : undefined,
    };
  }
  return {
    names,
    warning: `C++ and Rust names are shown mangled: cannot load the demangler (${demangler.failure}): ` +
      "make pmuctl's packages readable for this user, or use its compiled binary",
  };
}
