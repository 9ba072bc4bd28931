// SPDX-License-Identifier: GPL-2.0-only
// Standard output that signals don't cut.
#include "script/standard_output.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define BUFFER_SIZE (64 * 1024) // bytes

static int first_error;

// Returns how much was written: less than `size` is a failure.
static ssize_t write_all(void *cookie, const char *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t written = write(STDOUT_FILENO, data + done, size - done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			first_error = first_error ? first_error : -errno;
			break;
		}
		done += written;
	}
	return done;
}

void ebs_standard_output_init(void)
{
	FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = write_all });

	if (stream)
		stdout = stream;
	setvbuf(stdout, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, BUFFER_SIZE);
}

int ebs_standard_output_finish(void)
{
	int failed = fflush(stdout) || ferror(stdout) ? -EIO : 0;

	return first_error ? first_error : failed;
}
