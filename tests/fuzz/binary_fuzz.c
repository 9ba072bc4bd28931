// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as an executable or library: segments, notes, symbol tables, versions, USDT probes.
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "binary/file.h"
#include "binary/lookup.h"
#include "binary/usdt.h"

static void look_up(struct ebs_binary *binary, const char *const *names, uint32_t count)
{
	struct ebs_places places = { 0 };
	struct ebs_error error = { 0 };
	int result = ebs_places_find(binary, names, count, &places, &error);

	MUST(!result == !ebs_error_is_set(&error));
	MUST(result || places.count);
	for (uint32_t i = 0; i < places.count; i++) {
		MUST(places.items[i].name);
		for (uint32_t other = 0; other < i && other < 100; other++)
			MUST(places.items[i].offset != places.items[other].offset);
	}
	ebs_error_clear(&error);
	ebs_places_free(&places);
}

static int count_probe(void *context, const struct ebs_usdt *probe)
{
	MUST(strchr(probe->name, ':'));
	(*(unsigned *)context)++;
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const lists[][3] = {
		{ "moved" },       { "moved@V1", "twice" },
		{ "geo::add" },    { "geo::add(int, int)", "chosen" },
		{ "*", "geo::*" }, { "nowhere" }
	};
	struct ebs_error error = { 0 };
	struct ebs_buffer odd = { 0 };
	unsigned probes = 0;
	char path[32];
	int fd = memfd_create("binary", MFD_CLOEXEC);

	MUST(fd >= 0 && !ebs_write_all(fd, (const char *)data, size));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct ebs_binary *binary = ebs_binary_open(path, &error);
	MUST(!binary == ebs_error_is_set(&error));
	ebs_error_clear(&error);
	for (size_t i = 0; binary && i < sizeof(lists) / sizeof(lists[0]); i++)
		look_up(binary, lists[i], lists[i][1] ? 2 : 1);
	if (binary) {
		ebs_binary_is_go(binary);
		ebs_usdt_visit(binary, count_probe, &probes);
		MUST(!ebs_usdt_find(binary, "shop", "sold", &error) || ebs_error_is_set(&error));
		ebs_error_clear(&error);
		ebs_usdt_odd_argument(binary, "shop", "sold", &odd);
		ebs_buffer_free(&odd);
	}
	ebs_binary_close(binary);
	close(fd);
	return 0;
}
