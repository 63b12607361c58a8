/** Programs that are built here: C, C++, Rust and Go, in the ways that programs are built. */

import { command, lacks, LONG_MS, type Program, run, SOURCES, type Target } from "./program.ts";

const WORK_C = `${SOURCES}work.c`, WORK_CPP = `${SOURCES}work.cpp`;
const FRAME_POINTERS = "-fno-omit-frame-pointer";

/** Builds a program by `argv`, which gets -o and its path, and returns it as a target. */
async function built(folder: string, ...[compiler, ...args]: readonly string[]): Promise<Target> {
  await run(compiler, ...args, "-o", `${folder}/program`);
  return command(`${folder}/program`, LONG_MS);
}

interface Build {
  name: string;
  what: string;
  argv: readonly string[];
  /** Debian's packages of the compiler. */
  packages: string;
}

function compiled({ name, what, argv, packages }: Build): Program {
  return { name, what, missing: lacks(packages, argv[0]), make: (folder) => built(folder, ...argv) };
}

const c = (name: string, what: string, ...argv: string[]): Program =>
  compiled({ name, what, argv: [...argv, "-pthread", WORK_C], packages: "gcc libc6-dev musl-tools" });
const cpp = (name: string, what: string, ...argv: string[]): Program =>
  compiled({ name, what, argv: [...argv, "-std=c++17", "-pthread", WORK_CPP], packages: "g++ clang" });

/** All of them. */
export const COMPILED: readonly Program[] = [
  c("c", "C by gcc -O2", "gcc", "-O2"),
  c("c-fp", `C by gcc -O2 ${FRAME_POINTERS}`, "gcc", "-O2", FRAME_POINTERS),
  cpp("c++-gcc", "C++ by g++ -O2", "g++", "-O2"),
  cpp("c++-gcc-fp", `C++ by g++ -O2 ${FRAME_POINTERS}`, "g++", "-O2", FRAME_POINTERS),
  cpp("c++-clang", "C++ by clang++ -O2", "clang++", "-O2"),
  cpp("c++-clang-fp", `C++ by clang++ -O2 ${FRAME_POINTERS}`, "clang++", "-O2", FRAME_POINTERS),
  compiled({
    name: "rust",
    what: "Rust by rustc -O",
    argv: ["rustc", "-O", `${SOURCES}work.rs`],
    packages: "rustc",
  }),
  c("static-glibc", "C, static with glibc", "gcc", "-O2", "-static"),
  c("static-musl", "C, static with musl", "musl-gcc", "-O2", "-static"),
  cpp("stripped", "C++, stripped", "g++", "-O2", "-s"),
  {
    name: "dlopen",
    what: "C, in a plugin that is loaded and unloaded over and over",
    missing: lacks("gcc libc6-dev", "gcc"),
    make: async (folder) => {
      const plugin = `${folder}/plugin.so`;
      await run("gcc", "-O2", "-fPIC", "-shared", `${SOURCES}plugin.c`, "-o", plugin);
      await run("gcc", "-O2", `${SOURCES}host.c`, "-o", `${folder}/host`);
      return command(`${folder}/host`, plugin, LONG_MS);
    },
  },
  {
    name: "go",
    what: "Go",
    missing: lacks("golang-go", "go"),
    make: async (folder) => {
      await run("go", "build", "-o", `${folder}/program`, `${SOURCES}work.go`);
      return command(`${folder}/program`, LONG_MS);
    },
  },
];
