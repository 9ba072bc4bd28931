// SPDX-License-Identifier: GPL-2.0-only
// From C text to what the kernel is given: out of the cache, or by the compiler.
#ifndef EBS_SCRIPT_BUILD_H
#define EBS_SCRIPT_BUILD_H

#include "base/buffer.h"
#include "compile/cache.h"
#include "compile/compile.h"
#include "kernel/object.h"
#include "script/state.h"

// One piece of C. All members are owned, and freed with ebs_source_free().
struct ebs_source {
	struct ebs_buffer text; // as the compiler sees it
	char *name;             // for messages
	char *directory;        // where its #include "..." looks first
	char **defines;         // "NAME=VALUE", up to a NULL; may be NULL
	char **include;         // folders, up to a NULL; may be NULL
	const char *cpu;        // static text, or NULL
};
void ebs_source_free(struct ebs_source *source);

struct ebs_build {
	struct ebs_cache_entry entry; // the result
	struct ebs_cache_key key;
	bool cached;           // it came out of the cache
	bool cachable;         // the key stands for all that it was made from
	struct ebs_work *work; // while it is being built
	bool quiet;            // the compiler's warnings are not shown: they were already
	int btf_fd;            // a file in memory with the entry's BTF, or -1
	char btf_path[32];
	// What the entry's parts are in when the compiler made them.
	struct ebs_compile_output output;
	struct ebs_buffer btf;
	struct ebs_buffer ids;
	struct ebs_buffer warnings;
	struct ebs_buffer modules;
};

// Starts with nothing to free.
void ebs_build_init(struct ebs_build *build);
// Looks into the cache, else starts the compiler; several builds may run side by side. `source`
// must stay until the build is finished. Returns 0, or -errno with `error` filled.
int ebs_build_start(struct ebs_build *build, struct ebs_state *state,
		    const struct ebs_source *source, struct ebs_error *error);
// Returns 0, or -errno with `error` filled. Warnings go to standard error, of a cached object only
// with -v.
int ebs_build_finish(struct ebs_build *build, struct ebs_error *error);
// Opens the object, and tells it what is known of the kernel's BTF. Puts what was built into the
// cache.
struct ebs_object *ebs_build_open(struct ebs_build *build, struct ebs_state *state,
				  const char *name, struct ebs_error *error);
// Whether both came to the same object.
bool ebs_build_equals(const struct ebs_build *build, const struct ebs_build *other);
// Keeps what was built under the key of `refused`, in its place: the next start of the same C finds
// it at once. Only what the kernel has taken is kept so.
void ebs_build_replace(struct ebs_build *build, struct ebs_state *state,
		       const struct ebs_build *refused);
// After a cached object was refused: true when that may be the cache's fault, which knew wrong ids.
// Then the entry is gone, and ebs_build_open() is to be called again.
bool ebs_build_distrust(struct ebs_build *build, struct ebs_state *state,
			struct ebs_object *object);
void ebs_build_set_part(struct ebs_build *build, enum ebs_cache_part part, const char *data,
			size_t size);
// Says once, on standard error, why there is no cache. For when the script could be loaded: else
// there is worse to tell.
void ebs_build_tell_refusal(struct ebs_state *state);
// Waits for the compiler where it still runs.
void ebs_build_free(struct ebs_build *build);

#endif
