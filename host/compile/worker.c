// SPDX-License-Identifier: GPL-2.0-only
// The compiler's process: loads the module, compiles one job, hands back bytes, ends.
#include "compile/compile.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "compile/arguments.h"
#include "compile/child.h"
#include "compile/clang_driver.h"

#define MODULE "ebscript-clang.so"

// Exit statuses of the child. Others than these are not ours: a library has ended the process.
enum outcome {
	COMPILED = 0,
	REFUSED = 100, // the C is at fault; the messages say why
	BROKEN = 101,  // standard error says why
};

struct job {
	char *module; // path
	const struct ebs_compile_input *input;
	struct ebs_arguments arguments;
};

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

static int compile(const void *context)
{
	const struct job *job = context;
	ebs_clang_compile_function *function = load(job->module, "ebs_clang_compile");
	if (!function)
		return BROKEN;

	if (job->input->verbose) {
		struct ebs_buffer line = { 0 };
		ebs_arguments_print(&job->arguments, &line);
		if (!line.failed)
			take_messages(NULL, line.data, line.size);
		ebs_buffer_free(&line);
	}
	if (stand_beside(job->input->directory))
		return complain(strerror(errno));
	struct ebs_clang_job clang_job = {
		.arguments = job->arguments.list,
		.files = job->arguments.files,
		.file_count = job->arguments.file_count,
		.colour = job->input->colour,
	};
	return function(&clang_job, take_object, take_messages, NULL) ? COMPILED : REFUSED;
}

static int tell_version(const void *context)
{
	const struct job *job = context;
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

// What the child's end means.
static int judge(struct ebs_child_output *child, struct ebs_compile_output *output,
		 struct ebs_error *error)
{
	int status = WIFEXITED(child->status) ? WEXITSTATUS(child->status) : -1;

	drop_last_newline(&child->messages);
	if (status == REFUSED && child->messages.size)
		return ebs_error_set(error, "COMPILE", "%s", child->messages.data);
	if (status != COMPILED)
		return ebs_child_explain(child, error);
	if (!child->object.size)
		return ebs_error_set(error, "COMPILER", "the compiler made an empty object");

	output->object_size = child->object.size;
	output->object = ebs_buffer_take(&child->object);
	if (child->messages.size)
		output->messages = ebs_buffer_take(&child->messages);
	return 0;
}

int ebs_compile(const struct ebs_compile_input *input, struct ebs_compile_output *output,
		struct ebs_error *error)
{
	struct job job = { .input = input };
	struct ebs_child_output child = { 0 };

	*output = (struct ebs_compile_output){ 0 };
	int result = find_module(&job.module, error);
	if (result)
		return result;
	result = ebs_arguments_compose(&job.arguments, input);
	if (result) {
		ebs_error_errno(error, result, "cannot compose the compiler's arguments");
		goto free_arguments;
	}
	result = ebs_child_run(compile, &job, input->interrupted, &child, error);
	if (!result)
		result = judge(&child, output, error);
	ebs_child_output_free(&child);

free_arguments:
	ebs_arguments_free(&job.arguments);
	free(job.module);
	return result;
}

void ebs_compile_output_free(struct ebs_compile_output *output)
{
	free(output->object);
	free(output->messages);
	*output = (struct ebs_compile_output){ 0 };
}

char *ebs_compile_version(struct ebs_error *error)
{
	struct ebs_child_output child = { 0 };
	struct job job = { 0 };
	char *version = NULL;

	if (find_module(&job.module, error))
		return NULL;
	if (!ebs_child_run(tell_version, &job, NULL, &child, error)) {
		if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == COMPILED)
			version = ebs_buffer_take(&child.messages);
		else
			ebs_child_explain(&child, error);
	}
	ebs_child_output_free(&child);
	free(job.module);
	return version;
}
