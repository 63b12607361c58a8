/* The one line that says why the runtime would not come up here. */
#include "start.h"

#define EXIT_UNSUPPORTED 3

void add_text(struct line *line, const char *text)
{
	while (*text && line->length < sizeof(line->text))
		line->text[line->length++] = *text++;
}

void add_number(struct line *line, uint64_t number)
{
	char digits[24];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	add_text(line, digits + at);
}

void begin_line(struct line *line, const char *cause)
{
	line->length = 0;
	add_text(line, "pmuctl: cannot start: ");
	add_text(line, cause);
}

__attribute__((noreturn)) void end_line(struct line *line)
{
	add_text(line, "\n");
	CALL3(SYS_write, 2, line->text, line->length);
	quit(EXIT_UNSUPPORTED);
}

__attribute__((noreturn)) void fail(const char *cause_and_remedy)
{
	struct line line;

	begin_line(&line, cause_and_remedy);
	end_line(&line);
}
