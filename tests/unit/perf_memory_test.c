// SPDX-License-Identifier: GPL-2.0-only
// kernel/perf_memory: records of perf buffers, with the test as a kernel that writes samples of any
// size as Linux does: all of their bytes, behind a length of 16 bits.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/perf_memory.h"

#define PAGE   4096u
#define PREFIX (sizeof(struct perf_event_header) + sizeof(uint64_t) + sizeof(uint32_t))
#define LARGE  (EBS_PERF_MAX_SAMPLE + 1)

struct kernel {
	uint8_t *pages; // as they would be mapped
	uint64_t size;
	uint64_t lost;
	uint64_t time;
	struct ebs_perf_memory memory;
	uint8_t whole[EBS_PERF_MAX_RECORD];
};

static struct perf_event_mmap_page *page_of(const struct kernel *kernel)
{
	return (struct perf_event_mmap_page *)kernel->pages;
}

static void set_up(struct kernel *kernel, uint64_t size)
{
	*kernel = (struct kernel){ .size = size, .time = 1000 };
	kernel->pages = aligned_alloc(PAGE, PAGE + size);
	memset(kernel->pages, 0, PAGE + size);
	ebs_perf_memory_open(&kernel->memory, kernel->pages, PAGE, size);
}

static void tear_down(struct kernel *kernel)
{
	free(kernel->pages);
}

static void put(struct kernel *kernel, uint64_t *position, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		kernel->pages[PAGE + (*position)++ % kernel->size] = ((const uint8_t *)bytes)[i];
}

// False where there is no room for as much as the kernel believes it to be.
static bool send(struct kernel *kernel, const uint8_t *bytes, uint32_t size)
{
	struct perf_event_mmap_page *page = page_of(kernel);
	uint32_t payload = (uint32_t)((size + sizeof(uint32_t) + 7) / 8 * 8 - sizeof(uint32_t));
	struct perf_event_header header = {
		.type = PERF_RECORD_SAMPLE,
		.misc = PERF_RECORD_MISC_KERNEL,
		.size = (uint16_t)(PREFIX + payload),
	};
	uint64_t position = page->data_head;

	if (kernel->size - 1 - (position - page->data_tail) < header.size) {
		kernel->lost++;
		return false;
	}
	kernel->time += 10;
	put(kernel, &position, &header, sizeof(header));
	put(kernel, &position, &kernel->time, sizeof(kernel->time));
	put(kernel, &position, &payload, sizeof(payload));
	put(kernel, &position, bytes, size);
	page->data_head += header.size;
	return true;
}

// Reads all that is there. Returns how many samples those are; each must be `size` bytes of `bytes`
// at least, where `bytes` isn't NULL.
static unsigned read_all(struct kernel *kernel, const uint8_t *bytes, uint32_t size)
{
	struct ebs_sample samples[16];
	unsigned got = 0;
	size_t count;

	for (int reading = 0; reading < 1 + kernel->memory.suspected; reading++) {
		ebs_perf_memory_begin(&kernel->memory);
		while ((count = ebs_perf_memory_take(&kernel->memory, kernel->whole, samples,
						     16))) {
			got += count;
			for (size_t i = 0; bytes && i < count; i++) {
				assert_in_range(samples[i].size, size, size + 7);
				assert_memory_equal(samples[i].data, bytes, size);
			}
		}
	}
	assert_int_equal(page_of(kernel)->data_tail, page_of(kernel)->data_head);
	return got;
}

// What a sender may choose: zeros, letters, drawn bytes, headers that look right.
static uint8_t *draw(size_t size, unsigned kind)
{
	const struct perf_event_header header = { .type = PERF_RECORD_SAMPLE,
						  .misc = 1,
						  .size = 64 };
	uint8_t *bytes = malloc(size + 8);

	for (size_t i = 0; i < size; i += 8) {
		memset(bytes + i, 'A', 8);
		if (kind == 0)
			memset(bytes + i, 0, 8);
		else if (kind == 2)
			for (int k = 0; k < 8; k++)
				bytes[i + k] = (uint8_t)rand();
		else if (kind == 3)
			memcpy(bytes + i, &header, 8);
	}
	return bytes;
}

// Every size around that from which on lengths wrap, and far above, with a small one behind each.
static void test_sizes(void **state)
{
	static const uint64_t capacities[] = { 64 * 1024, 1024 * 1024 };
	static const uint32_t more[] = { 0,      1,      4096,   70000,   131030,
					 131060, 131072, 131100, 1000000, 2000000 };
	static const uint8_t small[] = "small";
	struct kernel kernel;

	for (unsigned i = 0; i < 2 * 4; i++) {
		uint8_t *bytes = draw(2000000, i / 2);

		set_up(&kernel, capacities[i % 2]);
		for (uint32_t k = 0; k < 111 + sizeof(more) / sizeof(more[0]); k++) {
			uint32_t size = k < 111 ? 65450 + k : more[k - 111];
			uint64_t garbled = kernel.memory.garbled;

			assert_true(send(&kernel, bytes, size));
			unsigned got = read_all(&kernel, bytes, size);
			assert_int_equal(got, size < LARGE);
			assert_int_equal(kernel.memory.garbled - garbled, !got);
			assert_true(send(&kernel, small, sizeof(small)));
			assert_int_equal(read_all(&kernel, small, sizeof(small)), 1);
		}
		assert_int_equal(kernel.lost, 0);
		tear_down(&kernel);
		free(bytes);
	}
}

// The large one among others that were not read yet, where there is room for all of it: only that
// one is lost, and its place in the order says nothing of the others.
static void test_among_others(void **state)
{
	static const uint8_t small[] = "small";
	struct kernel kernel;
	uint8_t *bytes = draw(200000, 2);

	set_up(&kernel, 1024 * 1024);
	for (uint32_t size = LARGE; size < 200000; size += 1001) {
		uint64_t garbled = kernel.memory.garbled;

		for (int i = 0; i < 7; i++)
			if (i == 3 && (uint16_t)(PREFIX + size + 7) >= 16)
				assert_true(send(&kernel, bytes, size));
			else
				assert_true(send(&kernel, small, sizeof(small)));
		unsigned got = read_all(&kernel, small, sizeof(small));
		assert_int_equal(got + kernel.memory.garbled - garbled, 7);
	}
	tear_down(&kernel);
	free(bytes);
}

// What was not read yet is written over: it counts, as far as records can be made out, and the
// next sample is read.
static void test_written_over(void **state)
{
	static const uint8_t small[] = "small";
	struct kernel kernel;

	for (unsigned kind = 0; kind < 4; kind++) {
		uint8_t *bytes = draw(1000000, kind);

		set_up(&kernel, 64 * 1024);
		for (uint32_t size = LARGE; size < 1000000; size += 33333) {
			uint64_t garbled = kernel.memory.garbled;

			assert_true(send(&kernel, small, sizeof(small)));
			while (!send(&kernel, bytes, size))
				read_all(&kernel, NULL, 0);
			assert_true(send(&kernel, small, sizeof(small)));
			unsigned got = read_all(&kernel, small, sizeof(small));
			assert_in_range(got, 0, 2);
			assert_in_range(got + kernel.memory.garbled - garbled, 1, 3);
			assert_true(send(&kernel, small, sizeof(small)));
			assert_int_equal(read_all(&kernel, small, sizeof(small)), 1);
		}
		tear_down(&kernel);
		free(bytes);
	}
}

// A handler that stops at a sample, with damage behind it: the samples it had don't come again.
static void test_left_early(void **state)
{
	static const uint8_t small[] = "small";
	uint8_t *bytes = draw(70000, 1);
	struct ebs_sample samples[4];
	struct kernel kernel;

	set_up(&kernel, 64 * 1024);
	for (int i = 0; i < 4; i++)
		assert_true(send(&kernel, small, sizeof(small)));
	ebs_perf_memory_begin(&kernel.memory);
	assert_int_equal(ebs_perf_memory_take(&kernel.memory, kernel.whole, samples, 4), 4);
	assert_true(send(&kernel, bytes, 70000));
	ebs_perf_memory_publish(&kernel.memory, samples[1].end);
	assert_true(kernel.memory.damaged);
	assert_int_equal(read_all(&kernel, small, sizeof(small)), 0);
	assert_in_range(kernel.memory.garbled, 1, 3);
	assert_true(send(&kernel, small, sizeof(small)));
	assert_int_equal(read_all(&kernel, small, sizeof(small)), 1);
	tear_down(&kernel);
	free(bytes);
}

// Records that only a fault can have written: none is believed, all end the reading.
static void test_hostile_records(void **state)
{
	static const struct {
		uint32_t type;
		uint16_t length;
		uint32_t payload;
		uint64_t head;
	} records[] = {
		{ 0, 0, 0, 8 },
		{ PERF_RECORD_SAMPLE, 0, 0, 64 },
		{ PERF_RECORD_SAMPLE, 4, 0, 64 },
		{ PERF_RECORD_SAMPLE, 20, 0, 64 },
		{ PERF_RECORD_SAMPLE, 24, UINT32_MAX, 64 },
		{ PERF_RECORD_SAMPLE, 24, 5, 24 },
		{ PERF_RECORD_SAMPLE, 128, 108, 64 },
		{ PERF_RECORD_SAMPLE, 65528, 65508, 64 },
		{ PERF_RECORD_LOST, 16, 0, 16 },
		{ PERF_RECORD_MAX, 64, 0, 64 },
		{ UINT32_MAX, 64, 0, 64 },
		{ PERF_RECORD_SAMPLE, 64, 44, UINT64_MAX },
		{ PERF_RECORD_SAMPLE, 64, 44, UINT64_C(1) << 63 },
		{ PERF_RECORD_SAMPLE, 64, 44, 4096 + 8 },
		{ PERF_RECORD_SAMPLE, 64, 44, 60 },
	};
	struct ebs_sample samples[4];
	struct kernel kernel;

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct perf_event_header header = { .type = records[i].type,
						    .misc = 1,
						    .size = records[i].length };
		uint64_t position = 0;

		print_message("record %zu\n", i);
		set_up(&kernel, PAGE);
		put(&kernel, &position, &header, sizeof(header));
		put(&kernel, &position, &(uint64_t){ 7 }, sizeof(uint64_t));
		put(&kernel, &position, &records[i].payload, sizeof(records[i].payload));
		page_of(&kernel)->data_head = records[i].head;
		ebs_perf_memory_begin(&kernel.memory);
		assert_int_equal(ebs_perf_memory_take(&kernel.memory, kernel.whole, samples, 4), 0);
		assert_int_equal(kernel.memory.garbled, 1);
		assert_int_equal(page_of(&kernel)->data_tail, records[i].head & ~UINT64_C(7));
		tear_down(&kernel);
	}
}

static void test_reported_losses(void **state)
{
	struct perf_event_header header = { .type = PERF_RECORD_LOST, .misc = 0, .size = 24 };
	static const uint8_t small[] = "small";
	struct kernel kernel;
	uint64_t position = 0;

	set_up(&kernel, PAGE);
	put(&kernel, &position, &header, sizeof(header));
	put(&kernel, &position, &(uint64_t[2]){ 3, 11 }, 16);
	page_of(&kernel)->data_head = position;
	assert_true(send(&kernel, small, sizeof(small)));
	assert_int_equal(read_all(&kernel, small, sizeof(small)), 1);
	assert_int_equal(kernel.memory.reported, 11);
	assert_int_equal(kernel.memory.garbled, 0);
	tear_down(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),           cmocka_unit_test(test_among_others),
		cmocka_unit_test(test_written_over),    cmocka_unit_test(test_left_early),
		cmocka_unit_test(test_hostile_records), cmocka_unit_test(test_reported_losses),
	};

	return cmocka_run_group_tests_name("perf_memory", tests, NULL, NULL);
}
