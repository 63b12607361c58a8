/*
 * Just enough to run C tests: a table of named functions, checks that go on after a failure, and a last
 * line `N passed, N failed, N skipped`. Tests that need perf_event_open fail when CI is set and it is
 * refused, and are skipped, loudly, when it is not.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

struct test {
	const char *name;
	void (*run)(void);
	bool needs_perf;
};

extern int checks_failed;

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			check_failed(__FILE__, __LINE__, #condition);                                                  \
	} while (0)

/* Compares as signed 64-bit numbers and says both. */
#define CHECK_EQ(actual, expected) check_eq(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))

/* Ends the test when it makes no sense to go on. */
#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			check_failed(__FILE__, __LINE__, #condition);                                                  \
			return;                                                                                        \
		}                                                                                                      \
	} while (0)

/* Waits for a condition that another thread or process brings about; fails after ten seconds. */
#define WAIT_UNTIL(condition)                                                                                          \
	do {                                                                                                           \
		int tries_ = 10000;                                                                                    \
		while (!(condition) && tries_-- > 0)                                                                   \
			usleep(1000);                                                                                  \
		CHECK(condition);                                                                                      \
	} while (0)

void check_failed(const char *file, int line, const char *what);
void check_eq(const char *file, int line, const char *what, int64_t actual, int64_t expected);

/* Runs them all; the result is main's. */
int run_tests(const struct test *tests, int count);
#define RUN_TESTS(tests) run_tests(tests, (int)(sizeof(tests) / sizeof((tests)[0])))

#endif
