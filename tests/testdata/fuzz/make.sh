#!/bin/sh
# Makes the files of this folder anew, with xz and with g++ 12 and binutils 2.40 for x86_64 (and its 32-bit mode).
set -eu
out=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir deep
cat >deep/half.h <<'END'
static inline __attribute__((always_inline)) int half(int x) { return x & 1 ? (x + 1) / 2 : x / 2; }
END
cat >program.cc <<'END'
#include "deep/half.h"
namespace space { template <class T> struct Box { T get(T x) { return half(x) * 3; } }; }
int global;
__attribute__((noinline)) int collatz(int x) {
  int steps = 0;
  while (x != 1) {
    x = x & 1 ? 3 * x + 1 : half(x);
    steps++;
  }
  return steps;
}
template int space::Box<int>::get(int);
extern "C" __attribute__((noinline)) void exported() { global += collatz(global); }
extern "C" void _start() { for (;;) exported(); }
END
cat >library.c <<'END'
int other(int);
int twice(int x) { return other(x) + other(x + 1); }
END
cat >module.c <<'END'
#include "deep/half.h"
int counted;
__attribute__((section(".init.text"), used)) int starts(int x) { return x + counted; }
__attribute__((noinline)) int first(int x) { return half(x) * counted; }
__attribute__((section(".text.unlikely"), noinline)) int rare(int x) { return counted = half(first(x)); }
END
small="-nostdlib -Wl,--build-id=sha1 -Wl,-z,noseparate-code -Wl,-z,norelro -Wl,--hash-style=gnu -fcf-protection=none"
small="$small -fno-asynchronous-unwind-tables -gno-record-gcc-switches -ffile-prefix-map=$dir=/src"
build() { # build NAME FLAG...: the program as NAME
  name=$1
  shift
  g++ -O2 $small -static -no-pie "$@" -o "$out/$name" program.cc
}
for version in 2 3 4 5; do build dwarf$version.elf -gdwarf-$version; done
build dwarf64.elf -gdwarf-4 -gdwarf64
build i386.elf -m32 -gdwarf-5
build zlib.elf -g -gz=zlib
objcopy --compress-debug-sections=zstd "$out/dwarf5.elf" "$out/zstd.elf"
objcopy --compress-debug-sections=zlib-gnu "$out/dwarf5.elf" "$out/zlib-gnu.elf"
gcc -O1 $small -shared -fPIC -Wl,-z,lazy -o "$out/library.elf" library.c
objcopy --only-keep-debug "$out/dwarf5.elf" program.debug
objcopy -S --keep-symbol=_Z7collatzi program.debug mini
xz -k mini
objcopy -S --add-section .gnu_debugdata=mini.xz "$out/dwarf5.elf" "$out/mini.elf"
objcopy -S --add-gnu-debuglink=program.debug "$out/dwarf5.elf" "$out/debuglink.elf"
gcc -O1 -g -ffreestanding -fno-pic -mcmodel=kernel -fcf-protection=none -gno-record-gcc-switches \
  -ffile-prefix-map="$dir"=/src -c module.c
ld -r --build-id=sha1 -o "$out/module.elf" module.o
chmod 644 "$out"/*.elf
head -c 2097152 /dev/zero | xz --check=none --lzma2=preset=0,dict=1MiB -c >"$out/zeros.xz"
