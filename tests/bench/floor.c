// SPDX-License-Identifier: GPL-2.0-only
// The least that a C program does for the job of `./dev bench start`: libbpf, and nothing else.
//
//	floor OBJECT [BTF]    BTF: what relocations are resolved against; without it, the kernel's
// own
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// start.bpf.c's.
struct attempt {
	uint64_t ktime;
	uint32_t pid;
	uint32_t ppid;
	uint32_t uid;
	char comm[16];
	char path[128];
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	stopped = 1;
}

static int print(void *context, void *data, size_t size)
{
	const struct attempt *attempt = data;

	printf("%llu\t%u\t%u\t%u\t%s\t%s\n", (unsigned long long)attempt->ktime, attempt->pid,
	       attempt->ppid, attempt->uid, attempt->comm, attempt->path);
	return 0;
}

static void *read_file(const char *path, size_t *size)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *data = fd < 0 || fstat(fd, &status) ? NULL : malloc(status.st_size);

	if (data && read(fd, data, status.st_size) != status.st_size) {
		free(data);
		data = NULL;
	}
	if (fd >= 0)
		close(fd);
	*size = data ? status.st_size : 0;
	return data;
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > 3) {
		fputs("usage: floor OBJECT [BTF]\n", stderr);
		return 2;
	}
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "start",
		    .btf_custom_path = argv[2]);
	struct sigaction action = { .sa_handler = stop };
	size_t size;
	void *elf = read_file(argv[1], &size);
	if (!elf)
		return fail(argv[1]);

	sigaction(SIGINT, &action, NULL);
	struct bpf_object *object = bpf_object__open_mem(elf, size, &options);
	free(elf);
	if (!object || bpf_object__load(object))
		return fail("can't load the object");
	struct bpf_program *program = bpf_object__next_program(object, NULL);
	struct bpf_link *link = bpf_program__attach(program);
	if (!link)
		return fail("can't attach");
	struct ring_buffer *ring = ring_buffer__new(
		bpf_object__find_map_fd_by_name(object, "events"), print, NULL, NULL);
	if (!ring)
		return fail("can't read the ring buffer");
	while (!stopped) {
		fflush(stdout);
		int result = ring_buffer__poll(ring, -1);
		if (result < 0 && result != -EINTR)
			return fail("can't wait for events");
	}
	ring_buffer__free(ring);
	bpf_link__destroy(link);
	bpf_object__close(object);
	return 0;
}
