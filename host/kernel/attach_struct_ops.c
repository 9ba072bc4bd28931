// SPDX-License-Identifier: GPL-2.0-only
// Tables of functions that C fills for the kernel: SEC(".struct_ops").
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "kernel/at_end.h"
#include "kernel/attach_private.h"
#include "kernel/feature.h"
#include "kernel/link_create.h"
#include "kernel/object_private.h"
#include "kernel/watched_private.h"

#define FLAG_LINK       (1U << 13) // BPF_F_LINK of Linux 6.4
#define TYPE_STRUCT_OPS 44 // BPF_STRUCT_OPS, which came together with the flag

void ebs_struct_ops_prepare(struct ebs_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object->handle)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS &&
		    ebs_has_enumerator("BPF_STRUCT_OPS", NULL))
			bpf_map__set_map_flags(map, bpf_map__map_flags(map) | FLAG_LINK);
}

bool ebs_struct_ops_is_first(const struct ebs_program *program)
{
	const struct ebs_program *first = program->object->programs;

	while (strncmp(first->section, "struct_ops", 10))
		first++;
	return first == program;
}

// libbpf fills the table. Before Linux 6.4 that registers it too, until its own link ends; from
// then on the kernel's link does, which ends with the process.
static int attach_map(struct bpf_map *map, struct ebs_link *link)
{
	bool has_link = bpf_map__map_flags(map) & FLAG_LINK;
	int result = has_link ? 0 : ebs_at_end_unregister(bpf_map__fd(map));
	if (result)
		return result;
	struct bpf_link *filled = bpf_map__attach_struct_ops(map);
	// From 1.2 on libbpf makes the kernel's link itself; 1.1 gives the map's descriptor back.
	bool is_link = filled && bpf_link__fd(filled) != bpf_map__fd(map);
	if (!has_link || is_link)
		return ebs_link_add(link, filled);
	if (!filled && errno != EBUSY) // it was filled for another link
		return -errno;
	if (filled) {
		bpf_link__disconnect(filled);
		bpf_link__destroy(filled);
	}
	int fd = ebs_link_create(&(struct ebs_link_attributes){
		.program = bpf_map__fd(map), // a union, in the kernel
		.type = TYPE_STRUCT_OPS,
	});
	int added = fd < 0 ? fd : ebs_link_add_fd(link, fd);
	return added ? added
		     : ebs_link_watch_part(link, EBS_PLACE_TABLE, bpf_map__name(map),
					   link->count - 1);
}

int ebs_attach_struct_ops(struct ebs_program *program, const struct ebs_attach_options *options,
			  struct ebs_link *link, struct ebs_error *error)
{
	const char *wanted = options->values[EBS_ATTACH_MAP].text;
	struct bpf_map *map;

	bpf_object__for_each_map (map, program->object->handle) {
		const char *name = bpf_map__name(map);

		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS ||
		    (wanted && strcmp(name, wanted)))
			continue;
		int result = attach_map(map, link);
		if (result == -EEXIST)
			return ebs_error_explain(
				error, result,
				"struct_ops \"%s\": the kernel has one of that name "
				"already",
				name);
		if (result)
			return ebs_error_errno(error, result, "can't register struct_ops \"%s\"",
					       name);
	}
	return link->count ? 0
			   : ebs_error_set(error, "EINVAL", "the object has no struct_ops \"%s\"",
					   wanted ? wanted : "in SEC(\".struct_ops\")");
}
