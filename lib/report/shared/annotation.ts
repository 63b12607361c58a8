/** Model of an annotated function: its instructions and source lines, with the samples in each. */

/** Weight of samples in a place of the code. */
export interface SampleWeight {
  /** Number of samples. */
  samples: number;
  /** Sum of their periods: events, or ns for the clock events. */
  period: number;
}

/** Instruction of the function. */
export interface AnnotatedInstruction extends SampleWeight {
  /** Address that the object was linked for; of the kernel, the one in memory. */
  address: number;
  /** Assembly, without the address. */
  text: string;
  /** Address that it jumps to, if that is in the function. */
  target?: number;
  /** Row of `Annotation.lines`; -1 if unknown. */
  line: number;
  /** Names of the inlined functions that it is of, the outermost first. */
  inlined: readonly string[];
  /** Number of instructions before it that are not shown. */
  leftOut: number;
}

/** Source line with code of the function. */
export interface SourceLine extends SampleWeight {
  /** Path as given to the compiler. */
  file: string;
  /** Number from 1; 0 for code that the compiler made up. */
  line: number;
  /** Text, without very long lines' ends; undefined where it is not shown. */
  text?: string;
}

/** Annotated function. */
export interface Annotation {
  /** Name of the function; empty where no sample is left to annotate. */
  symbol: string;
  /** Path of the object that it is in; empty where there is no function. */
  object: string;
  /** Name of the event, and the unit of its periods. */
  event: string;
  unit: "ns" | "events";
  /** Weight of the function itself, and of all samples of the event. */
  self: SampleWeight;
  all: SampleWeight;
  /** Instructions in the order of their addresses; empty where they cannot be shown. Of very large functions not all. */
  instructions: AnnotatedInstruction[];
  /** Source lines in the order of their first instruction. */
  lines: SourceLine[];
  /** Problems, a sentence each. */
  warnings: string[];
}

/** Returns the text of a source line with tabs of four columns, which are those of many sources, and fit beside the rest. */
export function shownSource(text: string): string {
  return text.trimEnd().replaceAll("\t", "    ");
}
