/*
 * Copies what /proc/self tells of this process into a folder, a file each.
 *
 *     look FOLDER [ANYTHING]...
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *folder;

static FILE *out(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fopen(path, "we");
}

static void link_to(FILE *to, const char *name)
{
	char path[4096], target[4096];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	length = readlink(path, target, sizeof(target));
	if (length > 0)
		fprintf(to, "%s %.*s\n", strncmp(name, "fd/", 3) ? name : name + 3, (int)length, target);
}

int main(int argc, char **argv)
{
	static const char *files[] = { "cmdline",     "environ",       "limits",          "status",
				       "stat",        "oom_score_adj", "coredump_filter", "timerslack_ns",
				       "personality", "loginuid",      "cgroup" };
	static const char *links[] = { "cwd", "root", "exe", "ns/pid", "ns/mnt", "ns/user" };
	char name[4096], bytes[65536];
	FILE *to;

	if (argc < 2)
		return 2;
	folder = argv[1];
	to = out("fd");
	for (int fd = 0; fd < 4096; fd++)
		if (to && fd != fileno(to)) {
			snprintf(name, sizeof(name), "fd/%d", fd);
			link_to(to, name);
		}
	if (!to || fclose(to))
		return 1;
	to = out("links");
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		link_to(to, links[i]);
	fclose(to);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int from;
		ssize_t length;

		snprintf(name, sizeof(name), "/proc/self/%s", files[i]);
		from = open(name, O_RDONLY | O_CLOEXEC);
		if (from < 0)
			continue;
		to = out(files[i]);
		while ((length = read(from, bytes, sizeof(bytes))) > 0)
			fwrite(bytes, 1, (size_t)length, to);
		fclose(to);
		close(from);
	}
	return 0;
}
