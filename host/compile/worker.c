// SPDX-License-Identifier: GPL-2.0-only
// The compiler's process: loads the module, compiles one job, hands back bytes, ends.
#include "compile/compile.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "base/trust.h"
#include "compile/arguments.h"
#include "compile/child.h"
#include "compile/clang_driver.h"
#include "compile/last_words.h"

#define STACK_LINES 10 // of "In file included from ..." that are shown in a row
#define MODULE      "ebscript-clang.so"

// In place of types: the child is to make them.
#define MAKE_TYPES "?"

// Exit statuses of the child. Others than these are not ours: a library has ended the process.
enum outcome {
	COMPILED = 0,
	REFUSED = 100, // the C is at fault; the messages say why
	BROKEN = 101,  // standard error says why
};

struct ebs_compile_job {
	char *module; // path
	const struct ebs_compile_input *input;
	struct ebs_child *child;
};

static void free_job(struct ebs_compile_job *job)
{
	free(job->module);
	free(job);
}

static enum outcome complain(const char *text)
{
	fprintf(stderr, "%s\n", text); // unbuffered
	return BROKEN;
}

// A function of the module, or NULL when it said on standard error why there is none. The module
// stays loaded: the process ends soon.
static void *load(const char *path, const char *function)
{
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	void *symbol = module ? dlsym(module, function) : NULL;

	if (!symbol)
		complain(dlerror());
	return symbol;
}

static void write_or_die(enum ebs_child_fd fd, const char *data, size_t size)
{
	int error = ebs_child_write(fd, data, size);

	if (error)
		_exit(complain(strerror(-error)));
}

static void take_object(void *context, const char *data, size_t size)
{
	write_or_die(EBS_CHILD_OBJECT, data, size);
}

static void take_messages(void *context, const char *data, size_t size)
{
	write_or_die(EBS_CHILD_MESSAGES, data, size);
}

// clang looks for #include "..." beside the main file first. The name that messages show need not
// lead to the script: that of a shipped one has no folder, and a header that somebody has put into
// the folder where root works must not get into it. So it counts from the script's own folder.
static int stand_beside(const char *directory)
{
	if (directory && chdir(directory) == 0)
		return 0;
	return chdir("/");
}

// `context` is the buffer of what was not shown to the compiler, a line each: a file is asked for
// more than once, by paths that begin with "./" too.
static bool may_read(void *context, const char *path)
{
	struct ebs_buffer *notes = context;
	struct ebs_error error = { 0 };
	struct stat status;
	char *line = NULL;

	if (stat(path, &status))
		return true; // clang finds by itself that it is missing
	// clang would wait until somebody writes to a FIFO.
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
		ebs_error_set(&error, "EINVAL", "it is no regular file");
	else if (!ebs_trust_path(path, EBS_TRUST_FOUND, &error))
		return true;
	char *folder = *path == '/' ? strdup("") : getcwd(NULL, 0);
	const char *name = strncmp(path, "./", 2) ? path : path + 2;
	if (folder && asprintf(&line, "warning: %s%s%s is not read: %s\n", folder,
			       *folder ? "/" : "", name, ebs_error_text(&error)) < 0)
		line = NULL;
	free(folder);
	if (line && !(notes->data && strstr(notes->data, line)))
		ebs_buffer_append_string(notes, line);
	free(line);
	ebs_error_clear(&error);
	return false;
}

static void append_text(void *context, const char *data, size_t size)
{
	ebs_buffer_append(context, data, size);
}

// While the C is preprocessed "vmlinux.h" is empty, but there.
static int preprocess(const struct ebs_compile_input *input, const char *module,
		      struct ebs_buffer *text)
{
	static const char stand_in[] = "#define __VMLINUX_H__\n";
	struct ebs_compile_input without_types = *input;
	struct ebs_arguments arguments;
	struct ebs_buffer notes = { 0 };
	ebs_clang_preprocess_function *function = load(module, "ebs_clang_preprocess");

	without_types.kernel_types = stand_in;
	without_types.kernel_types_size = sizeof(stand_in) - 1;
	int result = function ? ebs_arguments_compose(&arguments, &without_types) : -ELIBACC;
	if (result)
		return result;
	struct ebs_clang_job job = {
		.arguments = arguments.list,
		.files = arguments.files,
		.file_count = arguments.file_count,
		.filter = may_read,
		.filter_context = &notes,
	};
	int here = open(".", O_PATH | O_CLOEXEC); // from where relative folders count, later too
	if (here < 0 || stand_beside(input->directory))
		result = -errno;
	else
		function(&job, append_text, text);
	if (here >= 0 && fchdir(here))
		result = -errno;
	if (here >= 0)
		close(here);
	ebs_buffer_free(&notes);
	ebs_arguments_free(&arguments);
	return text->failed ? -ENOMEM : result;
}

static int make_types(struct ebs_compile_input *input, const char *module)
{
	struct ebs_buffer text = { 0 }, types = { 0 };
	int result = preprocess(input, module, &text);

	if (!result)
		result = input->make_types(input->types_context, text.data ? text.data : "",
					   text.size, &types);
	ebs_buffer_free(&text);
	input->kernel_types = types.size ? types.data : NULL; // stays until the process ends
	input->kernel_types_size = types.size;
	return result;
}

// The kernel's types come when the host has made them; the compiler was loaded meanwhile.
static int take_types(struct ebs_compile_input *input, const char *module)
{
	input->kernel_types = ebs_child_take(&input->kernel_types_size);
	if (!input->kernel_types)
		return -errno;
	if (input->kernel_types_size == 1 && *input->kernel_types == *MAKE_TYPES)
		return make_types(input, module);
	if (!input->kernel_types_size)
		input->kernel_types = NULL;
	return 0;
}

static int compile_composed(const struct ebs_compile_input *input,
			    const struct ebs_arguments *arguments,
			    ebs_clang_compile_function *function)
{
	if (input->verbose) {
		struct ebs_buffer line = { 0 };
		ebs_arguments_print(arguments, &line);
		if (!line.failed)
			take_messages(NULL, line.data, line.size);
		ebs_buffer_free(&line);
	}
	if (stand_beside(input->directory))
		return complain(strerror(errno));
	struct ebs_buffer notes = { 0 };
	struct ebs_clang_job clang_job = {
		.arguments = arguments->list,
		.files = arguments->files,
		.file_count = arguments->file_count,
		.colour = input->colour,
		.filter = may_read,
		.filter_context = &notes,
	};
	bool compiled = function(&clang_job, take_object, take_messages, NULL);

	if (notes.size && !notes.failed)
		take_messages(NULL, notes.data, notes.size);
	ebs_buffer_free(&notes);
	return compiled ? COMPILED : REFUSED;
}

static int compile(const void *context)
{
	const struct ebs_compile_job *job = context;
	struct ebs_compile_input input = *job->input;
	struct ebs_arguments arguments;
	ebs_clang_compile_function *function = load(job->module, "ebs_clang_compile");
	if (!function)
		return BROKEN;

	int result = input.types_follow ? take_types(&input, job->module) : 0;
	if (!result)
		result = ebs_arguments_compose(&arguments, &input);
	if (result)
		return complain(strerror(-result));
	return compile_composed(&input, &arguments, function);
}

static int tell_version(const void *context)
{
	const struct ebs_compile_job *job = context;
	ebs_clang_version_function *function = load(job->module, "ebs_clang_version");
	if (!function)
		return BROKEN;

	const char *version = function();
	take_messages(NULL, version, strlen(version));
	return COMPILED;
}

static int find_module(char **path, struct ebs_error *error)
{
	*path = ebs_path_lib(MODULE);
	return *path ? 0 : ebs_error_errno(error, errno, "cannot find the compiler, " MODULE);
}

static void drop_last_newline(struct ebs_buffer *text)
{
	if (text->size && text->data[text->size - 1] == '\n')
		text->data[--text->size] = '\0';
}

// clang only says that a file wasn't found.
// A header that includes itself makes a stack of 200 lines, each time that it is shown: the first
// and the last of them stay.
static void shorten_stacks(struct ebs_buffer *messages)
{
	static const char start[] = "In file included from ";
	struct ebs_buffer shorter = { 0 };
	const char *line = messages->data, *end;
	size_t depth = 0;

	if (!line || !strstr(line, start))
		return;
	for (; *line; line = end) {
		const char *next = strchr(line, '\n');
		end = next ? next + 1 : line + strlen(line);
		bool inside = strncmp(line, start, strlen(start)) == 0;
		bool goes_on = inside && strncmp(end, start, strlen(start)) == 0;

		depth = inside ? depth + 1 : 0;
		if (depth <= STACK_LINES || !goes_on)
			ebs_buffer_append(&shorter, line, end - line);
		else if (depth == STACK_LINES + 1)
			ebs_buffer_append_string(&shorter, "...\n");
	}
	if (shorter.failed) {
		ebs_buffer_free(&shorter);
		return;
	}
	ebs_buffer_free(messages);
	*messages = shorter;
}

static void tell_folders(const struct ebs_compile_input *input, struct ebs_buffer *messages)
{
	struct ebs_arguments arguments;
	static const char phrase[] = "' file not found";
	const char *found = messages->data ? strstr(messages->data, phrase) : NULL;

	if (!found ||
	    strncmp(found + strlen(phrase), " with", 5) == 0) // ... <angled>; use "quotes" instead
		return;
	if (!ebs_arguments_compose(&arguments, input)) {
		ebs_buffer_append_string(messages, "\nnote: headers are looked for in ");
		ebs_arguments_print_folders(&arguments, messages);
	}
	ebs_arguments_free(&arguments);
}

// The child died. What the compiler had said by then comes first. Where an error is part of that
// the C is at fault, and the death follows from it.
static int tell_death(const struct ebs_child_output *child, struct ebs_error *error)
{
	struct ebs_error death = { 0 };
	int result = ebs_child_explain(child, &death);
	const char *messages = child->messages.size ? child->messages.data : "";
	bool blames = strcmp(death.code, "EINTR") && strstr(messages, "error: ");

	if (blames)
		result = ebs_error_set(error, "COMPILE", "%s\nnote: then %s", messages,
				       ebs_error_text(&death));
	else
		ebs_error_set(error, death.code, "%s%s%s", messages, *messages ? "\n" : "",
			      ebs_error_text(&death));
	ebs_error_clear(&death);
	return result;
}

// What the child's end means.
static int judge(struct ebs_compile_job *job, struct ebs_child_output *child,
		 struct ebs_compile_output *output, struct ebs_error *error)
{
	int status = WIFEXITED(child->status) ? WEXITSTATUS(child->status) : -1;

	shorten_stacks(&child->messages);
	drop_last_newline(&child->messages);
	if (status == REFUSED)
		tell_folders(job->input, &child->messages);
	if (status == REFUSED && child->messages.size)
		return ebs_error_set(error, "COMPILE", "%s", child->messages.data);
	if (WIFSIGNALED(child->status) &&
	    ebs_last_words_blame(child->messages.data, child->errors.data, error))
		return -EINVAL;
	if (status != COMPILED)
		return tell_death(child, error);
	if (!child->object.size)
		return ebs_error_set(error, "COMPILER", "the compiler made an empty object");

	output->object_size = child->object.size;
	output->object = ebs_buffer_take(&child->object);
	if (child->messages.size)
		output->messages = ebs_buffer_take(&child->messages);
	return 0;
}

struct ebs_compile_job *ebs_compile_start(const struct ebs_compile_input *input,
					  struct ebs_error *error)
{
	struct ebs_compile_job *job = calloc(1, sizeof(*job));
	if (!job) {
		ebs_error_errno(error, ENOMEM, "cannot start the compiler");
		return NULL;
	}
	job->input = input;
	if (!find_module(&job->module, error))
		job->child = ebs_child_start(compile, job, input->interrupted, error);
	if (!job->child) {
		free_job(job);
		return NULL;
	}
	return job;
}

int ebs_compile_give_types(struct ebs_compile_job *job, const char *types, size_t size,
			   struct ebs_error *error)
{
	int result = ebs_child_give(job->child, types, size);

	return result ? ebs_error_errno(error, result,
					"cannot give the kernel's types to the compiler")
		      : 0;
}

int ebs_compile_make_types(struct ebs_compile_job *job, struct ebs_error *error)
{
	return ebs_compile_give_types(job, MAKE_TYPES, strlen(MAKE_TYPES), error);
}

int ebs_compile_finish(struct ebs_compile_job *job, struct ebs_compile_output *output,
		       struct ebs_error *error)
{
	struct ebs_child_output child = { 0 };

	*output = (struct ebs_compile_output){ 0 };
	int result = ebs_child_finish(job->child, &child, error);
	output->peak = child.peak;
	if (!result)
		result = judge(job, &child, output, error);
	ebs_child_output_free(&child);
	free_job(job);
	return result;
}

int ebs_compile(const struct ebs_compile_input *input, struct ebs_compile_output *output,
		struct ebs_error *error)
{
	struct ebs_compile_job *job = ebs_compile_start(input, error);

	*output = (struct ebs_compile_output){ 0 };
	return job ? ebs_compile_finish(job, output, error) : -EIO;
}

void ebs_compile_output_free(struct ebs_compile_output *output)
{
	free(output->object);
	free(output->messages);
	*output = (struct ebs_compile_output){ 0 };
}

void ebs_compile_reap(void)
{
	ebs_child_reap();
}

// Which file it is, as far as a look at its folder tells.
static void append_file(struct ebs_buffer *out, const char *path)
{
	struct stat status;

	ebs_buffer_append_string(out, path);
	if (stat(path, &status)) {
		ebs_buffer_append_string(out, " is missing\n");
		return;
	}
	int64_t known[] = { status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec };
	ebs_buffer_append(out, known, sizeof(known));
}

int ebs_compile_fingerprint(const struct ebs_compile_input *input, struct ebs_buffer *out)
{
	static const char *const files[] = {
		// An upgrade of a package of headers changes its folders.
		"/usr/include",
		"/usr/include/linux",
		"/usr/include/asm-generic",
		"/usr/include/" EBS_MULTIARCH "/asm",
		EBS_CLANG_HEADERS,
		EBS_CLANG_LIBRARY,
		EBS_LLVM_LIBRARY,
	};
	struct ebs_arguments arguments;
	char *module = ebs_path_lib(MODULE);
	int result = module ? ebs_arguments_compose(&arguments, input) : -errno;

	if (!result) {
		ebs_buffer_append_string(out, "ebscript " EBS_VERSION "\n");
		ebs_arguments_print(&arguments, out);
		append_file(out, module);
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
			append_file(out, files[i]);
		ebs_arguments_free(&arguments);
	}
	free(module);
	return result;
}

char *ebs_compile_version(struct ebs_error *error)
{
	struct ebs_child_output output = { 0 };
	struct ebs_compile_job job = { 0 };
	char *version = NULL;

	if (find_module(&job.module, error))
		return NULL;
	struct ebs_child *child = ebs_child_start(tell_version, &job, NULL, error);
	if (child && !ebs_child_finish(child, &output, error)) {
		if (WIFEXITED(output.status) && WEXITSTATUS(output.status) == COMPILED)
			version = ebs_buffer_take(&output.messages);
		else
			ebs_child_explain(&output, error);
	}
	ebs_child_output_free(&output);
	free(job.module);
	return version;
}
