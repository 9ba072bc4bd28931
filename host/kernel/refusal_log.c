// SPDX-License-Identifier: GPL-2.0-only
// Room for the verifier's log, and the file that --verifier-log names.
#include "kernel/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/output_file.h"

// A million instructions, the most that the verifier looks at, make up to 160 MB of text.
#define WHOLE_LOG ((size_t)512 << 20)
#define LOG_END   ((size_t)16 << 20)
#define LEAST     ((size_t)64 << 10)

static const char *log_path;
static int log_fd = -1; // once something was written
static bool log_paused;

void ebs_refusal_log_init(const char *path)
{
	log_path = path;
	log_fd = -1;
}

void ebs_refusal_log_pause(bool paused)
{
	log_paused = paused;
}

// Since Linux 6.4 a log that is too long loses its beginning, before that its end, with the reason.
static bool kernel_keeps_end(void)
{
	struct utsname names;
	unsigned int major = 0;
	unsigned int minor = 0;

	return !uname(&names) && sscanf(names.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 4));
}

char *ebs_refusal_log_memory(size_t *size)
{
	for (*size = !log_path && kernel_keeps_end() ? LOG_END : WHOLE_LOG; *size >= LEAST;
	     *size /= 2) {
		char *memory = mmap(NULL, *size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (memory != MAP_FAILED)
			return memory;
	}
	return NULL;
}

void ebs_refusal_log_free(char *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

static int write_refused(int fd, const struct ebs_refused *refused)
{
	char head[160];
	int length =
		snprintf(head, sizeof(head), "program \"%s\", SEC(\"%s\"), %zu instructions:\n",
			 refused->name, refused->section, refused->count);
	if ((size_t)length >= sizeof(head))
		length = sizeof(head) - 1;
	int result = ebs_write_all(fd, head, length);
	if (!result)
		result = ebs_write_all(fd, refused->log, refused->log_size);
	if (!result && refused->log[refused->log_size - 1] != '\n')
		result = ebs_write_all(fd, "\n", 1);
	return result;
}

// The first one makes the file, the others are added to it.
static int write_log(const struct ebs_refused *refused, struct ebs_error *error)
{
	struct ebs_output_file file;
	int result;

	if (log_fd >= 0) {
		result = write_refused(log_fd, refused);
	} else {
		result = ebs_output_file_open(&file, log_path, error);
		if (result)
			return result;
		result = write_refused(file.fd, refused);
		log_fd = fcntl(file.fd, F_DUPFD_CLOEXEC, 3);
		if (result || log_fd < 0)
			ebs_output_file_discard(&file);
		else
			result = ebs_output_file_finish(&file);
	}
	return result ? ebs_error_errno(error, result, "can't write to %s", log_path) : 0;
}

void ebs_refusal_log_keep(const struct ebs_refused *refused, struct ebs_buffer *out)
{
	struct ebs_error error = { 0 };

	if (log_paused)
		return;
	if (log_path && write_log(refused, &error))
		ebs_buffer_printf(out, "\nthere is no log: %s", ebs_error_text(&error));
	else if (log_path)
		ebs_buffer_printf(out, "\nthe complete log is in %s", log_path);
	else
		ebs_buffer_append_string(out, "\n--verifier-log FILE writes the complete log");
	ebs_error_clear(&error);
}
