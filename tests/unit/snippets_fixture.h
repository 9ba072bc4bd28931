// SPDX-License-Identifier: GPL-2.0-only
// The C that is shipped, and that of tests/snippets, for tests that compile all of it.
#ifndef EBS_TESTS_SNIPPETS_FIXTURE_H
#define EBS_TESTS_SNIPPETS_FIXTURE_H

#include "subset_fixture.h"

#include <dirent.h>
#include <stdbool.h>

// One piece of C, and what became of it.
struct snippet {
	char *name;
	struct ebs_buffer text;
	struct ebs_compile_output output; // with the minimal header
	bool lacking;                     // the host says that this LLVM can't compile it
};

struct snippets {
	struct snippet list[128];
	size_t count;
};

static char *tests_folder(void)
{
	char *folder = ebs_path_directory(__FILE__);
	char *path = NULL;

	assert_true(asprintf(&path, "%s/..", folder) > 0);
	free(folder);
	return path;
}

static struct snippet *add_snippet(struct snippets *snippets, const char *name)
{
	assert_true(snippets->count < sizeof(snippets->list) / sizeof(snippets->list[0]));
	struct snippet *snippet = &snippets->list[snippets->count++];

	*snippet = (struct snippet){ .name = strdup(name) };
	return snippet;
}

static int ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);

	return length > end_length && strcmp(name + length - end_length, end) == 0;
}

// The C that stands in a Lua script: source = [[ ... ]].
static void add_script(struct snippets *snippets, const char *name, const struct ebs_buffer *script)
{
	static const char open[] = "source = [[";
	const char *start = script->data;

	while ((start = strstr(start, open))) {
		start += sizeof(open) - 1;
		const char *end = strstr(start, "]]");
		assert_non_null(end);
		ebs_buffer_append(&add_snippet(snippets, name)->text, start, end - start);
		start = end;
	}
}

// Every .bpf.c and .lua in a folder; how many pieces of C that were.
static size_t add_folder(struct snippets *snippets, const char *folder)
{
	size_t before = snippets->count;
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		struct ebs_buffer content = { 0 };
		char *path = NULL;

		assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
		if (ends_with(name, ".bpf.c"))
			assert_int_equal(
				ebs_buffer_read_file(&add_snippet(snippets, name)->text, path), 0);
		if (ends_with(name, ".lua")) {
			assert_int_equal(ebs_buffer_read_file(&content, path), 0);
			add_script(snippets, name, &content);
		}
		ebs_buffer_free(&content);
		free(path);
		free(entries[i]);
	}
	free(entries);
	return snippets->count - before;
}

// All that is shipped, and tests/snippets; false when these are not where they should be.
static bool add_all_snippets(struct snippets *snippets)
{
	char *folder = tests_folder();
	char *scripts = ebs_path_share("scripts");
	char path[4096];

	include_dirs();
	size_t shipped = add_folder(snippets, templates) + add_folder(snippets, scripts);
	snprintf(path, sizeof(path), "%s/snippets", folder);
	size_t own = add_folder(snippets, path);
	free(scripts);
	free(folder);
	if (shipped >= 4 && own >= 25)
		return true;
	fprintf(stderr, "only %zu shipped and %zu own pieces of C\n", shipped, own);
	return false;
}

static void free_snippets(struct snippets *snippets)
{
	for (size_t i = 0; i < snippets->count; i++) {
		free(snippets->list[i].name);
		ebs_buffer_free(&snippets->list[i].text);
		ebs_compile_output_free(&snippets->list[i].output);
	}
	snippets->count = 0;
}

#endif
