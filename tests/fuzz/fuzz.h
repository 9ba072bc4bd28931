// SPDX-License-Identifier: GPL-2.0-only
// What the fuzzers share: libFuzzer's entry points, the seed object, and bytes as a source of
// choices.
#ifndef EBS_TESTS_FUZZ_H
#define EBS_TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What must hold whatever the input is; libFuzzer takes an abort() for a finding.
#define MUST(condition)                                                                         \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                \
		}                                                                               \
	} while (0)

// The object that clang made of seed.bpf.c, read once.
static inline const struct ebs_buffer *seed_object(void)
{
	static struct ebs_buffer object;

	if (!object.size)
		MUST(!ebs_buffer_read_file(&object, EBS_SEED_OBJECT));
	return &object;
}

// Choices that the input makes; zeros when it has no more.
struct choices {
	const uint8_t *data;
	size_t size;
};

static inline uint64_t choose(struct choices *choices, size_t bytes)
{
	uint64_t value = 0;

	if (bytes > choices->size)
		bytes = choices->size;
	memcpy(&value, choices->data, bytes);
	choices->data += bytes;
	choices->size -= bytes;
	return value;
}

// Up to `limit` bytes, which lie in the input.
static inline const char *choose_bytes(struct choices *choices, size_t limit, size_t *size)
{
	const char *bytes = (const char *)choices->data;

	*size = limit < choices->size ? limit : choices->size;
	choices->data += *size;
	choices->size -= *size;
	return bytes;
}

#endif
