// Calls of many kinds, for as many ms as asked for: recursion, callbacks from the C library, large and variable frames,
// a signal handler, the vdso, a thread.
#define _GNU_SOURCE
#include <alloca.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

// Rounds for a thread: some 50 ms, since a thread has no sample in its first ms.
#define ROUNDS 200
#define NOINLINE __attribute__((noinline))

struct node {
	struct node *left, *right;
	int key;
};

static volatile long sink;
static volatile sig_atomic_t ticks;
static jmp_buf escape;

static NOINLINE struct node *insert(struct node *at, struct node *added)
{
	if (!at)
		return added;
	if (added->key < at->key)
		at->left = insert(at->left, added);
	else
		at->right = insert(at->right, added);
	return at;
}

static NOINLINE long visit(const struct node *at, long (*value)(const struct node *))
{
	return at ? visit(at->left, value) + value(at) + visit(at->right, value) : 0;
}

static NOINLINE long digits(const struct node *at)
{
	char text[32];
	return snprintf(text, sizeof(text), "%d.%s", at->key, at->left ? "left" : "");
}

static NOINLINE long tree(int count)
{
	struct node *nodes = calloc((size_t)count, sizeof(*nodes)), *root = NULL;
	unsigned key = 12345;
	for (int i = 0; i < count; i++) {
		key = key * 1103515245 + 12345;
		nodes[i].key = (int)(key >> 8) % 100000;
		root = insert(root, &nodes[i]);
	}
	long sum = visit(root, digits);
	free(nodes);
	return sum;
}

static NOINLINE int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static NOINLINE long sort(int count)
{
	char **words = malloc((size_t)count * sizeof(*words));
	for (int i = 0; i < count; i++) {
		words[i] = malloc(16);
		snprintf(words[i], 16, "key%d", i * 7919 % count);
	}
	qsort(words, (size_t)count, sizeof(*words), compare);
	long sum = (long)strlen(words[count / 2]);
	for (int i = 0; i < count; i++)
		free(words[i]);
	free(words);
	return sum;
}

// A recursive descent: sum := product { '+' product }; product := value { '*' value }; value := digit | '(' sum ')'
static NOINLINE long parse_sum(const char **at);

static NOINLINE long parse_value(const char **at)
{
	if (**at != '(')
		return *(*at)++ - '0';
	(*at)++;
	long value = parse_sum(at);
	if (*(*at)++ != ')')
		longjmp(escape, 1);
	return value;
}

static NOINLINE long parse_product(const char **at)
{
	long value = parse_value(at);
	while (**at == '*') {
		(*at)++;
		value = value * parse_value(at) % 1000003;
	}
	return value;
}

static NOINLINE long parse_sum(const char **at)
{
	long value = parse_product(at);
	while (**at == '+') {
		(*at)++;
		value += parse_product(at);
	}
	return value;
}

static NOINLINE long parse(const char *text)
{
	return setjmp(escape) ? -1 : parse_sum(&text);
}

// A frame of which the size is known only as it runs.
static NOINLINE long variable(int count)
{
	int *values = alloca((size_t)count * sizeof(*values));
	for (int i = 0; i < count; i++)
		values[i] = i ^ count;
	long sum = 0;
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < count; i++)
			sum += values[i] * round;
	return sum;
}

static NOINLINE int format(char *out, size_t size, const char *how, ...)
{
	va_list args;
	va_start(args, how);
	int length = vsnprintf(out, size, how, args);
	va_end(args);
	return length;
}

// Frames as large as a path, which programs that handle files have.
static NOINLINE long paths(int depth)
{
	char path[PATH_MAX];
	int length = format(path, sizeof(path), "/%0*d/%s/%g", depth * 20, depth, "name", depth * 0.37);
	return depth ? length + paths(depth - 1) : length;
}

static NOINLINE long clocks(int count)
{
	long sum = 0;
	for (int i = 0; i < count; i++) {
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		sum += now.tv_nsec & 1;
	}
	return sum;
}

static NOINLINE long spin(int count)
{
	unsigned long value = 1;
	for (int i = 0; i < count; i++)
		value = value * 6364136223846793005ul + (unsigned long)i;
	return (long)(value >> 40);
}

static void on_tick(int number)
{
	(void)number;
	ticks++;
	sink += spin(100000);
}

static NOINLINE void round_of_work(void)
{
	sink += tree(400) + sort(400);
	sink += parse("((1+2)*(3+4*(5+6*(7+8)))+9*(1+2*(3+4))*((5+6)*(7+8)))*(((((1+2)*3)+4)*5)+6)");
	sink += parse("((1+2)*(3+4*(5+6*(7+8])))");
	sink += variable(500) + paths(3) + clocks(1000) + spin(20000);
}

static NOINLINE void work(int rounds)
{
	for (int i = 0; i < rounds; i++)
		round_of_work();
}

static void *thread_work(void *arg)
{
	work(ROUNDS);
	return arg;
}

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	long end = now_ms() + (argc > 1 ? atol(argv[1]) : 500);
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	sigaction(SIGALRM, &action, NULL);
	struct itimerval timer = { { 0, 5000 }, { 0, 5000 } };
	setitimer(ITIMER_REAL, &timer, NULL);
	while (now_ms() < end) {
		work(ROUNDS);
		pthread_t thread;
		if (pthread_create(&thread, NULL, thread_work, NULL) == 0)
			pthread_join(thread, NULL);
	}
	printf("%ld %d\n", sink, (int)ticks);
}
