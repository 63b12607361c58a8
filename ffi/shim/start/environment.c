/* The environment of the runtime, and of a trial of it. */
#include "start.h"

size_t count_of(char **list)
{
	size_t count = 0;

	while (list[count])
		count++;
	return count;
}

void with_mark(char **into, char *mark, char **envp)
{
	*into++ = mark;
	while ((*into++ = *envp++))
		;
}

bool has_mark(char **envp, const char *mark)
{
	for (; *envp; envp++) {
		size_t i = 0;

		while (mark[i] && (*envp)[i] == mark[i])
			i++;
		if (!mark[i] && !(*envp)[i])
			return true;
	}
	return false;
}

/* Whether the text begins with `start`. */
static bool begins_with(const char *text, const char *start)
{
	while (*start)
		if (*text++ != *start++)
			return false;
	return true;
}

/* What the second letter of a hidden name becomes. */
#define HIDDEN '~'

/*
 * Hides from the runtime what is meant for other programs on it: NODE_OPTIONS has it open a debugger or load a file
 * of the working directory, COMPLETE has it print its own options, OTEL_DENO has it send what it does over the
 * network. The second letter of such a name becomes HIDDEN, and lib/base/system/launcher.ts puts it back for the commands
 * that pmuctl runs. The launcher's own settings stay.
 */
void hide_from_runtime(char **envp, bool injected)
{
	for (; *envp; envp++) {
		bool own =
			!injected && (begins_with(*envp, "DENO_DIR=") || begins_with(*envp, "DENO_NO_UPDATE_CHECK="));

		if (!own && (begins_with(*envp, "DENO_") || begins_with(*envp, "NODE_") ||
			     begins_with(*envp, "OTEL_") || begins_with(*envp, "COMPLETE=")))
			(*envp)[1] = HIDDEN;
	}
}
