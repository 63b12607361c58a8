/**
 * Checks doc comments: `check-comments.ts [ROOT]`. Everything that a module exports has one, and each stands alone: it
 * says what the thing is or does without the comment above it. Prints each violation as `FILE:LINE: RULE`, and exits
 * with 1 when there are any.
 */

import { programFiles, readSources } from "./sources.ts";
import { counted } from "../lib/base/text/plural.ts";

/** Openers that make a comment a fragment, or the continuation of another. */
const FRAGMENT =
  /^(?:The same|Of|What|Where|And|But|Or|Which|Who|Whose|Whom|That|Those|These|They|It|Its|He|She|Also|Likewise|As|With|Without|For|From|To|In|On|At|By|If|So|Because|Since|Like|Behind|Not|No|Nor|Else|Otherwise|Then|Than|There|Here|Such|Is|Are|Was|Were|Has|Have|Be)\b/i;

/** Third-person verbs end in s; these words do, too, and are none. */
const NOT_VERBS = new Set([
  "this",
  "its",
  "bytes",
  "samples",
  "names",
  "words",
  "lines",
  "files",
  "events",
  "rows",
]);

/** What a doc comment stands above. */
type Subject = "module" | "function" | "export" | "member";

/** A doc comment of a source. */
interface DocComment {
  /** 1-based line that it starts on. */
  line: number;
  /** Its text, without the stars. */
  text: string;
  subject: Subject;
}

const DOC_COMMENT = /\/\*\*([\s\S]*?)\*\//g;
const FUNCTION = /^(?:export\s+)?(?:default\s+)?(?:async\s+)?function\b(?!\s*\??:)/;
const METHOD =
  /^(?:(?:static|async|override|public|protected|abstract)\s+|\*\s*)*(?:#?\w+|\[[\w.]+\])\s*(?:<[^>(]*>)?\(/;
const ACCESSOR_OR_CONSTRUCTOR = /^(?:(?:static|override)\s+)*(?:get|set)\s+#?\w+\s*\(|^constructor\s*\(/;
const EXPORT =
  /^export\s+(?:default\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|interface|type|enum|const|let)\s+([\w$]+)/gm;

/** Returns the doc comments of a module's source, in order. */
export function docComments(source: string): DocComment[] {
  return [...source.matchAll(DOC_COMMENT)].map((match) => {
    const behind = source.slice(match.index + match[0].length).trimStart();
    const text = match[1].replace(/^\s*\* ?/gm, "").replace(/\s+/g, " ").trim();
    const line = source.slice(0, match.index).split("\n").length;
    return { line, text, subject: subjectOf(behind, match.index) };
  });
}

/** Returns what the code behind a comment declares; `at` is where the comment starts. */
function subjectOf(code: string, at: number): Subject {
  if (at === 0 && /^(?:import\b|\/\*\*|\/\/|export \{|export \*)/.test(code)) return "module";
  if (FUNCTION.test(code)) return "function";
  if (code.startsWith("export")) return "export";
  return METHOD.test(code) && !ACCESSOR_OR_CONSTRUCTOR.test(code) ? "function" : "member";
}

/** Returns why a doc comment cannot stand alone; undefined when it can. */
export function fragmentIn({ text, subject }: DocComment): string | undefined {
  const first = text.split(/[\s,.;:(]/)[0];
  if (text.startsWith("@")) return undefined;
  if (FRAGMENT.test(text)) return `starts with '${first}': start with a verb or a noun`;
  if (subject !== "function") return undefined;
  const isVerb = /^[A-Z][a-z-]*s$/.test(first) && !NOT_VERBS.has(first.toLowerCase());
  return isVerb
    ? undefined
    : `starts with '${first}', above a function: start with a verb ("Returns", "Reads")`;
}

/** Returns the declarations that a module exports: name, 1-based line, and where it starts in the source. */
export function exportsIn(source: string): { name: string; line: number; at: number }[] {
  return [...source.matchAll(EXPORT)].map(({ index, 1: name }) => {
    return { name, line: source.slice(0, index).split("\n").length, at: index };
  });
}

/** Returns the lines of exported declarations that have no doc comment, with their names. */
export function undocumented(source: string): { line: number; name: string }[] {
  const documented = new Set<string>();
  return exportsIn(source).flatMap(({ name, line, at }) => {
    const before = source.slice(0, at).trimEnd();
    const hasComment = before.endsWith("*/") && before.startsWith("/**", before.lastIndexOf("/*"));
    // an overload's comment stands above its first signature
    if (hasComment) documented.add(name);
    return documented.has(name) ? [] : [{ line, name }];
  });
}

/** Returns what is wrong with the comments of one file; `path` is from the root. */
export function violations(path: string, source: string): string[] {
  return [
    ...docComments(source).flatMap((comment) => {
      const rule = fragmentIn(comment);
      return rule === undefined ? [] : [`${path}:${comment.line}: ${rule}`];
    }),
    ...undocumented(source).map(({ line, name }) => `${path}:${line}: exports ${name} without a doc comment`),
  ];
}

if (import.meta.main) {
  const root = Deno.args[0] ?? new URL("..", import.meta.url).pathname;
  const sources = readSources(root, programFiles(root));
  const found = [...sources].flatMap(([path, source]) => violations(path, source));
  for (const line of found) console.error(line);
  const comments = [...sources.values()].reduce((sum, source) => sum + docComments(source).length, 0);
  console.log(`${counted(comments, "doc comment")}, ${counted(found.length, "violation")}`);
  if (found.length) Deno.exit(1);
}
