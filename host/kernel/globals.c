// SPDX-License-Identifier: GPL-2.0-only
// The sections of global variables: libbpf makes a map with one entry of each.
#include "kernel/globals.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/object_private.h"

const char *ebs_globals_section(struct bpf_map *map, enum ebs_globals_kind *kind)
{
	static const struct {
		const char *name;
		enum ebs_globals_kind kind;
	} sections[] = { { ".rodata", EBS_GLOBALS_CONSTANT },
			 { ".data", EBS_GLOBALS_VARIABLE },
			 { ".bss", EBS_GLOBALS_VARIABLE } };
	// Those of the usual sections have the object's name in front.
	const char *name = bpf_map__name(map);
	const char *section = *name == '.' ? name : strrchr(name, '.');

	if (!bpf_map__is_internal(map) || !section)
		return NULL;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		size_t length = strlen(sections[i].name);

		if (strncmp(section, sections[i].name, length) == 0 &&
		    (section[length] == '.' || section[length] == '\0')) {
			*kind = sections[i].kind;
			return section;
		}
	}
	return NULL;
}

// One section, mapped for writing; or, of constants, libbpf's copy of it.
static uint8_t *section_data(struct ebs_globals *globals, struct bpf_map *map,
			     enum ebs_globals_kind kind, size_t *size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (kind == EBS_GLOBALS_CONSTANT)
		return (uint8_t *)(uintptr_t)bpf_map__initial_value(map, size);
	*size = bpf_map__value_size(map);
	struct ebs_section *section = &globals->sections[globals->section_count];
	section->size = (*size + page - 1) / page * page;
	void *data =
		mmap(NULL, section->size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (data == MAP_FAILED)
		return NULL;
	section->data = data;
	globals->section_count++;
	return data;
}

struct fill {
	struct ebs_globals *globals;
	const char *section;
	uint8_t *data;
	size_t size;
	bool constant;
};

static int add_variable(void *context, const struct ebs_variable *variable)
{
	struct fill *fill = context;
	struct ebs_globals *globals = fill->globals;
	struct ebs_global *list =
		reallocarray(globals->list, globals->count + 1, sizeof(*globals->list));

	if (!list)
		return -ENOMEM;
	globals->list = list;
	if (fill->data && (uint64_t)variable->offset + variable->layout->size > fill->size)
		return 0; // broken BTF
	list[globals->count++] = (struct ebs_global){
		.name = variable->name,
		.section = fill->section,
		.layout = variable->layout,
		.data = fill->data ? fill->data + variable->offset : NULL,
		.constant = fill->constant,
	};
	return 0;
}

static int add_section(struct ebs_object *object, struct bpf_map *map, struct ebs_error *error)
{
	enum ebs_globals_kind kind;
	const char *section = ebs_globals_section(map, &kind);
	struct fill fill = { &object->globals, section, NULL, 0, false };

	if (!section)
		return 0;
	fill.constant = kind == EBS_GLOBALS_CONSTANT;
	fill.data = section_data(&object->globals, map, kind, &fill.size);
	int result = ebs_types_variables(object->types, section, add_variable, &fill, error);
	return result ? ebs_error_errno(error, result, "can't list the variables of section %s",
					section)
		      : 0;
}

const struct ebs_global *ebs_object_globals(struct ebs_object *object, size_t *count,
					    struct ebs_error *error)
{
	struct ebs_globals *globals = &object->globals;
	size_t maps = 1;
	struct bpf_map *map;

	*count = globals->count;
	if (globals->list)
		return globals->list;
	bpf_object__for_each_map (map, object->handle)
		maps++;
	globals->sections = calloc(maps, sizeof(*globals->sections));
	globals->list = calloc(1, sizeof(*globals->list)); // also when there is none
	int result = globals->sections && globals->list ? 0 : -ENOMEM;
	if (result)
		ebs_error_errno(error, result, "can't list the global variables of %s",
				object->name);
	bpf_object__for_each_map (map, object->handle)
		result = result ? result : add_section(object, map, error);
	if (result) {
		ebs_globals_close(object);
		return NULL;
	}
	*count = globals->count;
	return globals->list;
}

void ebs_globals_close(struct ebs_object *object)
{
	struct ebs_globals *globals = &object->globals;

	for (size_t i = 0; i < globals->section_count; i++)
		munmap(globals->sections[i].data, globals->sections[i].size);
	free(globals->sections);
	free(globals->list);
	*globals = (struct ebs_globals){ 0 };
}
