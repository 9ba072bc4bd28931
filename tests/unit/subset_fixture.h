// SPDX-License-Identifier: GPL-2.0-only
// What the tests of kernel types share: headers for C, and compiles with them.
#ifndef EBS_TESTS_SUBSET_FIXTURE_H
#define EBS_TESTS_SUBSET_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/path.h"
#include "compile/compile.h"
#include "types/header.h"
#include "types/kernel_identity.h"
#include "types/relocation_subset.h"
#include "types/tokens.h"

static char *templates, *headers; // folders

static inline void skip_case(const char *reason)
{
	printf("# skip: %s\n", reason);
	fflush(stdout);
	skip();
}

static const char *const *include_dirs(void)
{
	static const char *folders[3];

	if (!templates)
		templates = ebs_path_share("bpf-templates");
	if (!headers)
		headers = ebs_path_share("include");
	assert_non_null(templates);
	assert_non_null(headers);
	folders[0] = templates;
	folders[1] = headers;
	return folders;
}

// Empty where the C asks for no types of the kernel.
static struct ebs_buffer maybe_minimal_header(const struct ebs_btf_blob *kernel, const char *text)
{
	struct ebs_c_source source = {
		.text = text,
		.size = strlen(text),
		.directory = templates,
		.include_dirs = include_dirs(),
	};
	struct ebs_tokens tokens = { 0 };
	struct ebs_buffer header = { 0 };
	struct ebs_error error = { 0 };

	if (ebs_tokens_collect(&tokens, &source, &error) ||
	    (tokens.asks_for_kernel_types &&
	     ebs_header_write_for(kernel, &tokens, &header, &error)))
		fail_msg("%s", ebs_error_text(&error));
	ebs_tokens_free(&tokens);
	return header;
}

static inline struct ebs_buffer minimal_header(const struct ebs_btf_blob *kernel, const char *text)
{
	struct ebs_buffer header = maybe_minimal_header(kernel, text);

	assert_true(header.size > 0);
	return header;
}

static int try_compile(const char *name, const char *text, const char *header, size_t header_size,
		       struct ebs_compile_output *output, struct ebs_error *error)
{
	struct ebs_compile_input input = {
		.source = text,
		.size = strlen(text),
		.name = name,
		.directory = templates,
		.include_dirs = include_dirs(),
		.kernel_types = header,
		.kernel_types_size = header_size,
	};
	return ebs_compile(&input, output, error);
}

static inline struct ebs_compile_output must_compile(const char *name, const char *text,
						     const char *header, size_t header_size)
{
	struct ebs_compile_output output;
	struct ebs_error error = { 0 };

	if (try_compile(name, text, header, header_size, &output, &error))
		fail_msg("%s with %zu bytes of header: %s", name, header_size,
			 ebs_error_text(&error));
	return output;
}

#endif
