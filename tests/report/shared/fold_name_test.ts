import { assertEquals } from "@std/assert";
import { displayWidth } from "../../../lib/base/text/width.ts";
import { foldName } from "../../../lib/report/shared/fold_name.ts";

/** Names, and what they are folded to in how many columns. */
const FOLDED: Record<string, Record<number, string>> = {
  "std::map<int, std::vector<int, std::allocator<int>>>::at(int const&)": {
    68: "std::map<int, std::vector<int, std::allocator<int>>>::at(int const&)",
    67: "std::map<int, std::vector<int, std::allocator<…>>>::at(int const&)",
    50: "std::map<int, std::vector<…>>::at(int const&)",
    27: "std::map<…>::at(int const&)",
    24: "std::map<…>::at(…)",
    10: "…::at(…)",
  },
  "std::vector<std::pair<int, long> >::push_back(std::pair<int, long>&&)": {
    30: "std::vector<…>::push_back(…)",
  },
  "bool operator< <char, std::char_traits<char> >(std::string const&, char const*)": {
    51: "bool operator< <char, std::char_traits<char> >(…)",
    24: "bool operator< <…>(…)",
    20: "… operator< <…>(…)",
  },
  "(anonymous namespace)::Key::operator<((anonymous namespace)::Key const&) const": {
    60: "(anonymous namespace)::Key::operator<(…) const",
    30: "…::Key::operator<(…) const",
  },
  "std::ostream& operator<< <std::char_traits<char> >(std::ostream&, char const*)": {
    32: "std::ostream& operator<< <…>(…)",
  },
  "auto operator<=><int>(A<int> const&, A<int> const&)": { 30: "auto operator<=><int>(…)" },
  "X<int>::operator>>=(std::vector<int> const&)": { 25: "X<int>::operator>>=(…)" },
  "std::unique_ptr<int, std::default_delete<int> >::operator->() const": {
    50: "std::unique_ptr<…>::operator->() const",
  },
  "Fn::operator()(int, std::vector<int, std::allocator<int> > const&) const": {
    50: "Fn::operator()(int, std::vector<…> const&) const",
    30: "Fn::operator()(…) const",
  },
  "std::less<void>::operator()<int>(int, int)": { 30: "std::less<…>::operator()<…>(…)" },
  "A::operator std::vector<int, std::allocator<int> >() const": { 40: "A::operator std::vector<…>() const" },
  "main::{lambda(int)#2}::operator()(int, std::vector<int>) const": {
    50: "main::{lambda(int)#2}::operator()(…) const",
  },
  "f(std::vector<int> const&)::'lambda'(int)::operator()(int) const": {
    45: "f(…)::'lambda'(int)::operator()(int) const",
    36: "…::'lambda'(…)::operator()(…) const",
    24: "…::operator()(…) const",
  },
  "void (*signal_handler_of(int, void (*)(int)))(int)": { 34: "void (*signal_handler_of(…))(int)" },
  "std::function<void (*(int, long))(char)>::call(void (*)(int, long))": {
    40: "std::function<…>::call(void (*)(…))",
  },
  "decltype (f(n)) apply<main::{lambda(int)#2}>(main::{lambda(int)#2}, int)": {
    36: "decltype (f(n)) apply<…>(…)",
    20: "… apply<…>(…)",
  },
  "std::enable_if<((sizeof (int)) < (8)), int>::type f<int>(int)": {
    50: "std::enable_if<…>::type f<int>(int)",
    20: "…::type f<…>(…)",
  },
  "foo(int, std::vector<int>) [clone .isra.0] [clone .cold]": { 50: "foo(…) [clone .isra.0] [clone .cold]" },
  "foo[abi:cxx11](int, std::vector<int>)": { 30: "foo[abi:cxx11](…)" },
  "{virtual override thunk({offset(-24)}, std::basic_ostream<char>::~basic_ostream())}": {
    75: "{virtual override thunk({offset(-24)}, std::basic_ostream<…>::~basic_ostream())}",
  },
  "<alloc::vec::Vec<T,A> as core::iter::traits::collect::Extend<T>>::extend": {
    70: "<alloc::vec::Vec<…> as core::iter::traits::collect::Extend<T>>::extend",
    50: "<…::Vec<…> as …::Extend<T>>::extend",
    20: "<…>::extend",
  },
  "core::ptr::drop_in_place::<alloc::vec::Vec<alloc::string::String>>": {
    50: "core::ptr::drop_in_place::<alloc::vec::Vec<…>>",
    36: "core::ptr::drop_in_place::<…>",
    24: "…::drop_in_place::<…>",
  },
  "<F as core::ops::FnOnce<fn(u32) -> u8>>::call_once": { 45: "<F as core::ops::FnOnce<…>>::call_once" },
  "main.(*Server).handle[go.shape.string,go.shape.int]": { 40: "main.(*Server).handle[…]" },
  "ns::漢字<int, int>::漢字(int, int)": { 24: "ns::漢字<…>::漢字(…)" },
  "unsigned long ns::inner::compute<int>(int, int)": { 24: "…::inner::compute<…>(…)" },
  "operator new(unsigned long)": { 20: "operator new(…)" },
};

Deno.test("foldName() folds what is in brackets, the innermost first, and what is needed alone", () => {
  for (const [name, widths] of Object.entries(FOLDED)) {
    for (const [width, folded] of Object.entries(widths)) {
      assertEquals(foldName(name, Number(width)), folded, `${name} in ${width} columns`);
    }
  }
});

Deno.test("foldName() leaves what fits, and what has nothing to fold", () => {
  for (const name of Object.keys(FOLDED)) {
    assertEquals(foldName(name, displayWidth(name)), name);
    assertEquals(foldName(name, Infinity), name);
  }
  const script = "LazyCompile:*render file:///srv/app/module.js:12:3";
  for (
    const name of [script, "a_c_function_of_a_long_name", "weird<unclosed(", ">>)(<", "{{closure}}", "<"]
  ) {
    assertEquals(foldName(name, 5), name);
  }
});

Deno.test("foldName() takes no long time for hostile names", () => {
  const start = performance.now();
  for (const piece of ["(", "a(", "<", "a<", "::", "a<b>::", "operator", "operator<", "{", " a"]) {
    foldName(piece.repeat(60_000 / piece.length), 20);
  }
  foldName("a(".repeat(16_000) + ")".repeat(16_000), 20);
  foldName("<" + "a::".repeat(20_000) + "b>::f", 20);
  const seconds = (performance.now() - start) / 1000;
  assertEquals(seconds < 5, true, `${seconds} s`);
});
