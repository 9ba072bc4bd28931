// SPDX-License-Identifier: GPL-2.0-only
// A build that the cache doesn't have: the kernel's types that the C asks for, the compiler, and
// the part of the kernel's BTF that goes with the object.
#include "script/build_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/kernel_identity.h"
#include "types/modules.h"
#include "types/relocation_subset.h"
#include "types/suggest.h"

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

// Writes what #include "vmlinux.h" stands for: what C with these names can reach, or all of it.
static int write_header(struct ebs_work *work, struct ebs_tokens *tokens, struct ebs_buffer *header,
			struct ebs_error *error)
{
	const struct ebs_btf_blob *kernel = open_kernel(work);

	if (!kernel)
		return 0;
	return work->all_types ? ebs_header_write_all(kernel, tokens, header, error)
			       : ebs_header_write_for(kernel, tokens, header, error);
}

static int make_header(struct ebs_work *work, struct ebs_error *error)
{
	enum ebs_phase phase = ebs_stats_enter(&work->state->stats, EBS_PHASE_TYPES);

	ebs_buffer_clear(&work->kernel_header);
	int result = write_header(work, &work->tokens, &work->kernel_header, error);
	ebs_stats_enter(&work->state->stats, phase);
	return result;
}

// The same in the compiler's process, of C that has been preprocessed: only so is it known what
// other headers define.
static int make_types(void *context, const char *text, size_t size, struct ebs_buffer *types)
{
	struct ebs_work *work = context;
	struct ebs_c_source source = {
		.text = text,
		.size = size,
		.system_dirs = ebs_compile_system_folders(),
		.preprocessed = true,
	};
	struct ebs_tokens tokens = { 0 };
	struct ebs_error error = { 0 };
	int result = ebs_tokens_collect(&tokens, &source, &error);

	if (!result)
		result = write_header(work, &tokens, types, &error);
	ebs_tokens_free(&tokens);
	ebs_error_clear(&error);
	return result;
}

static int give_types(struct ebs_work *work, struct ebs_error *error)
{
	bool asks = work->tokens.asks_for_kernel_types;
	int result = 0;

	if (asks && (work->tokens.is_unsure || work->all_types)) {
		work->types_given = true;
		return ebs_compile_make_types(work->job, error);
	}
	if (asks)
		result = make_header(work, error);
	work->types_given = work->kernel_header.size;
	if (result)
		return result;
	return ebs_compile_give_types(work->job, work->kernel_header.data, work->kernel_header.size,
				      error);
}

// With all of the kernel's types, or those that the C can reach.
static int start_compile(struct ebs_work *work, struct ebs_error *error)
{
	enum ebs_phase phase = ebs_stats_enter(&work->state->stats, EBS_PHASE_COMPILE);
	int result = 0;

	work->input.types_follow = true;
	work->input.make_types = make_types;
	work->input.types_context = work;
	work->job = ebs_compile_start(&work->input, error);
	ebs_stats_enter(&work->state->stats, phase);
	if (!work->job)
		return -EIO;
	if (!work->tokens_collected)
		result = collect_tokens(work, error);
	return result ? result : give_types(work, error);
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
	ebs_suggest_types(kernel, ebs_error_text(error), work->types_given, &text);
	if (text.size && !text.failed) {
		char *messages = error->text;

		error->text = NULL;
		ebs_error_clear(error);
		ebs_error_set(error, "COMPILE", "%s%s", messages, text.data);
		free(messages);
	}
	ebs_buffer_free(&text);
}

// Whether a header with more in it, or less, could help. Anything else that clang says is true
// already, and comes at once.
static bool blames_types(const char *messages)
{
	static const char *const phrases[] = {
		"undeclared",         "unknown type name", "incomplete",
		"redefinition",       "conflicting types", "redeclar",
		"follows non-static", "without types",     "implicit declaration",
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (strstr(messages, phrases[i]))
			return true;
	return false;
}

// A header that was too small for the C, or has what the C defines itself, makes the compile fail;
// then the whole one decides, without what the preprocessed C defines.
static int compile_again(struct ebs_work *work, struct ebs_error *error)
{
	if (!work->tokens.asks_for_kernel_types) {
		suggest_types(work, error);
		return -EINVAL;
	}
	if (!open_kernel(work)) {
		ebs_error_clear(error);
		*error = work->kernel_error;
		work->kernel_error = (struct ebs_error){ 0 };
		return -EINVAL;
	}
	if (!blames_types(ebs_error_text(error)))
		return -EINVAL;
	ebs_error_clear(error);
	struct ebs_error ignored = { 0 };
	work->all_types = true;
	int result = start_compile(work, error);

	if (!result)
		result = finish_compile(work, error);
	else if (work->job)
		finish_compile(work, &ignored);
	ebs_error_clear(&ignored);
	if (result)
		suggest_types(work, error);
	return result;
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

int ebs_build_compile_finish(struct ebs_work *work, struct ebs_error *error)
{
	struct ebs_build *build = work->build;
	int result = finish_compile(work, error);

	if (result && strcmp(error->code, "COMPILE") == 0)
		result = compile_again(work, error);
	if (!result)
		result = ebs_build_check(work, error);
	if (!result)
		result = make_subset(work, error);
	if (result)
		return result;
	if (build->output.messages) {
		if (!build->quiet)
			fprintf(stderr, "%s\n", build->output.messages);
		keep_warnings(work, build->output.messages);
	}
	ebs_build_set_part(build, EBS_CACHE_OBJECT, build->output.object,
			   build->output.object_size);
	ebs_build_set_part(build, EBS_CACHE_BTF, build->btf.data, build->btf.size);
	ebs_build_set_part(build, EBS_CACHE_MESSAGES, build->warnings.data, build->warnings.size);
	ebs_build_set_part(build, EBS_CACHE_MODULES, build->modules.data, build->modules.size);
	return 0;
}

int ebs_build_emit_c(struct ebs_work *work, struct ebs_error *error)
{
	const char *text = work->input.source;
	size_t lines = 0;
	int result = collect_tokens(work, error);

	if (!result && work->tokens.asks_for_kernel_types)
		result = make_header(work, error);
	if (result)
		return result;
	for (size_t i = 0; i < work->kernel_header.size; i++)
		lines += work->kernel_header.data[i] == '\n';
	printf("// %s; vmlinux.h: %zu bytes, %zu lines\n", work->source->name,
	       work->kernel_header.size, lines);
	text += strspn(text, "\n"); // they put the C at its line in the script
	fputs(text, stdout);
	if (*text && text[strlen(text) - 1] != '\n')
		putchar('\n');
	return 0;
}

int ebs_build_compile_start(struct ebs_work *work, struct ebs_error *error)
{
	return start_compile(work, error);
}
