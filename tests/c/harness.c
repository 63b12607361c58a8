#include "harness.h"
#include "perf_helpers.h"

#include "../../ffi/shim/pmu.h"

#include <stdlib.h>
#include <string.h>

int checks_failed;

void check_failed(const char *file, int line, const char *what)
{
	printf("    %s:%d: not so: %s\n", file, line, what);
	checks_failed++;
}

void check_eq(const char *file, int line, const char *what, int64_t actual, int64_t expected)
{
	if (actual == expected)
		return;
	printf("    %s:%d: %s is %" PRId64 ", not %" PRId64 "\n", file, line, what, actual, expected);
	checks_failed++;
}

/* 0 when this process may count and sample itself, else -errno. */
static int32_t perf_refusal(void)
{
	int32_t fd = open_faults(0, -1, 0);

	if (fd < 0)
		return fd;
	pmu_close(fd);
	return 0;
}

int run_tests(const struct test *tests, int count)
{
	const char *ci = getenv("CI");
	int32_t refusal = perf_refusal();
	int passed = 0, failed = 0, skipped = 0;

	setvbuf(stdout, NULL, _IOLBF, 0); /* nothing buffered that a fork would print twice */
	for (int i = 0; i < count; i++) {
		checks_failed = 0;
		if (tests[i].needs_perf && refusal) {
			if (!ci || !*ci) {
				printf("SKIP %s: perf_event_open is refused here: %s\n", tests[i].name,
				       strerror(-refusal));
				skipped++;
				continue;
			}
			printf("    CI is set, and perf_event_open is refused: %s\n", strerror(-refusal));
			checks_failed++;
		} else {
			alarm(120); /* a test that hangs ends the program */
			tests[i].run();
			alarm(0);
		}
		printf("%s %s\n", checks_failed ? "FAILED" : "ok", tests[i].name);
		if (checks_failed)
			failed++;
		else
			passed++;
	}
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed > 0;
}
