// SPDX-License-Identifier: GPL-2.0-only
// kernel/ring: the reader of ring buffers, on memory laid out as the kernel does it, with the test
// as the producer. tests/lua/buffers_test.lua has the kernel as the producer.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <bpf/libbpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/ring.h"

#define CAPACITY 4096u

struct fixture {
	struct ebs_map map;
	struct ebs_ring *ring;
	unsigned long *consumer;
	unsigned long *producer;
	uint8_t *data; // twice, one behind the other
};

static size_t page(void)
{
	return sysconf(_SC_PAGESIZE);
}

static int set_up(void **state)
{
	static struct fixture fixture;
	static char name[] = "ring";
	struct ebs_error error = { 0 };
	size_t size = 2 * page() + 2 * CAPACITY;
	int fd = memfd_create("ring", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	fixture = (struct fixture){
		.map = { .name = name,
			 .fd = fd,
			 .type = BPF_MAP_TYPE_RINGBUF,
			 .max_entries = CAPACITY },
		.consumer = (unsigned long *)memory,
		.producer = (unsigned long *)(memory + page()),
		.data = memory + 2 * page(),
	};
	fixture.ring = ebs_ring_new(&fixture.map, &error);
	assert_non_null(fixture.ring);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	ebs_ring_free(fixture->ring);
	munmap(fixture->consumer, 2 * page() + 2 * CAPACITY);
	close(fixture->map.fd);
	return 0;
}

// Both mappings of the data, which are two pieces of memory here.
static void put(struct fixture *fixture, unsigned long position, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned long place = (position + i) % CAPACITY;

		fixture->data[place] = ((const uint8_t *)bytes)[i];
		fixture->data[place + CAPACITY] = ((const uint8_t *)bytes)[i];
	}
}

// A sample of so many bytes, each of them `fill`, with the bits in its header.
static unsigned long reserve(struct fixture *fixture, uint32_t size, uint8_t fill, uint32_t bits)
{
	unsigned long position = *fixture->producer;
	uint8_t bytes[CAPACITY];

	memset(bytes, fill, sizeof(bytes));
	put(fixture, position, &(uint64_t){ size | bits }, 8);
	put(fixture, position + 8, bytes, size);
	__atomic_store_n(fixture->producer, position + (8 + size + 7) / 8 * 8, __ATOMIC_RELEASE);
	return position;
}

static void commit(struct fixture *fixture, unsigned long position, uint32_t size, uint32_t bits)
{
	put(fixture, position, &(uint32_t){ size | bits }, 4);
}

static void expect(const struct ebs_sample *sample, size_t size, uint8_t fill)
{
	assert_int_equal(sample->size, size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(sample->data[i], fill);
}

// A whole reading: how many samples there were, at most `limit`.
static size_t read_all(struct fixture *fixture, struct ebs_sample *samples, size_t limit)
{
	ebs_ring_begin(fixture->ring);
	size_t count = ebs_ring_take(fixture->ring, samples, limit);
	ebs_ring_end(fixture->ring, count ? &samples[count - 1] : NULL);
	return count;
}

static void test_empty(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_sample sample;

	assert_int_equal(read_all(fixture, &sample, 1), 0);
	assert_false(ebs_ring_is_waiting(fixture->ring));
	assert_false(ebs_ring_is_busy(fixture->ring));
	assert_int_equal(*fixture->consumer, 0);
}

// All sizes, over the end of the buffer many times.
static void test_sizes(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_sample sample;

	for (uint32_t size = 0; size <= CAPACITY - 8; size++) {
		reserve(fixture, size, (uint8_t)size, 0);
		assert_true(ebs_ring_is_waiting(fixture->ring));
		assert_int_equal(read_all(fixture, &sample, 1), 1);
		expect(&sample, size, (uint8_t)size);
		assert_int_equal(*fixture->consumer, *fixture->producer);
	}
}

static void test_order_and_batches(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_sample samples[3];

	for (uint8_t i = 1; i <= 5; i++)
		reserve(fixture, i, i, 0);
	ebs_ring_begin(fixture->ring);
	assert_int_equal(ebs_ring_take(fixture->ring, samples, 3), 3);
	expect(&samples[0], 1, 1);
	expect(&samples[2], 3, 3);
	assert_int_equal(*fixture->consumer, 0); // they are still being looked at
	assert_int_equal(ebs_ring_take(fixture->ring, samples, 3), 2);
	assert_int_equal(*fixture->consumer, 3 * 16);
	expect(&samples[1], 5, 5);
	assert_int_equal(ebs_ring_take(fixture->ring, samples, 3), 0);
	assert_int_equal(*fixture->consumer, 5 * 16);
	assert_int_equal(ebs_ring_end(fixture->ring, NULL), 5 * 16);
}

// Who leaves at a sample has read it, and gets the next one the next time.
static void test_left_early(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_sample samples[4];

	for (uint8_t i = 0; i < 4; i++)
		reserve(fixture, 8, i, 0);
	ebs_ring_begin(fixture->ring);
	assert_int_equal(ebs_ring_take(fixture->ring, samples, 4), 4);
	assert_int_equal(ebs_ring_end(fixture->ring, &samples[1]), 2 * 16);
	assert_int_equal(read_all(fixture, samples, 4), 2);
	expect(&samples[0], 8, 2);
	expect(&samples[1], 8, 3);
}

static void test_busy(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_sample samples[4];

	reserve(fixture, 8, 1, 0);
	unsigned long busy = reserve(fixture, 8, 2, BPF_RINGBUF_BUSY_BIT);
	reserve(fixture, 8, 3, 0);
	assert_int_equal(read_all(fixture, samples, 4), 1);
	assert_true(ebs_ring_is_busy(fixture->ring));
	assert_false(ebs_ring_is_waiting(fixture->ring)); // what is behind has to wait
	assert_int_equal(read_all(fixture, samples, 4), 0);
	commit(fixture, busy, 8, 0);
	assert_true(ebs_ring_is_waiting(fixture->ring));
	assert_int_equal(read_all(fixture, samples, 4), 2);
	assert_false(ebs_ring_is_busy(fixture->ring));
	expect(&samples[0], 8, 2);
	expect(&samples[1], 8, 3);
}

static void test_discarded(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_sample samples[4];

	reserve(fixture, 24, 1, BPF_RINGBUF_DISCARD_BIT);
	reserve(fixture, 8, 2, 0);
	reserve(fixture, 8, 3, BPF_RINGBUF_DISCARD_BIT);
	ebs_ring_begin(fixture->ring);
	assert_int_equal(ebs_ring_take(fixture->ring, samples, 4), 1);
	expect(&samples[0], 8, 2);
	assert_int_equal(ebs_ring_take(fixture->ring, samples, 4), 0);
	ebs_ring_end(fixture->ring, NULL);
	assert_int_equal(*fixture->consumer, *fixture->producer);
	reserve(fixture, 8, 4, BPF_RINGBUF_DISCARD_BIT);
	assert_int_equal(read_all(fixture, samples, 4), 0);
	assert_int_equal(*fixture->consumer, *fixture->producer); // nothing but that: free as well
}

// What comes while it is read is for the next reading.
static void test_snapshot(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_sample samples[4];

	reserve(fixture, 8, 1, 0);
	ebs_ring_begin(fixture->ring);
	reserve(fixture, 8, 2, 0);
	assert_int_equal(ebs_ring_take(fixture->ring, samples, 4), 1);
	assert_int_equal(ebs_ring_take(fixture->ring, samples, 4), 0);
	ebs_ring_end(fixture->ring, NULL);
	assert_true(ebs_ring_is_waiting(fixture->ring));
	assert_int_equal(read_all(fixture, samples, 4), 1);
}

static void test_full(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_sample samples[64];

	for (int i = 0; i < 62; i++)
		reserve(fixture, 56, 1, 0);
	assert_int_equal(read_all(fixture, samples, 64), 62);
	assert_int_equal(fixture->map.full, 0); // there was room for another one
	for (int i = 0; i < 63; i++)            // the kernel leaves the last byte free
		reserve(fixture, 56, 1, 0);
	assert_int_equal(read_all(fixture, samples, 64), 63);
	assert_int_equal(fixture->map.full, 1);
}

// A record that reaches behind the producer, and positions that another process has written: what
// was there before is read, the rest counts as one, and the next sample comes.
static void test_hostile(void **state)
{
	static const uint32_t lengths[] = { 9, 4096, 0x3fffffff,
					    0x3fffffff | BPF_RINGBUF_DISCARD_BIT };
	static const unsigned long positions[] = { 3, 1ul << 40, -8ul, -1ul };
	struct fixture *fixture = *state;
	struct ebs_sample samples[4];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		reserve(fixture, 8, 1, 0);
		commit(fixture, reserve(fixture, 8, 2, 0), lengths[i], 0);
		ebs_ring_begin(fixture->ring);
		assert_int_equal(ebs_ring_take(fixture->ring, samples, 4), 1);
		expect(&samples[0], 8, 1);
		assert_int_equal(ebs_ring_take(fixture->ring, samples, 4), 0);
		ebs_ring_end(fixture->ring, NULL);
		assert_int_equal(fixture->map.garbled, i + 1);
		assert_int_equal(*fixture->consumer, *fixture->producer);
	}
	for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
		*fixture->consumer += positions[i];
		assert_true(ebs_ring_is_waiting(fixture->ring));
		assert_int_equal(read_all(fixture, samples, 4), 0);
		assert_int_equal(*fixture->consumer, *fixture->producer);
		reserve(fixture, 8, 3, 0);
		assert_int_equal(read_all(fixture, samples, 4), 1);
		expect(&samples[0], 8, 3);
	}
	assert_int_equal(fixture->map.garbled, 8);
}

static void test_other_kinds(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_error error = { 0 };
	struct ebs_map map = fixture->map;

	map.type = BPF_MAP_TYPE_ARRAY;
	map.kind = ebs_map_kind(map.type);
	assert_null(ebs_ring_new(&map, &error));
	assert_string_equal(ebs_error_text(&error),
			    "map \"ring\" is no ring or perf buffer but of kind array");
	ebs_error_clear(&error);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_empty),      TEST(test_sizes), TEST(test_order_and_batches),
		TEST(test_left_early), TEST(test_busy),  TEST(test_discarded),
		TEST(test_snapshot),   TEST(test_full),  TEST(test_other_kinds),
		TEST(test_hostile),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
