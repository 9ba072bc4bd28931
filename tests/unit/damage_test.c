// SPDX-License-Identifier: GPL-2.0-only
// C that somebody damaged: every compile ends with an object, or with messages that name a line.
// EBS_DAMAGES says how often each file is damaged, EBS_DAMAGE_SEED where the drawing begins.
#include "snippets_fixture.h"

#include <ctype.h>
#include <unistd.h>

#define AT_ONCE 4 // compiles side by side

static uint64_t seed;
static unsigned int damages;
static struct ebs_btf_blob kernel;
static bool has_kernel;

// A part of the text: a name, a number, a literal, an #include line, or one other character.
struct token {
	size_t start;
	size_t size;
};

struct tokens {
	struct token list[16384];
	size_t count;
};

static uint64_t draw(uint64_t *state, uint64_t limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % limit;
}

static size_t token_size(const char *text)
{
	size_t size = 0;

	if (strncmp(text, "#include", 8) == 0)
		return strcspn(text, "\n");
	while (isalnum((unsigned char)text[size]) || text[size] == '_')
		size++;
	if (*text == '"') {
		size = 1 + strcspn(text + 1, "\"\n");
		size += text[size] == '"';
	}
	return size ? size : 1;
}

static void find_tokens(struct tokens *tokens, const char *text, bool (*is_wanted)(const char *))
{
	size_t at = 0;

	tokens->count = 0;
	while (text[at]) {
		if (isspace((unsigned char)text[at])) {
			at++;
			continue;
		}
		if (strncmp(text + at, "//", 2) == 0) {
			at += strcspn(text + at, "\n");
			continue;
		}
		size_t size = token_size(text + at);
		if (!is_wanted || is_wanted(text + at)) {
			assert_true(tokens->count < sizeof(tokens->list) / sizeof(tokens->list[0]));
			tokens->list[tokens->count++] = (struct token){ at, size };
		}
		at += size;
	}
}

static bool is_include(const char *text)
{
	return strncmp(text, "#include", 8) == 0;
}

static bool is_brace(const char *text)
{
	return *text == '{' || *text == '}' || *text == '(' || *text == ')';
}

enum damage { LEFT_OUT, DOUBLED, EXCHANGED, NO_INCLUDE, NO_BRACE, DAMAGES };
static const char *const damage_names[] = { "left out", "doubled", "exchanged with the next",
					    "include removed", "brace lost" };

static void append(struct ebs_buffer *out, const char *text, size_t start, size_t end)
{
	ebs_buffer_append(out, text + start, end - start);
}

// Damages `text` in one drawn way, and describes it.
static struct ebs_buffer damage(const char *text, uint64_t *state, char *what, size_t what_size)
{
	static struct tokens tokens;
	struct ebs_buffer out = { 0 };
	enum damage kind = draw(state, DAMAGES);

	find_tokens(&tokens, text,
		    kind == NO_INCLUDE ? is_include
		    : kind == NO_BRACE ? is_brace
				       : NULL);
	assert_true(tokens.count > (kind == EXCHANGED));
	struct token token = tokens.list[draw(state, tokens.count - (kind == EXCHANGED))];
	size_t end = token.start + token.size;

	snprintf(what, what_size, "%s: \"%.*s\" at byte %zu", damage_names[kind],
		 (int)(token.size < 60 ? token.size : 60), text + token.start, token.start);
	append(&out, text, 0, token.start);
	if (kind == DOUBLED) {
		append(&out, text, token.start, end);
		ebs_buffer_append_char(&out, token.size == 1 ? ' ' : '\n');
		append(&out, text, token.start, end);
	} else if (kind == EXCHANGED) {
		struct token next = { end, 0 };

		for (size_t i = 0; i < tokens.count; i++)
			if (tokens.list[i].start >= end) {
				next = tokens.list[i];
				break;
			}
		append(&out, text, next.start, next.start + next.size);
		append(&out, text, end, next.start);
		append(&out, text, token.start, end);
		end = next.start + next.size;
	}
	append(&out, text, end, strlen(text));
	return out;
}

// "NAME:LINE:COLUMN: error: " or the like.
static bool names_a_line(const char *messages)
{
	for (const char *at = messages; (at = strstr(at, "error: ")); at++) {
		const char *start = at;

		while (start > messages && start[-1] != '\n')
			start--;
		for (const char *colon = start; colon < at; colon++)
			if (*colon == ':' && isdigit((unsigned char)colon[1]))
				return true;
	}
	return false;
}

struct run {
	struct ebs_buffer text;
	struct ebs_buffer header;
	struct ebs_compile_input input;
	struct ebs_compile_job *job;
	uint64_t seed;
	char what[160];
};

static void start(struct run *run, const struct snippet *snippet, uint64_t own_seed)
{
	struct ebs_error error = { 0 };
	uint64_t state = own_seed;

	*run = (struct run){ .seed = own_seed };
	for (int i = 0; i < 4; i++) // seeds that follow each other begin alike
		draw(&state, 2);
	run->text = damage(snippet->text.data, &state, run->what, sizeof(run->what));
	run->header = maybe_minimal_header(&kernel, run->text.data);
	run->input = (struct ebs_compile_input){
		.source = run->text.data,
		.size = run->text.size,
		.name = snippet->name,
		.directory = templates,
		.include_dirs = include_dirs(),
		.kernel_types = run->header.data,
		.kernel_types_size = run->header.size,
	};
	run->job = ebs_compile_start(&run->input, &error);
	if (!run->job)
		fail_msg("%s", ebs_error_text(&error));
}

static bool finish(struct run *run)
{
	struct ebs_compile_output output;
	struct ebs_error error = { 0 };
	bool compiled = ebs_compile_finish(run->job, &output, &error) == 0;
	bool right = compiled ? output.object != NULL
			      : strcmp(error.code, "COMPILE") == 0 &&
					names_a_line(ebs_error_text(&error)) &&
					!strstr(ebs_error_text(&error), "killed by signal");

	if (!right)
		print_error("EBS_DAMAGES=1 EBS_DAMAGE_SEED=%llu, %s, %s: %s: %s\n",
			    (unsigned long long)run->seed, run->input.name, run->what, error.code,
			    ebs_error_text(&error));
	ebs_compile_output_free(&output);
	ebs_error_clear(&error);
	ebs_buffer_free(&run->text);
	ebs_buffer_free(&run->header);
	return right;
}

static void damaged(void **state)
{
	const struct snippet *snippet = *state;
	struct run runs[AT_ONCE];
	unsigned int wrong = 0;

	if (!has_kernel)
		skip_case("this kernel has no BTF");
	for (unsigned int first = 0; first < damages; first += AT_ONCE) {
		unsigned int count = damages - first < AT_ONCE ? damages - first : AT_ONCE;

		for (unsigned int i = 0; i < count; i++)
			start(&runs[i], snippet, seed + first + i);
		for (unsigned int i = 0; i < count; i++)
			wrong += !finish(&runs[i]);
	}
	assert_int_equal(wrong, 0);
}

static uint64_t number(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

int main(void)
{
	static struct snippets snippets;
	static struct CMUnitTest tests[128];

	seed = number("EBS_DAMAGE_SEED", 1);
	damages = number("EBS_DAMAGES", 5);
	printf("# EBS_DAMAGES=%u EBS_DAMAGE_SEED=%llu\n", damages, (unsigned long long)seed);
	if (!add_all_snippets(&snippets))
		return 1;
	has_kernel = !ebs_btf_blob_open(&kernel, EBS_KERNEL_BTF, NULL);
	for (size_t i = 0; i < snippets.count; i++)
		tests[i] = (struct CMUnitTest){ snippets.list[i].name, damaged, NULL, NULL,
						&snippets.list[i] };
	int failed = _cmocka_run_group_tests("damage", tests, snippets.count, NULL, NULL);

	ebs_btf_blob_close(&kernel);
	free_snippets(&snippets);
	free(templates);
	free(headers);
	return failed;
}
