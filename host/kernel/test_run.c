// SPDX-License-Identifier: GPL-2.0-only
// Running a program on what a script gives, without attaching it.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "kernel/object_private.h"

#define GROWTH 4096 // bytes: what programs may add to a packet fits before and behind it in a page

static int prepare(const struct ebs_test_input *input, struct ebs_test_result *result,
		   struct bpf_test_run_opts *options, int type)
{
	// The kernel refuses what a kind doesn't know, also where it is empty.
	if (input->data_size) {
		options->data_in = input->data;
		options->data_size_in = input->data_size;
		options->data_out = ebs_buffer_room(&result->data, input->data_size + GROWTH);
		options->data_size_out = input->data_size + GROWTH;
		options->repeat = input->repeat;
	}
	if (input->context_size) {
		options->ctx_in = input->context;
		options->ctx_size_in = input->context_size;
	}
	if (input->context_size && type != BPF_PROG_TYPE_RAW_TRACEPOINT) {
		options->ctx_out = ebs_buffer_room(&result->context, input->context_size);
		options->ctx_size_out = input->context_size;
	}
	return result->data.failed || result->context.failed ? -ENOMEM : 0;
}

// A `syscall` program changes its context in place.
static void take_context(const struct ebs_test_input *input, struct bpf_test_run_opts *options,
			 int type, struct ebs_test_result *result)
{
	if (type != BPF_PROG_TYPE_SYSCALL)
		return;
	memcpy(result->context.data, input->context, input->context_size);
	options->ctx_in = result->context.data;
	options->ctx_out = NULL;
	options->ctx_size_out = 0;
}

int ebs_program_test_run(struct ebs_program *program, const struct ebs_test_input *input,
			 struct ebs_test_result *result, struct ebs_error *error)
{
	int type = bpf_program__type(program->handle);
	LIBBPF_OPTS(bpf_test_run_opts, options);

	*result = (struct ebs_test_result){ 0 };
	int status = prepare(input, result, &options, type);
	if (!status && input->context_size)
		take_context(input, &options, type, result);
	if (!status)
		status = bpf_prog_test_run_opts(bpf_program__fd(program->handle), &options);
	if (status == -ENOTSUPP || status == -EOPNOTSUPP)
		return ebs_error_explain(
			error, EOPNOTSUPP,
			"the kernel can't run %s (SEC(\"%s\")) by itself: programs "
			"of this kind only run where they are attached",
			program->name, program->section);
	if (status)
		return ebs_error_errno(error, status, "can't run %s (SEC(\"%s\")) on what it got",
				       program->name, program->section);
	if (input->data_size)
		result->data.size = options.data_size_out;
	if (options.ctx_out)
		result->context.size = options.ctx_size_out;
	else if (type == BPF_PROG_TYPE_SYSCALL)
		result->context.size = input->context_size;
	result->return_value = options.retval;
	result->duration = options.duration;
	return 0;
}

void ebs_test_result_free(struct ebs_test_result *result)
{
	ebs_buffer_free(&result->data);
	ebs_buffer_free(&result->context);
}
