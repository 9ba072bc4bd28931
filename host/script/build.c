// SPDX-License-Identifier: GPL-2.0-only
// From C text to what the kernel is given: out of the cache, or by the compiler.
#include "script/build.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "script/script.h"
#include "types/header.h"
#include "types/kernel_identity.h"
#include "types/modules.h"
#include "types/relocation_subset.h"
#include "types/suggest.h"
#include "types/tokens.h"

// What the steps of one build share.
struct ebs_work {
	struct ebs_build *build;
	struct ebs_state *state;
	const struct ebs_source *source;
	char *templates;
	char *headers;
	const char *include_dirs[3];
	struct ebs_compile_input input;
	struct ebs_compile_job *job; // the compiler that runs, or NULL
	struct ebs_c_source text;
	struct ebs_tokens tokens; // of what is compiled
	bool tokens_collected;
	struct ebs_buffer kernel_header;
	struct ebs_btf_blob kernel;
	bool kernel_open;
	struct ebs_error kernel_error; // why the kernel's types can't be had
};

void ebs_source_free(struct ebs_source *source)
{
	ebs_buffer_free(&source->text);
	for (char **define = source->defines; define && *define; define++)
		free(*define);
	free(source->defines);
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

static int prepare(struct ebs_work *work, struct ebs_error *error)
{
	const struct ebs_source *source = work->source;

	work->templates = ebs_path_share("bpf-templates");
	work->headers = work->templates ? ebs_path_share("include") : NULL;
	if (!work->headers)
		return ebs_error_errno(error, errno,
				       "the files that ebscript comes with are missing");
	work->include_dirs[0] = work->templates;
	work->include_dirs[1] = work->headers;
	work->input = (struct ebs_compile_input){
		.source = source->text.data ? source->text.data : "",
		.size = source->text.size,
		.name = source->name,
		.directory = source->directory,
		.defines = (const char *const *)source->defines,
		.include_dirs = work->include_dirs,
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

static int collect_tokens(struct ebs_work *work, struct ebs_error *error)
{
	enum ebs_phase phase = ebs_stats_enter(&work->state->stats, EBS_PHASE_TYPES);
	int result = ebs_tokens_collect(&work->tokens, &work->text, error);

	work->tokens_collected = true;
	ebs_stats_enter(&work->state->stats, phase);
	return result;
}

// The kernel's own BTF, opened when first wanted.
static const struct ebs_btf_blob *open_kernel(struct ebs_work *work)
{
	if (!work->kernel_open && !ebs_error_is_set(&work->kernel_error))
		work->kernel_open =
			!ebs_btf_blob_open(&work->kernel, EBS_KERNEL_BTF, &work->kernel_error);
	return work->kernel_open ? &work->kernel : NULL;
}

// Writes what #include "vmlinux.h" stands for: what the C can reach, or all of it.
static int make_header(struct ebs_work *work, bool all, struct ebs_error *error)
{
	struct ebs_buffer *header = &work->kernel_header;
	enum ebs_phase phase = ebs_stats_enter(&work->state->stats, EBS_PHASE_TYPES);
	const struct ebs_btf_blob *kernel = open_kernel(work);
	int result = 0;

	ebs_buffer_clear(header);
	if (kernel)
		result = all ? ebs_header_write_all(kernel, header, error)
			     : ebs_header_write_for(kernel, &work->tokens.names, header, error);
	ebs_stats_enter(&work->state->stats, phase);
	return result;
}

// Starts the compiler, which takes its time to be there; then makes the kernel's types for it.
static int start_compile(struct ebs_work *work, bool all_types, struct ebs_error *error)
{
	enum ebs_phase phase = ebs_stats_enter(&work->state->stats, EBS_PHASE_COMPILE);
	int result = 0;

	work->input.types_follow = true;
	work->job = ebs_compile_start(&work->input, error);
	ebs_stats_enter(&work->state->stats, phase);
	if (!work->job)
		return -EIO;
	if (!work->tokens_collected)
		result = collect_tokens(work, error);
	if (!result && work->tokens.asks_for_kernel_types)
		result = make_header(work, all_types, error);
	if (!result)
		result = ebs_compile_give_types(work->job, work->kernel_header.data,
						work->kernel_header.size, error);
	return result;
}

static int finish_compile(struct ebs_work *work, struct ebs_error *error)
{
	struct ebs_compile_output *output = &work->build->output;
	struct ebs_stats *stats = &work->state->stats;
	enum ebs_phase phase = ebs_stats_enter(stats, EBS_PHASE_COMPILE);

	ebs_compile_output_free(output);
	int result = ebs_compile_finish(work->job, output, error);
	work->job = NULL;
	ebs_stats_enter(stats, phase);
	if (output->peak > stats->child_peak)
		stats->child_peak = output->peak;
	return result;
}

// Types that there aren't: what else the kernel has.
static void suggest_types(struct ebs_work *work, struct ebs_error *error)
{
	const struct ebs_btf_blob *kernel = open_kernel(work);
	struct ebs_buffer text = { 0 };

	if (!kernel || strcmp(error->code, "COMPILE"))
		return;
	ebs_suggest_types(kernel, ebs_error_text(error), work->kernel_header.data, &text);
	if (text.size && !text.failed) {
		char *messages = error->text;

		error->text = NULL;
		ebs_error_clear(error);
		ebs_error_set(error, "COMPILE", "%s%s", messages, text.data);
		free(messages);
	}
	ebs_buffer_free(&text);
}

// With a header that was too small for the C, the compile fails; then the whole one decides.
static int compile_again(struct ebs_work *work, struct ebs_error *error)
{
	if (work->kernel_header.size) {
		ebs_error_clear(error);
		int result = start_compile(work, true, error);
		if (!result)
			result = finish_compile(work, error);
		if (result)
			suggest_types(work, error);
		return result;
	}
	if (!work->tokens.asks_for_kernel_types) {
		suggest_types(work, error);
	} else if (ebs_error_is_set(&work->kernel_error)) {
		ebs_error_clear(error);
		*error = work->kernel_error;
		work->kernel_error = (struct ebs_error){ 0 };
	}
	return -EINVAL;
}

// Whether a subset of vmlinux is all that relocation can find. Where names are missing in it that
// depends on the modules, which the entry of the cache then names.
static bool is_whole(struct ebs_work *work, const struct ebs_relocation_subset *subset)
{
	if (subset->kind != EBS_SUBSET_OF_VMLINUX)
		return subset->kind == EBS_SUBSET_WHOLE;
	if (!ebs_modules_have(EBS_MODULES_FOLDER, &subset->missing) &&
	    !ebs_modules_list(EBS_MODULES_FOLDER, &work->build->modules))
		return true;
	ebs_buffer_clear(&work->build->modules);
	return false;
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

// The part of the kernel's BTF that relocation needs. Without one libbpf takes the kernel's own.
static int make_subset(struct ebs_work *work, struct ebs_error *error)
{
	struct ebs_build *build = work->build;
	struct ebs_relocation_subset subset = { 0 };
	enum ebs_phase phase = ebs_stats_enter(&work->state->stats, EBS_PHASE_TYPES);
	const struct ebs_btf_blob *kernel = open_kernel(work);
	int result = 0;

	if (kernel)
		result = ebs_relocation_subset_make(kernel, build->output.object,
						    build->output.object_size, &subset, error);
	if (!result && is_whole(work, &subset)) {
		build->btf = subset.btf;
		subset.btf = (struct ebs_buffer){ 0 };
	}
	ebs_relocation_subset_free(&subset);
	ebs_stats_enter(&work->state->stats, phase);
	return result;
}

void ebs_build_set_part(struct ebs_build *build, enum ebs_cache_part part, const char *data,
			size_t size)
{
	build->entry.parts[part].data = data;
	build->entry.parts[part].size = size;
}

// The compiler's words without what belongs to this one start: colours, and the command line of -v.
static void keep_warnings(struct ebs_work *work, const char *messages)
{
	if (work->input.verbose)
		messages += strcspn(messages, "\n");
	messages += *messages == '\n';
	while (*messages) {
		size_t length = strcspn(messages, "\033");

		ebs_buffer_append(&work->build->warnings, messages, length);
		messages += length;
		if (*messages)
			messages += strcspn(messages, "m");
		messages += *messages == 'm';
	}
}

static int finish_anew(struct ebs_work *work, struct ebs_error *error)
{
	struct ebs_build *build = work->build;
	int result = finish_compile(work, error);

	if (result && strcmp(error->code, "COMPILE") == 0)
		result = compile_again(work, error);
	if (!result)
		result = make_subset(work, error);
	if (result)
		return result;
	if (build->output.messages) {
		fprintf(stderr, "%s\n", build->output.messages);
		keep_warnings(work, build->output.messages);
	}
	ebs_build_set_part(build, EBS_CACHE_OBJECT, build->output.object,
			   build->output.object_size);
	ebs_build_set_part(build, EBS_CACHE_BTF, build->btf.data, build->btf.size);
	ebs_build_set_part(build, EBS_CACHE_MESSAGES, build->warnings.data, build->warnings.size);
	ebs_build_set_part(build, EBS_CACHE_MODULES, build->modules.data, build->modules.size);
	build->cachable = build->cachable && !build->warnings.failed && !build->modules.failed &&
			  key_is_true(work);
	return 0;
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
	free(work);
}

static void emit_c(const struct ebs_work *work)
{
	const char *text = work->input.source;
	size_t lines = 0;

	for (size_t i = 0; i < work->kernel_header.size; i++)
		lines += work->kernel_header.data[i] == '\n';
	printf("// %s; vmlinux.h: %zu bytes, %zu lines\n", work->source->name,
	       work->kernel_header.size, lines);
	text += strspn(text, "\n"); // they put the C at its line in the script
	fputs(text, stdout);
	if (*text && text[strlen(text) - 1] != '\n')
		putchar('\n');
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
	if (state->options->emit_c) {
		result = collect_tokens(work, error);
		if (!result && work->tokens.asks_for_kernel_types)
			result = make_header(work, false, error);
		if (!result)
			emit_c(work);
		return result;
	}
	build->cachable = make_key(work, false, &build->key) && use_cache(state);
	build->cached = build->cachable && find_in_cache(build, state->cache);
	if (build->cached)
		return 0;
	return start_compile(work, false, error);
}

int ebs_build_finish(struct ebs_build *build, struct ebs_error *error)
{
	struct ebs_state *state = build->work->state;
	int result = build->work->job ? finish_anew(build->work, error) : 0;

	if (!result) {
		state->stats.hits += build->cached;
		state->stats.misses += !build->cached;
		if (build->cached && build->entry.parts[EBS_CACHE_MESSAGES].size &&
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
