import { assert, assertEquals } from "@std/assert";
import {
  functionNamed,
  splitFunctionNames,
  splitNames,
} from "../../../lib/profile/request/function_names.ts";

Deno.test("a list of functions is split at commas outside of brackets", () => {
  const cases: [text: string, names: string[]][] = [
    ["work", ["work"]],
    ["work, other", ["work", "other"]],
    ["f(int, long),g", ["f(int, long)", "g"]],
    ["map<int,long>::at", ["map<int,long>::at"]],
    ["map<int, pair<a,b>>::at(f<c,d> const&, int),main", [
      "map<int, pair<a,b>>::at(f<c,d> const&, int)",
      "main",
    ]],
    ["main.f[go.shape.int,go.shape.string],main.g", ["main.f[go.shape.int,go.shape.string]", "main.g"]],
    ["f(int, long)::{lambda(int, char)#1}::operator()(int, char) const,g", [
      "f(int, long)::{lambda(int, char)#1}::operator()(int, char) const",
      "g",
    ]],
    ["operator<,operator->(a, b),x::operator<<(a, b),operator()(a, b)", [
      "operator<",
      "operator->(a, b)",
      "x::operator<<(a, b)",
      "operator()(a, b)",
    ]],
    ["f<(a>b), int>,g", ["f<(a>b), int>", "g"]],
    ["a\\,b,c", ["a,b", "c"]],
    ["operator,(int),ns::operator,<int>(a, b),operator,,main,x::operator,", [
      "operator,(int)",
      "ns::operator,<int>(a, b)",
      "operator,",
      "main",
      "x::operator,",
    ]],
    ["operator\\,(int),main", ["operator,(int)", "main"]],
    ["operator,main", ["operator", "main"]],
    // brackets that do not match part nothing
    ["a(,b", ["a(", "b"]],
    ["a),b(", ["a)", "b("]],
  ];
  for (const [text, names] of cases) assertEquals(splitFunctionNames(text), names, text);
});

Deno.test("a list of other names is split at every comma but those that are escaped", () => {
  assertEquals(splitNames("a, b"), ["a", "b"]);
  assertEquals(splitNames("pool (1\\,2),/tmp/x\\,y.so"), ["pool (1,2)", "/tmp/x,y.so"]);
});

Deno.test("a name with commas that is known as it stands is not split", () => {
  const known = ["LazyCompile:~f a, b", "a,b", "a", "b", "c,d", "c,d,e", "x(,y", "main"];
  const cases: [text: string, names: string[]][] = [
    ["a,b", ["a,b"]],
    ["b,a", ["b", "a"]],
    ["main, a,b ,b", ["main", "a,b", "b"]],
    ["c,d,e", ["c,d,e"]],
    ["c,d,f", ["c,d", "f"]],
    ["c\\,d,e", ["c,d", "e"]],
    ["LazyCompile:~f a, b,main", ["LazyCompile:~f a, b", "main"]],
    ["x(,y,main", ["x(,y", "main"]],
    // a part of a name is none
    ["aa,b", ["aa", "b"]],
    ["a,bb", ["a", "bb"]],
    ["a,", ["a", ""]],
    ["", [""]],
  ];
  for (const [text, names] of cases) {
    assertEquals(splitFunctionNames(text, known), names, text);
    assertEquals(splitNames(text, known), names, text);
  }
});

Deno.test("a name means functions with their parameters or without, and with any blanks at commas", () => {
  const cases: [name: string, wanted: string[]][] = [
    ["work", ["work"]],
    ["ns::work(int, long)", [
      "ns::work",
      "ns::work(int, long)",
      "ns::work(int,long)",
      " ns::work( int ,long )",
    ]],
    ["std::map<int, long>::at(int const&)", [
      "std::map<int,long>::at",
      "std::map<int, long>::at(int const &)",
    ]],
    ["ns::A::size() const", ["ns::A::size", "ns::A::size() const"]],
    ["ns::work(int) [clone .cold]", ["ns::work", "ns::work(int) [clone .cold]"]],
    ["ns::work(int) (.part.0)", ["ns::work"]],
    ["void ns::each<int>(void (*)(int), long)", [
      "ns::each<int>",
      "void ns::each<int>",
      "ns::each<int>(void (*)(int), long)",
    ]],
    ["std::vector<int, std::allocator<int> > ns::made<int>()", ["ns::made<int>", "ns::made<int>()"]],
    ["(anonymous namespace)::f(int)", ["(anonymous namespace)::f"]],
    ["ns::F::operator()(int) const", ["ns::F::operator()", "ns::F::operator()(int) const"]],
    ["bool ns::operator< <int>(ns::A const&, int)", ["ns::operator< <int>", "ns::operator<<int>"]],
    ["ns::A::operator unsigned long() const", ["ns::A::operator unsigned long"]],
    ["f[abi:cxx11](int)", ["f[abi:cxx11]"]],
    ["void com.Foo.bar(int)", ["com.Foo.bar"]],
    ["<T as core::fmt::Display>::fmt", ["<T as core::fmt::Display>::fmt"]],
    ["main.(*T).Method", ["main.(*T).Method"]],
    ["libfoo.so+0x1a40", ["libfoo.so+0x1a40"]],
  ];
  for (const [name, wanted] of cases) {
    for (const each of wanted) assert(functionNamed([each])(name), `${each} for ${name}`);
  }
});

Deno.test("a name does not mean functions that only have it in theirs", () => {
  const cases: [name: string, other: string[]][] = [
    ["ns::work(int, long)", ["work", "ns", "ns::work(int)", "ns::wor", "ns::work(int, long) const", ""]],
    ["f(int)::{lambda(long)#1}::operator()(long) const", ["f", "f(int)", "operator()"]],
    ["non-virtual thunk to ns::A::f(int)", ["ns::A::f", "f"]],
    ["guard variable for f()::x", ["f", "f()::x"]],
    ["ns::F::operator()(int) const", ["ns::F::operator", "ns::F"]],
    ["std::map<int, long>::at(int const&)", ["std::map", "at", "long>::at"]],
    ["(anonymous namespace)", ["anonymous namespace"]],
    ["unsigned long f(int)", ["long f", "unsigned longf"]],
    ["work", ["work()", "work(int)"]],
  ];
  for (const [name, others] of cases) {
    for (const each of others) assert(!functionNamed([each])(name), `${each} for ${name}`);
  }
});

Deno.test("names that a stranger made take no longer than others of their length", () => {
  const size = 1 << 16, isNamed = functionNamed(["a"]);
  const before = performance.now();
  for (const part of ["a[", "a ", "a.", "(a", "a)", "operator", "a<", "a> "]) {
    isNamed(part.repeat(size / part.length) + ")");
    isNamed(`a(${part.repeat(size / part.length)})`);
  }
  assert(performance.now() - before < 2000, `${performance.now() - before} ms`);
});
