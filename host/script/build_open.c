// SPDX-License-Identifier: GPL-2.0-only
// Opens what was built: gives libbpf what is known of the kernel's types, so that it doesn't have
// to look there.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/file.h"
#include "kernel/privileges.h"
#include "script/build.h"
#include "types/btf_find.h"
#include "types/kernel_identity.h"

// libbpf takes BTF from a file only.
static int make_btf_file(struct ebs_build *build)
{
	const char *data = build->entry.parts[EBS_CACHE_BTF].data;
	size_t size = build->entry.parts[EBS_CACHE_BTF].size;

	if (build->btf_fd >= 0)
		return 0;
	build->btf_fd = memfd_create("btf", MFD_CLOEXEC);
	int result = build->btf_fd < 0 ? -errno : ebs_write_all(build->btf_fd, data, size);
	if (result)
		return result;
	snprintf(build->btf_path, sizeof(build->btf_path), "/proc/self/fd/%d", build->btf_fd);
	return 0;
}

// One 32-bit id for each program, in the object's order; 0 for those that have none.
static void find_ids(struct ebs_build *build, struct ebs_object *object)
{
	struct ebs_btf_blob kernel;
	struct ebs_program *program;
	bool open = false;
	char name[128];
	uint32_t kind;

	ebs_buffer_clear(&build->ids);
	for (size_t i = 0; (program = ebs_object_program_at(object, i)); i++) {
		if (ebs_program_btf_target(program, name, sizeof(name), &kind)) {
			if (!open && ebs_btf_blob_open(&kernel, EBS_KERNEL_BTF, NULL))
				return;
			open = true;
			program->btf_id = ebs_btf_find(&kernel, name, kind);
		}
		ebs_buffer_append(&build->ids, &program->btf_id, sizeof(program->btf_id));
	}
	if (open)
		ebs_btf_blob_close(&kernel);
	ebs_build_set_part(build, EBS_CACHE_IDS, build->ids.data, build->ids.size);
}

static void take_ids(const struct ebs_build *build, struct ebs_object *object)
{
	const char *ids = build->entry.parts[EBS_CACHE_IDS].data;
	size_t count = build->entry.parts[EBS_CACHE_IDS].size / sizeof(uint32_t);
	struct ebs_program *program;

	for (size_t i = 0; i < count && (program = ebs_object_program_at(object, i)); i++)
		memcpy(&program->btf_id, ids + i * sizeof(uint32_t), sizeof(uint32_t));
}

static void keep(const struct ebs_build *build, struct ebs_state *state, struct ebs_cache_key key)
{
	struct ebs_error notice = { 0 };

	if (build->cachable && !ebs_privileges_are_dropped() &&
	    ebs_cache_put(state->cache, key, &build->entry, &notice))
		fprintf(stderr, "ebscript: %s: %s\n", state->name, ebs_error_text(&notice));
	ebs_error_clear(&notice);
}

bool ebs_build_equals(const struct ebs_build *build, const struct ebs_build *other)
{
	size_t size = build->entry.parts[EBS_CACHE_OBJECT].size;

	return size == other->entry.parts[EBS_CACHE_OBJECT].size &&
	       !memcmp(build->entry.parts[EBS_CACHE_OBJECT].data,
		       other->entry.parts[EBS_CACHE_OBJECT].data, size);
}

void ebs_build_replace(struct ebs_build *build, struct ebs_state *state,
		       const struct ebs_build *refused)
{
	build->key = refused->key;
	if (refused->cachable)
		keep(build, state, refused->key);
}

bool ebs_build_distrust(struct ebs_build *build, struct ebs_state *state, struct ebs_object *object)
{
	struct ebs_program *program;
	struct ebs_btf_blob kernel;
	char name[128];
	uint32_t kind;
	bool wrong = false;

	if (!build->cached || ebs_btf_blob_open(&kernel, EBS_KERNEL_BTF, NULL))
		return false;
	for (size_t i = 0; !wrong && (program = ebs_object_program_at(object, i)); i++)
		wrong = program->btf_id &&
			ebs_program_btf_target(program, name, sizeof(name), &kind) &&
			program->btf_id != ebs_btf_find(&kernel, name, kind);
	ebs_btf_blob_close(&kernel);
	if (wrong)
		ebs_cache_remove(state->cache, build->key);
	build->cached = !wrong;
	return wrong;
}

struct ebs_object *ebs_build_open(struct ebs_build *build, struct ebs_state *state,
				  const char *name, struct ebs_error *error)
{
	const char *btf = NULL;

	if (build->entry.parts[EBS_CACHE_BTF].size) {
		int result = make_btf_file(build);
		if (result) {
			ebs_error_errno(error, result, "can't keep the kernel's types");
			return NULL;
		}
		btf = build->btf_path;
	}
	struct ebs_object *object =
		ebs_object_open(build->entry.parts[EBS_CACHE_OBJECT].data,
				build->entry.parts[EBS_CACHE_OBJECT].size, name, btf, error);
	if (!object)
		return NULL;
	if (build->cached) {
		take_ids(build, object);
		return object;
	}
	enum ebs_phase phase = ebs_stats_enter(&state->stats, EBS_PHASE_TYPES);
	find_ids(build, object);
	ebs_stats_enter(&state->stats, phase);
	keep(build, state, build->key);
	return object;
}
