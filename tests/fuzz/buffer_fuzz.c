// SPDX-License-Identifier: GPL-2.0-only
// The readers of perf buffers and ring buffers, on memory that the input fills, and changes before
// any of their reads that it names: no read outside of the memory, no reading without an end.
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/shared.h"
#include "fuzz.h"
#include "kernel/perf_memory.h"

#define PAGE     4096u
#define CAPACITY 4096u // bytes of a ring buffer, and the least of a perf buffer
#define SAMPLES  16
#define READINGS 4

// What the input still has to say about changes: how many reads until the next one, where, what.
static struct choices changes;
static unsigned until;
static uint8_t *memory; // what the kernel writes
static size_t memory_size;

static void change_memory(void)
{
	uint64_t place = choose(&changes, 3) % (memory_size - 7);
	size_t bytes = 1u << choose(&changes, 1) % 4;
	uint64_t value = choose(&changes, bytes);

	memcpy(memory + place, &value, bytes);
	until = (unsigned)choose(&changes, 1);
}

void ebs_shared_hook(void);
void ebs_shared_hook(void)
{
	if (changes.size && !until--)
		change_memory();
}

// Each byte of a sample can be read.
static void look_at(const struct ebs_sample *samples, size_t count)
{
	static volatile uint8_t sum;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < samples[i].size; k++)
			sum += samples[i].data[k];
}

// The page of positions and the data behind it are blocks of their own, so that AddressSanitizer
// sees each byte that is read too many.
static void read_perf(struct choices *choices)
{
	static uint8_t whole[EBS_PERF_MAX_RECORD];
	size_t size = CAPACITY << choose(choices, 1) % 3;
	uint8_t *pages = aligned_alloc(PAGE, PAGE + size);
	struct perf_event_mmap_page *page = (struct perf_event_mmap_page *)pages;
	struct ebs_sample samples[SAMPLES];
	struct ebs_perf_memory reader;
	size_t filled;

	memset(pages, 0, PAGE + size);
	uint64_t head = choose(choices, 2);
	const char *bytes = choose_bytes(choices, size, &filled);
	ebs_perf_memory_open(&reader, pages, PAGE, size);
	memcpy(pages + PAGE, bytes, filled);
	page->data_head = head;
	memory = pages + PAGE;
	memory_size = size;
	changes = *choices;
	until = (unsigned)choose(&changes, 1);
	for (int reading = 0; reading < READINGS; reading++) {
		size_t count;
		uint64_t taken = 0;

		ebs_perf_memory_begin(&reader);
		while ((count = ebs_perf_memory_take(&reader, whole, samples, SAMPLES))) {
			look_at(samples, count);
			taken += count;
			MUST(taken * 24 <= size); // the least record of a sample
		}
		MUST(!reader.damaged || reader.suspected);
		ebs_perf_memory_look(&reader);
		page->data_head += choose(&changes, 2);
	}
	changes.size = 0;
	free(pages);
}

static void read_ring(struct choices *choices)
{
	static char name[] = "ring";
	size_t size = 2 * PAGE + 2 * CAPACITY;
	int fd = memfd_create(name, MFD_CLOEXEC);
	struct ebs_error error = { 0 };
	struct ebs_sample samples[SAMPLES];
	size_t filled;

	MUST(fd >= 0 && !ftruncate(fd, (off_t)size));
	struct ebs_map map = {
		.name = name, .fd = fd, .type = BPF_MAP_TYPE_RINGBUF, .max_entries = CAPACITY
	};
	uint8_t *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(shared != MAP_FAILED);
	uint64_t consumer = choose(choices, 2);
	uint64_t producer = choose(choices, 2);
	const char *bytes = choose_bytes(choices, CAPACITY, &filled);
	memcpy(shared, &consumer, sizeof(consumer));
	memcpy(shared + PAGE, &producer, sizeof(producer));
	memcpy(shared + 2 * PAGE, bytes, filled);
	memcpy(shared + 2 * PAGE + CAPACITY, bytes, filled);
	struct ebs_ring *ring = ebs_ring_new(&map, &error);
	MUST(ring);
	memory = shared;
	memory_size = size;
	changes = *choices;
	until = (unsigned)choose(&changes, 1);
	for (int reading = 0; reading < READINGS; reading++) {
		uint64_t taken = 0;
		size_t count;

		ebs_ring_begin(ring);
		while ((count = ebs_ring_take(ring, samples, SAMPLES))) {
			look_at(samples, count);
			taken += count;
			MUST(taken * 8 <= CAPACITY);
		}
		ebs_ring_end(ring, NULL);
		ebs_ring_is_waiting(ring);
	}
	changes.size = 0;
	ebs_ring_free(ring);
	munmap(shared, size);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choices choices = { data, size };

	if (choose(&choices, 1) % 2)
		read_ring(&choices);
	else
		read_perf(&choices);
	return 0;
}
