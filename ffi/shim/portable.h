/*
 * Keeps the library loadable on hosts older than the one that built it. glibc 2.32 and 2.34 gave the
 * thread functions new symbol versions when they moved from libpthread into libc; the first ones are
 * still there, and on an old host Deno itself has libpthread loaded. scripts/build-shim defines
 * PMU_OLD_GLIBC; the C tests do not, so that the sanitizers see these calls.
 */
#ifndef PMU_PORTABLE_H
#define PMU_PORTABLE_H

#include <features.h>

#if defined(PMU_OLD_GLIBC) && defined(__GLIBC__)
#if defined(__x86_64__)
#define PMU_GLIBC_BASE "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define PMU_GLIBC_BASE "GLIBC_2.17"
#endif
#endif

#ifdef PMU_GLIBC_BASE
#define PMU_OLD_SYMBOL(name) __asm__(".symver " #name "," #name "@" PMU_GLIBC_BASE)
#else
#define PMU_OLD_SYMBOL(name) _Static_assert(1, "nothing to do")
#endif

#endif
