// SPDX-License-Identifier: GPL-2.0-only
// One BPF object, through libbpf.
#include "kernel/object_private.h"
#include "kernel/section_name.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "kernel/log.h"
#include "kernel/map_halves.h"
#include "kernel/map_info.h"
#include "kernel/map_memory.h"
#include "kernel/ring.h"
#include "types/elf_sections.h"

#define PROBE_FILES 4 // that libbpf opens at once beside those of maps and programs

static int describe_parts(struct ebs_object *object, struct ebs_error *error)
{
	struct bpf_map *map;
	struct bpf_program *program;
	size_t maps = 0;
	size_t programs = 0;

	bpf_object__for_each_map (map, object->handle)
		maps++;
	bpf_object__for_each_program (program, object->handle)
		programs++;
	object->maps = calloc(maps + 1, sizeof(*object->maps));
	object->programs = calloc(programs + 1, sizeof(*object->programs));
	if (!object->maps || !object->programs)
		return -ENOMEM;

	bpf_object__for_each_map (map, object->handle) {
		if (bpf_map__is_internal(map) || ebs_losses_is_map(bpf_map__name(map)))
			continue;
		struct ebs_map *described = &object->maps[object->map_count++];
		int result = ebs_map_describe(described, map, object->types, error);
		if (result)
			return result;
	}
	bpf_object__for_each_program (program, object->handle) {
		struct ebs_program *described = &object->programs[object->program_count++];

		described->handle = program;
		described->object = object;
		described->name = strdup(bpf_program__name(program));
		described->section = strdup(bpf_program__section_name(program));
		if (!described->name || !described->section)
			return -ENOMEM;
	}
	return 0;
}

struct ebs_object *ebs_object_open(const void *elf, size_t size, const char *name,
				   const char *btf_path, struct ebs_error *error)
{
	struct ebs_object *object = calloc(1, sizeof(*object));
	if (!object) {
		ebs_error_errno(error, ENOMEM, "can't open %s", name);
		return NULL;
	}
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name,
		    .btf_custom_path = btf_path);

	ebs_log_clear();
	ebs_btf_programs_register();
	ebs_sections_register();
	object->name = strdup(name);
	object->elf = elf;
	object->elf_size = size;
	object->handle = bpf_object__open_mem(elf, size, &options);
	if (!object->handle) {
		int number = errno;
		const char *words = ebs_log_text();

		if (ebs_object_explain_words(object, words, number, error))
			;
		else if (*words)
			ebs_error_explain(error, number, "libbpf can't open %s:\n%s", name, words);
		else
			ebs_error_errno(error, number, "libbpf can't open %s", name);
		ebs_object_free(object);
		return NULL;
	}
	const struct btf *btf = bpf_object__btf(object->handle);
	object->types = btf ? ebs_types_new(btf) : NULL;
	if (!object->name || !object->types || describe_parts(object, error)) {
		if (object->name && !btf)
			ebs_error_set(error, "EINVAL",
				      "%s has no BTF: its C defines no program, map or variable",
				      name);
		else
			ebs_error_errno(error, ENOMEM, "can't open %s", name);
		ebs_object_free(object);
		return NULL;
	}
	return object;
}

uint8_t *ebs_object_rodata(struct ebs_object *object, size_t *size)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object->handle) {
		const char *suffix = strstr(bpf_map__name(map), ".rodata");

		// libbpf's skeletons write through it too; its type lost the const in later
		// versions.
		if (suffix && strcmp(suffix, ".rodata") == 0)
			return (uint8_t *)(uintptr_t)bpf_map__initial_value(map, size);
	}
	return NULL;
}

struct find_constant {
	const char *name;
	struct ebs_variable found;
	struct ebs_buffer all; // the names, for the message
};

static int match_constant(void *context, const struct ebs_variable *variable)
{
	struct find_constant *find = context;

	if (strcmp(variable->name, find->name) == 0) {
		find->found = *variable;
		return 1;
	}
	if (!strchr(variable->name, '.')) // "run.format" is a static variable inside a function
		ebs_buffer_printf(&find->all, "%s%s", find->all.size ? ", " : "", variable->name);
	return 0;
}

int ebs_object_constant(struct ebs_object *object, const char *name, struct ebs_constant *constant,
			struct ebs_error *error)
{
	struct find_constant find = { .name = name };
	int result = ebs_types_variables(object->types, ".rodata", match_constant, &find, error);

	if (result == 0)
		result = ebs_error_set(
			error, "EINVAL",
			"there is no constant \"%s\": `const volatile` globals of this C are: %s",
			name, find.all.size ? find.all.data : "none");
	ebs_buffer_free(&find.all);
	if (result < 0)
		return result;

	size_t size;
	uint8_t *data = ebs_object_rodata(object, &size);
	if (!data || (uint64_t)find.found.offset + find.found.layout->size > size)
		return ebs_error_set(error, "EINVAL",
				     "the constant \"%s\" has no place in the object", name);
	constant->layout = find.found.layout;
	constant->data = data + find.found.offset;
	return 0;
}

int ebs_object_write_constants(struct ebs_object *object, struct ebs_buffer *elf,
			       struct ebs_error *error)
{
	size_t size = 0;
	size_t room = 0;
	const uint8_t *data = ebs_object_rodata(object, &size);
	const uint8_t *section = ebs_elf_section(object->elf, object->elf_size, ".rodata", &room);
	size_t start = elf->size;

	ebs_buffer_append(elf, object->elf, object->elf_size);
	if (elf->failed)
		return ebs_error_errno(error, ENOMEM, "can't write %s", object->name);
	if (!data)
		return 0;
	if (!section || size > room)
		return ebs_error_set(error, "EINVAL", "%s has no place for its constants",
				     object->name);
	memcpy(elf->data + start + (section - (const uint8_t *)object->elf), data, size);
	return 0;
}

int ebs_object_set_max_entries(struct ebs_object *object, const char *name, uint32_t max_entries,
			       struct ebs_error *error)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object->handle, name);
	struct bpf_map *half = map ? ebs_halves_find(object, name, 0) : NULL;
	const struct ebs_map *described = ebs_object_map(object, name);
	int result = map ? 0 : -ENOENT;

	if (described && described->given)
		return ebs_error_set(error, "EINVAL",
				     "max_entries: map \"%s\" is given by option 'maps', so its "
				     "size is set where it is made",
				     name);
	if (half) {
		result = bpf_map__set_max_entries(half, max_entries);
		map = ebs_halves_find(object, name, 1);
	}
	if (map && !result)
		result = bpf_map__set_max_entries(map, max_entries);
	if (!map) {
		struct ebs_buffer names = { 0 };
		for (size_t i = 0; i < object->map_count; i++)
			ebs_buffer_printf(&names, "%s%s", i ? ", " : "", object->maps[i].name);
		result =
			ebs_error_set(error, "EINVAL",
				      "max_entries: there is no map \"%s\": maps of this C are: %s",
				      name, names.size ? names.data : "none");
		ebs_buffer_free(&names);
	} else if (result) {
		ebs_error_errno(error, result, "max_entries: can't give map \"%s\" %u entries",
				name, max_entries);
	}
	return result;
}

void ebs_program_leave_out(struct ebs_program *program, bool left_out)
{
	program->left_out = left_out;
	bpf_program__set_autoload(program->handle, !left_out);
}

int ebs_object_load(struct ebs_object *object, struct ebs_error *error)
{
	ebs_log_clear();
	// libbpf asks the kernel what it can do, once: a failure for want of files would be an
	// answer for good.
	int result = ebs_need_files(object->map_count + object->program_count + PROBE_FILES);
	if (result)
		return ebs_object_explain_load(object, result, error);
	result = ebs_object_check_sections(object, error);
	if (!result)
		result = ebs_losses_prepare(object, error);
	if (result)
		return result;
	ebs_map_memory_prepare(object);
	ebs_struct_ops_prepare(object);
	result = ebs_btf_programs_prepare(object, error);
	if (result)
		return result;
	result = ebs_object_check_pins(object, error);
	if (result)
		return result;
	result = ebs_programs_load(object, error);
	if (result)
		return ebs_object_explain_load(object, result, error);
	result = ebs_object_check_pins(object, error); // somebody was faster, perhaps
	if (result)
		return result;

	for (size_t i = 0; i < object->map_count; i++) {
		struct ebs_map *map = &object->maps[i];
		struct bpf_map *handle = bpf_object__find_map_by_name(object->handle, map->name);

		map->fd = bpf_map__fd(handle);
		map->max_entries = bpf_map__max_entries(handle);
		map->flags = bpf_map__map_flags(handle);
		if (map->inner)
			map->inner->btf_fd = bpf_object__btf_fd(object->handle);
		if (bpf_map__is_pinned(handle)) {
			map->pin_path = strdup(bpf_map__pin_path(handle));
			if (!map->pin_path)
				return ebs_error_errno(error, ENOMEM, "can't load %s",
						       object->name);
		}
		if (map->value_size != bpf_map__value_size(handle)) { // struct_ops: the kernel's
			map->value_size = bpf_map__value_size(handle);
			map->value = NULL;
			result = ebs_map_complete(map, error);
			if (result)
				return result;
		}
	}
	result = ebs_halves_load(object, error);
	return result ? result : ebs_losses_open(object, error);
}

void ebs_object_close(struct ebs_object *object)
{
	ebs_losses_close(object);
	ebs_globals_close(object);
	for (size_t i = 0; i < object->map_count; i++) {
		ebs_map_memory_forget(&object->maps[i]);
		ebs_map_submit_end(&object->maps[i]);
		object->maps[i].fd = -1;
	}
	bpf_object__close(object->handle);
	object->handle = NULL;
	for (size_t i = 0; i < object->program_count; i++)
		object->programs[i].handle = NULL;
}

void ebs_object_free(struct ebs_object *object)
{
	if (!object)
		return;
	ebs_object_close(object);
	for (size_t i = 0; i < object->map_count; i++)
		ebs_map_release(&object->maps[i]);
	for (size_t i = 0; i < object->program_count; i++) {
		free(object->programs[i].name);
		free(object->programs[i].section);
	}
	ebs_losses_free(object);
	ebs_types_free(object->types);
	free(object->maps);
	free(object->programs);
	free(object->name);
	free(object);
}

struct ebs_map *ebs_object_map_at(struct ebs_object *object, size_t index)
{
	return index < object->map_count ? &object->maps[index] : NULL;
}

struct ebs_map *ebs_object_map(struct ebs_object *object, const char *name)
{
	for (size_t i = 0; i < object->map_count; i++)
		if (strcmp(object->maps[i].name, name) == 0)
			return &object->maps[i];
	return NULL;
}

struct ebs_program *ebs_object_program_at(struct ebs_object *object, size_t index)
{
	return index < object->program_count ? &object->programs[index] : NULL;
}

struct ebs_program *ebs_object_program(struct ebs_object *object, const char *name)
{
	for (size_t i = 0; i < object->program_count; i++)
		if (strcmp(object->programs[i].name, name) == 0)
			return &object->programs[i];
	return NULL;
}

int ebs_program_fd(const struct ebs_program *program)
{
	return bpf_program__fd(program->handle);
}

struct ebs_types *ebs_object_types(struct ebs_object *object)
{
	return object->types;
}

const char *ebs_object_library_version(void)
{
	return libbpf_version_string() + 1; // behind the 'v'
}
