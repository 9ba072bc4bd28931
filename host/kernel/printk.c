// SPDX-License-Identifier: GPL-2.0-only
// The texts of bpf_printk(), by perf events on the tracepoint that the kernel has for them.
//
// The tracepoint's record has a head that all have (see tracefs, events/header_page and
// events/bpf_trace/bpf_trace_printk/format): a number of 16 bits, flags, a count, and the thread.
// Behind it 32 bits say where the text is: its offset in the record, and its size with the NUL.
#include "kernel/printk.h"
#include "kernel/cpus.h"

#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "base/shared.h"
#include "kernel/perf_event.h"
#include "kernel/perf_memory.h"
#include "kernel/tracefs.h"

#define CAPACITY (256 * 1024) // bytes for each CPU
#define BATCH    16           // samples
#define THREAD   4            // bytes before it in the record
#define PLACE    8
#define RECORD   12

struct cpu {
	int fd;
	void *pages;
	size_t size;   // of the mapping
	uint64_t lost; // as records in the buffer have said
	struct ebs_perf_memory memory;
};

struct ebs_printk {
	int epoll;
	struct cpu *cpus;
	size_t count;
	uint8_t whole[EBS_PERF_MAX_RECORD];
};

static int open_cpu(struct ebs_printk *printk, int tracepoint, int number)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_TRACEPOINT,
		.config = tracepoint,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.wakeup_events = 1,
		.read_format = PERF_FORMAT_LOST,
	};
	struct cpu *cpu = &printk->cpus[printk->count];
	struct epoll_event readable = { .events = EPOLLIN };
	size_t page = sysconf(_SC_PAGESIZE);
	int fd = ebs_perf_event_open(&attributes, -1, number);

	if (fd == -EINVAL) { // before Linux 6.0
		attributes.read_format = 0;
		fd = ebs_perf_event_open(&attributes, -1, number);
	}
	if (fd == -ENODEV) // offline
		return 0;
	if (fd < 0)
		return fd;
	cpu->size = page + CAPACITY;
	cpu->pages = mmap(NULL, cpu->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (cpu->pages == MAP_FAILED) {
		int result = -errno;
		close(fd);
		return result;
	}
	cpu->fd = fd;
	ebs_perf_memory_open(&cpu->memory, cpu->pages, page, CAPACITY);
	printk->count++;
	return epoll_ctl(printk->epoll, EPOLL_CTL_ADD, fd, &readable) ? -errno : 0;
}

struct ebs_printk *ebs_printk_open(struct ebs_error *error)
{
	int tracepoint = ebs_tracepoint_id("bpf_trace", "bpf_trace_printk", error);
	int cpus = (int)ebs_possible_cpus();
	if (tracepoint < 0)
		return NULL;
	struct ebs_printk *printk = calloc(1, sizeof(*printk));
	int result = -ENOMEM;

	if (printk) {
		printk->epoll = epoll_create1(EPOLL_CLOEXEC);
		printk->cpus = cpus > 0 ? calloc(cpus, sizeof(*printk->cpus)) : NULL;
		result = printk->epoll < 0 ? -errno : printk->cpus ? 0 : -ENOMEM;
	}
	for (int i = 0; i < cpus && !result; i++)
		result = open_cpu(printk, tracepoint, i);
	if (!result)
		return printk;
	ebs_printk_free(printk);
	if (result == -EACCES || result == -EPERM)
		ebs_error_explain(error, result,
				  "reading what bpf_printk() prints needs CAP_PERFMON: run it as "
				  "root, or with this capability");
	else
		ebs_error_errno(error, result, "can't read what bpf_printk() prints");
	return NULL;
}

void ebs_printk_free(struct ebs_printk *printk)
{
	if (!printk)
		return;
	for (size_t i = 0; i < printk->count; i++) {
		munmap(printk->cpus[i].pages, printk->cpus[i].size);
		close(printk->cpus[i].fd);
	}
	if (printk->epoll >= 0)
		close(printk->epoll);
	free(printk->cpus);
	free(printk);
}

int ebs_printk_fd(const struct ebs_printk *printk)
{
	return printk->epoll;
}

// The memory is the kernel's: what says a length is read once, and held against what there is.
static void print_sample(const struct ebs_sample *sample, ebs_printk_function *print, void *context)
{
	if (sample->size < RECORD)
		return;
	uint32_t tid = ebs_shared_u32(sample->data + THREAD);
	uint32_t place = ebs_shared_u32(sample->data + PLACE);
	uint32_t offset = place & UINT16_MAX;
	uint32_t size = place >> 16;

	if (offset > sample->size || size > sample->size - offset)
		return;
	const char *text = (const char *)sample->data + offset;
	size = strnlen(text, size);
	if (size && text[size - 1] == '\n')
		size--;
	print(context, text, size, (int32_t)tid);
}

static void read_cpu(struct ebs_printk *printk, struct cpu *cpu, ebs_printk_function *print,
		     void *context)
{
	struct ebs_sample samples[BATCH];
	size_t count;

	ebs_perf_memory_begin(&cpu->memory);
	while ((count = ebs_perf_memory_take(&cpu->memory, printk->whole, samples, BATCH))) {
		for (size_t i = 0; i < count; i++)
			print_sample(&samples[i], print, context);
		ebs_perf_memory_publish(&cpu->memory, samples[count - 1].end);
	}
	cpu->lost += cpu->memory.reported + cpu->memory.garbled;
	cpu->memory.reported = 0;
	cpu->memory.garbled = 0;
}

void ebs_printk_read(struct ebs_printk *printk, ebs_printk_function *print, void *context)
{
	for (size_t i = 0; i < printk->count; i++)
		read_cpu(printk, &printk->cpus[i], print, context);
}

// The kernel tells of a loss in the buffer itself, once it has room again; read(2) tells at once.
uint64_t ebs_printk_lost(const struct ebs_printk *printk)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < printk->count; i++) {
		const struct cpu *cpu = &printk->cpus[i];
		struct {
			uint64_t value;
			uint64_t lost;
		} counts = { 0 };
		ssize_t size = read(cpu->fd, &counts, sizeof(counts));
		lost += size == sizeof(counts) && counts.lost > cpu->lost ? counts.lost : cpu->lost;
	}
	return lost;
}
