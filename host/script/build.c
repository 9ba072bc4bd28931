// SPDX-License-Identifier: GPL-2.0-only
// From C text to what the kernel is given: out of the cache, or by the compiler.
#include "script/build_private.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "script/script.h"
#include "types/kernel_identity.h"
#include "types/modules.h"

void ebs_source_free(struct ebs_source *source)
{
	ebs_buffer_free(&source->text);
	for (char **define = source->defines; define && *define; define++)
		free(*define);
	free(source->defines);
	for (char **folder = source->include; folder && *folder; folder++)
		free(*folder);
	free(source->include);
	free(source->name);
	free(source->directory);
	*source = (struct ebs_source){ 0 };
}

void ebs_build_init(struct ebs_build *build)
{
	*build = (struct ebs_build){ .btf_fd = -1 };
}

// The cache, opened by the first load that wants it; NULL without one.
static struct ebs_cache *use_cache(struct ebs_state *state)
{
	const struct ebs_script_options *options = state->options;

	if (!state->cache && !ebs_error_is_set(&state->cache_refusal) && !options->no_cache)
		state->cache = ebs_cache_open(options->cache_dir, &state->cache_refusal);
	return state->cache;
}

void ebs_build_tell_refusal(struct ebs_state *state)
{
	if (!ebs_error_is_set(&state->cache_refusal) || state->cache_refusal_told)
		return;
	fprintf(stderr, "ebscript: %s: starting without a cache: %s\n", state->name,
		ebs_error_text(&state->cache_refusal));
	state->cache_refusal_told = true;
}

static size_t count_folders(char *const *list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

static int list_folders(struct ebs_work *work)
{
	char *const *lists[] = { work->source->include, work->state->options->include_dirs };
	size_t count = count_folders(lists[0]) + count_folders(lists[1]);
	const char **to = work->include_dirs = calloc(count + 3, sizeof(*to));

	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (char *const *folder = lists[i]; folder && *folder; folder++)
			*to++ = *folder;
	*to++ = work->templates;
	*to = work->headers;
	return 0;
}

static int prepare(struct ebs_work *work, struct ebs_error *error)
{
	const struct ebs_source *source = work->source;

	work->templates = ebs_path_share("bpf-templates");
	work->headers = work->templates ? ebs_path_share("include") : NULL;
	if (!work->headers)
		return ebs_error_errno(error, errno,
				       "the files that ebscript comes with are missing");
	if (list_folders(work))
		return ebs_error_errno(error, ENOMEM, "can't compile %s", source->name);
	work->input = (struct ebs_compile_input){
		.source = source->text.data ? source->text.data : "",
		.size = source->text.size,
		.name = source->name,
		.directory = source->directory,
		.defines = (const char *const *)source->defines,
		.include_dirs = work->include_dirs,
		.cpu = source->cpu,
		.colour = work->state->colour,
		.verbose = work->state->options->verbose,
		.interrupted = &work->state->interrupted,
	};
	work->text = (struct ebs_c_source){
		.text = work->input.source,
		.size = work->input.size,
		.directory = work->input.directory,
		.defines = work->input.defines,
		.include_dirs = work->input.include_dirs,
		.system_dirs = ebs_compile_system_folders(),
	};
	return 0;
}

// Everything that the result depends on. False where that can't be told: `to_keep` says that the
// key is to be kept under, while one to look for need not ask, as nothing is kept under it then.
static bool make_key(struct ebs_work *work, bool to_keep, struct ebs_cache_key *key)
{
	struct ebs_buffer identity = { 0 };
	int result = ebs_compile_fingerprint(&work->input, &identity);

	if (!result)
		result = ebs_kernel_identity(&identity);
	struct ebs_c_files files = { 0 };
	if (!result)
		result = ebs_tokens_find_files(&files, &work->text);
	bool unknown = result || identity.failed ||
		       (to_keep && !ebs_tokens_found_all(&files, &work->text));
	struct ebs_cache_hash *hash = unknown ? NULL : ebs_cache_hash_new();
	if (hash) {
		ebs_cache_hash_add(hash, identity.data, identity.size);
		ebs_cache_hash_add(hash, work->input.source, work->input.size);
		// Without a level of its own the C may be kept as another one than the usual.
		ebs_cache_hash_add(hash, "", work->input.cpu ? 1 : 0);
		for (size_t i = 0; i < files.count; i++) {
			const struct ebs_c_file *file = &files.list[i];

			ebs_cache_hash_add(hash, file->text, file->size);
			ebs_cache_hash_add(hash, file->directory,
					   file->directory ? strlen(file->directory) : 0);
		}
		*key = ebs_cache_hash_finish(hash);
	}
	ebs_c_files_free(&files);
	ebs_buffer_free(&identity);
	return hash;
}

// Whether the key tells all, and the files are still those that it was made from: somebody may have
// saved one while the compiler ran.
static bool key_is_true(struct ebs_work *work)
{
	struct ebs_cache_key key;

	return make_key(work, true, &key) && memcmp(&key, &work->build->key, sizeof(key)) == 0;
}

// Whether a cached entry was made with the modules that are loaded now.
static bool fits_modules(const struct ebs_cache_entry *entry)
{
	struct ebs_buffer now = { 0 };
	size_t size = entry->parts[EBS_CACHE_MODULES].size;
	bool fits = !size || (!ebs_modules_list(EBS_MODULES_FOLDER, &now) && now.size == size &&
			      !memcmp(now.data, entry->parts[EBS_CACHE_MODULES].data, size));

	ebs_buffer_free(&now);
	return fits;
}

static bool find_in_cache(struct ebs_build *build, struct ebs_cache *cache)
{
	if (!ebs_cache_get(cache, build->key, &build->entry))
		return false;
	if (fits_modules(&build->entry))
		return true;
	ebs_cache_entry_free(&build->entry);
	return false;
}

void ebs_build_set_part(struct ebs_build *build, enum ebs_cache_part part, const char *data,
			size_t size)
{
	build->entry.parts[part].data = data;
	build->entry.parts[part].size = size;
}

static void release(struct ebs_work *work)
{
	if (work->kernel_open)
		ebs_btf_blob_close(&work->kernel);
	ebs_error_clear(&work->kernel_error);
	ebs_buffer_free(&work->kernel_header);
	ebs_tokens_free(&work->tokens);
	free(work->templates);
	free(work->headers);
	free(work->include_dirs);
	free(work);
}

int ebs_build_start(struct ebs_build *build, struct ebs_state *state,
		    const struct ebs_source *source, struct ebs_error *error)
{
	struct ebs_work *work = build->work = calloc(1, sizeof(*work));
	if (!work)
		return ebs_error_errno(error, ENOMEM, "can't compile %s", source->name);
	work->build = build;
	work->state = state;
	work->source = source;
	int result = prepare(work, error);
	if (result)
		return result;
	if (state->options->emit_c)
		return ebs_build_emit_c(work, error);
	build->cachable = make_key(work, false, &build->key) && use_cache(state);
	build->cached = build->cachable && find_in_cache(build, state->cache);
	if (build->cached)
		return 0;
	return ebs_build_compile_start(work, error);
}

int ebs_build_finish(struct ebs_build *build, struct ebs_error *error)
{
	struct ebs_state *state = build->work->state;
	int result = 0;

	if (build->work->job) {
		result = ebs_build_compile_finish(build->work, error);
		build->cachable = build->cachable && !result && !build->warnings.failed &&
				  !build->modules.failed && key_is_true(build->work);
	}
	if (!result) {
		state->stats.hits += build->cached;
		state->stats.misses += !build->cached;
		if (build->cached && !build->quiet && build->entry.parts[EBS_CACHE_MESSAGES].size &&
		    state->options->verbose)
			fprintf(stderr, "%.*s\n", (int)build->entry.parts[EBS_CACHE_MESSAGES].size,
				build->entry.parts[EBS_CACHE_MESSAGES].data);
	}
	release(build->work);
	build->work = NULL;
	return result;
}

void ebs_build_free(struct ebs_build *build)
{
	if (build->work) {
		struct ebs_error ignored = { 0 };

		ebs_build_finish(build, &ignored);
		ebs_error_clear(&ignored);
	}
	bool compiled = build->output.object;
	if (build->btf_fd >= 0)
		close(build->btf_fd);
	ebs_cache_entry_free(&build->entry);
	ebs_compile_output_free(&build->output);
	ebs_buffer_free(&build->btf);
	ebs_buffer_free(&build->ids);
	ebs_buffer_free(&build->warnings);
	ebs_buffer_free(&build->modules);
	ebs_build_init(build);
	if (compiled)
		malloc_trim(
			0); // or the process stays half a megabyte larger than after a cached start
}
