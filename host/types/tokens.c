// SPDX-License-Identifier: GPL-2.0-only
// The names in C text and in the files that it includes.
#include "types/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "types/btf_blob.h"
#include "types/c_scanner.h"
#include "types/preprocessed.h"

#define HELPERS EBS_HELPERS_HEADER

static bool is_word(struct ebs_c_token token, const char *word)
{
	return token.length == strlen(word) && memcmp(token.text, word, token.length) == 0;
}

static bool is_name(struct ebs_c_token token, const char *word)
{
	return token.kind == EBS_C_NAME && is_word(token, word);
}

static bool is_mark(struct ebs_c_token token, char mark)
{
	return token.kind == EBS_C_PUNCTUATION && *token.text == mark;
}

static void add(struct ebs_tokens *tokens, struct ebs_c_token token, unsigned flags)
{
	if (tokens->in_system)
		flags &= EBS_NAME_OWN | EBS_NAME_OWN_TAG | EBS_NAME_MACRO;
	if (!flags)
		return;
	ebs_names_add(&tokens->names, token.text, token.length, flags);
	if (!(flags & (EBS_NAME_USED | EBS_NAME_TAG)))
		return;
	size_t length = ebs_btf_essential_length(token.text, token.length);
	if (length != token.length)
		ebs_names_add(&tokens->names, token.text, length,
			      flags & (EBS_NAME_USED | EBS_NAME_TAG));
}

// The next token that stands in no __attribute__((...)).
static struct ebs_c_token next_plain(struct ebs_c_scanner *scanner)
{
	struct ebs_c_token token = ebs_c_next(scanner);

	while (is_name(token, "__attribute__") || is_name(token, "__attribute")) {
		int depth = 0;
		do {
			token = ebs_c_next(scanner);
			depth += is_mark(token, '(') - is_mark(token, ')');
		} while (depth > 0 && token.kind != EBS_C_END);
		token = ebs_c_next(scanner);
	}
	return token;
}

// Behind the { of an enum: each name that stands first, or behind a comma.
static void note_enumerators(struct ebs_tokens *tokens, struct ebs_c_scanner ahead)
{
	bool expected = true;
	int depth = 0;

	for (;;) {
		struct ebs_c_token token = ebs_c_next(&ahead);

		if (token.kind == EBS_C_END || is_mark(token, '}') || is_mark(token, '{'))
			return;
		depth += is_mark(token, '(') - is_mark(token, ')');
		if (token.kind == EBS_C_NAME && expected)
			add(tokens, token, EBS_NAME_OWN);
		expected = depth == 0 && is_mark(token, ',');
	}
}

// Behind struct, union or enum.
static void note_tag(struct ebs_tokens *tokens, struct ebs_c_scanner ahead, bool is_enum)
{
	struct ebs_c_token tag = next_plain(&ahead);
	struct ebs_c_token behind = tag;

	if (tag.kind == EBS_C_NAME) {
		behind = ebs_c_next(&ahead);
		bool defines = is_mark(behind, '{') || (is_enum && is_mark(behind, ':'));
		add(tokens, tag, EBS_NAME_USED | EBS_NAME_TAG | (defines ? EBS_NAME_OWN_TAG : 0));
	}
	while (is_enum && is_mark(behind, ':')) { // the type that its values have
		do
			behind = ebs_c_next(&ahead);
		while (behind.kind == EBS_C_NAME);
	}
	if (is_enum && is_mark(behind, '{'))
		note_enumerators(tokens, ahead);
}

// Behind typedef: the last name before a comma or the semicolon, or the one in "(*name)".
static void note_typedef(struct ebs_tokens *tokens, struct ebs_c_scanner ahead)
{
	struct ebs_c_token name = { EBS_C_END };
	bool star = false; // behind "(*"
	bool found = false;
	int braces = 0, others = 0;

	for (;;) {
		struct ebs_c_token token = next_plain(&ahead);

		if (token.kind == EBS_C_END || is_name(token, "typedef"))
			return;
		braces += is_mark(token, '{') - is_mark(token, '}');
		others += is_mark(token, '(') + is_mark(token, '[');
		others -= is_mark(token, ')') + is_mark(token, ']');
		if (braces)
			continue;
		if (token.kind == EBS_C_NAME && !found && (others == 0 || star)) {
			name = token;
			found = star;
		}
		if (others == 0 && (is_mark(token, ',') || is_mark(token, ';'))) {
			if (name.kind == EBS_C_NAME)
				add(tokens, name, EBS_NAME_OWN);
			if (is_mark(token, ';'))
				return;
			name.kind = EBS_C_END;
			found = false;
		}
		star = others > 0 && (is_mark(token, '*') || (star && is_name(token, "const")));
	}
}

// Whether a name behind this token is what is declared, and not its type: `extern bool
// (less)(...)`.
static bool ends_type(struct ebs_c_token token)
{
	static const char *const words[] = { "extern", "static", "const", "volatile", "inline" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_name(token, words[i]))
			return false;
	return token.kind == EBS_C_NAME || is_mark(token, '*');
}

// Behind extern: the name in front of the first parenthesis.
static void note_function(struct ebs_tokens *tokens, struct ebs_c_scanner ahead)
{
	struct ebs_c_token before = { EBS_C_END }, name = { EBS_C_END };

	for (;;) {
		struct ebs_c_token token = next_plain(&ahead);

		if (is_mark(token, '(') && name.kind == EBS_C_NAME && ends_type(before))
			add(tokens, name, EBS_NAME_OWN);
		if (token.kind != EBS_C_NAME && !is_mark(token, '*'))
			return;
		before = name;
		name = token;
	}
}

static const char *base_name(struct ebs_c_token path)
{
	const char *slash = memrchr(path.text, '/', path.length);

	return slash ? slash + 1 : path.text;
}

static bool is_file(struct ebs_c_token path, const char *name)
{
	size_t length = path.text + path.length - base_name(path);

	return length == strlen(name) && memcmp(base_name(path), name, length) == 0;
}

static bool is_in_system(const struct ebs_c_source *source, struct ebs_c_token path)
{
	bool found = false;

	for (const char *const *folder = source->system_dirs; folder && *folder && !found;
	     folder++) {
		char *file = NULL;

		if (asprintf(&file, "%s/%.*s", *folder, (int)path.length, path.text) < 0)
			return true;
		found = access(file, F_OK) == 0;
		free(file);
	}
	return found;
}

static int include(struct ebs_tokens *tokens, const struct ebs_c_source *source, size_t file,
		   struct ebs_c_token path)
{
	if (is_file(path, "vmlinux.h") || !path.length) {
		tokens->asks_for_kernel_types = true;
		tokens->is_unsure |= !path.length;
		return 0;
	}
	size_t count = tokens->files.count;
	int result = ebs_c_files_include(&tokens->files, file, path.text, path.length, path.quoted);
	if (tokens->files.count > count && is_file(path, HELPERS))
		tokens->helpers = count;
	if (!result)
		tokens->is_unsure |= is_in_system(source, path);
	return result;
}

static void read_name(struct ebs_tokens *tokens, struct ebs_c_token token,
		      struct ebs_c_scanner ahead)
{
	if (is_word(token, "struct") || is_word(token, "union"))
		note_tag(tokens, ahead, false);
	else if (is_word(token, "enum"))
		note_tag(tokens, ahead, true);
	else if (is_word(token, "typedef"))
		note_typedef(tokens, ahead);
	else if (is_word(token, "extern"))
		note_function(tokens, ahead);
	else if (is_word(token, "__has_include"))
		tokens->asks_for_kernel_types = tokens->is_unsure = true;
	else
		add(tokens, token, EBS_NAME_USED);
}

// Where a token stands, counted in braces and parentheses; of preprocessed C they come in pairs.
struct place {
	int braces;
	int others;
	struct ebs_c_token before; // `last`
	struct ebs_c_token last;
	bool after_tag; // `last` is the tag of a struct, a union or an enum
	bool in_value;  // between = and the end of what is declared
};

// What preprocessed C declares or calls: the last name says so by what follows it.
static void note_use(struct ebs_tokens *tokens, const struct place *place, struct ebs_c_token token)
{
	if (place->last.kind != EBS_C_NAME || token.kind != EBS_C_PUNCTUATION || place->after_tag)
		return;
	if (place->braces > 0 && *token.text == '(')
		add(tokens, place->last, EBS_NAME_CALLED);
	else if (place->braces == 0 && place->others == 0 && !place->in_value &&
		 (ends_type(place->before) ||
		  (is_mark(place->before, ',') && *token.text != '(')) &&
		 memchr("(;=,[", *token.text, 5))
		add(tokens, place->last, EBS_NAME_OWN);
}

static void move(struct place *place, struct ebs_c_token token)
{
	place->braces += is_mark(token, '{') - is_mark(token, '}');
	place->others += is_mark(token, '(') + is_mark(token, '[');
	place->others -= is_mark(token, ')') + is_mark(token, ']');
	place->after_tag = is_name(place->last, "struct") || is_name(place->last, "union") ||
			   is_name(place->last, "enum");
	place->before = place->last;
	place->last = token;
	if (place->braces == 0 && place->others == 0)
		place->in_value = is_mark(token, '=') ||
				  (place->in_value && !is_mark(token, ';') && !is_mark(token, ','));
}

static int read_file(struct ebs_tokens *tokens, const struct ebs_c_source *source, size_t file)
{
	const char *text = tokens->files.list[file].text;
	struct ebs_c_scanner scanner = { text, text + tokens->files.list[file].size, false };
	struct place place = { .last.kind = EBS_C_END };
	struct ebs_c_token token;
	int result = 0;

	tokens->in_system = tokens->files.list[file].is_system;
	while (result >= 0 && (token = ebs_c_next(&scanner)).kind != EBS_C_END) {
		if (token.kind == EBS_C_INCLUDE)
			result = include(tokens, source, file, token);
		else if (token.kind == EBS_C_NAME)
			read_name(tokens, token, scanner);
		else if (token.kind == EBS_C_DEFINE)
			add(tokens, token,
			    EBS_NAME_USED | (tokens->preprocessed ? EBS_NAME_MACRO : EBS_NAME_OWN));
		if (!tokens->preprocessed)
			continue;
		if (token.kind == EBS_C_DEFINE) // what it stands for has taken its place
			ebs_c_skip_line(&scanner);
		note_use(tokens, &place, token);
		move(&place, token);
	}
	return result < 0 ? result : 0;
}

// struct tag *(*name)(...), or (*const name) from libbpf 1.4 on: the tag counts when the name is
// used. What is passed to a helper has its type from elsewhere.
static void read_helpers(struct ebs_tokens *tokens)
{
	const char *text = tokens->files.list[tokens->helpers].text;
	struct ebs_c_scanner scanner = { text, text + tokens->files.list[tokens->helpers].size,
					 false };
	struct ebs_c_token tag = { EBS_C_END }, token;
	bool after_keyword = false;

	tokens->in_system = false;
	while ((token = ebs_c_next(&scanner)).kind != EBS_C_END) {
		if (is_mark(token, ';') || is_mark(token, ')'))
			tag.kind = EBS_C_END;
		if (is_mark(token, '(')) {
			token = ebs_c_next(&scanner);
			bool star = is_mark(token, '*');
			while (is_mark(token, '*') || is_name(token, "const"))
				token = ebs_c_next(&scanner);
			if (star && token.kind == EBS_C_NAME &&
			    ebs_names_find_part(&tokens->names, token.text, token.length)) {
				add(tokens, token, EBS_NAME_OWN);
				if (tag.kind == EBS_C_NAME)
					add(tokens, tag, EBS_NAME_USED | EBS_NAME_TAG);
			}
			tag.kind = EBS_C_END;
		}
		if (after_keyword && token.kind == EBS_C_NAME)
			tag = token;
		after_keyword = is_name(token, "struct") || is_name(token, "union");
	}
}

// "NAME=VALUE" is read as if it were C.
static int add_define(struct ebs_tokens *tokens, const char *define)
{
	int result = ebs_c_files_add_text(&tokens->files, define, strlen(define), NULL);

	if (result)
		return result;
	const char *text = tokens->files.list[tokens->files.count - 1].text;
	struct ebs_c_scanner scanner = { text, text + strcspn(define, "=("), false };
	struct ebs_c_token name = ebs_c_next(&scanner);
	if (name.kind == EBS_C_NAME)
		add(tokens, name, EBS_NAME_OWN);
	return 0;
}

int ebs_tokens_collect(struct ebs_tokens *tokens, const struct ebs_c_source *source,
		       struct ebs_error *error)
{
	int result;

	tokens->files.directory = source->directory;
	tokens->files.include_dirs = source->include_dirs;
	tokens->preprocessed = source->preprocessed;
	if (source->preprocessed)
		result = ebs_preprocessed_split(&tokens->files, source, &tokens->helpers,
						&tokens->system_includes);
	else
		result = ebs_c_files_add_text(&tokens->files, source->text, source->size,
					      source->directory);
	for (size_t i = 0; !result && source->defines && source->defines[i]; i++)
		result = add_define(tokens, source->defines[i]);
	// The list grows while it is read.
	for (size_t i = 0; !result && i < tokens->files.count; i++)
		if (!tokens->helpers || i != tokens->helpers)
			result = read_file(tokens, source, i);
	if (!result && tokens->helpers)
		read_helpers(tokens);
	if (tokens->names.failed || tokens->system_includes.failed)
		result = -ENOMEM;
	if (result)
		return ebs_error_errno(error, result, "can't look through the C");
	return 0;
}

// What reads files, or asks for them, in other ways than a plain #include.
static bool asks_for_others(const char *text, const char *end)
{
	static const char *const words[] = { "__has_include", "__has_embed", "include_next",
					     ".incbin" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(text, end - text, words[i], strlen(words[i])))
			return true;
	return false;
}

static const char *skip_blanks(const char *text, const char *end)
{
	while (text < end && strchr(" \t\r\f\v", *text) && *text)
		text++;
	return text;
}

static bool begins_with(const char *text, const char *end, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(end - text) >= length && memcmp(text, word, length) == 0;
}

// Looks behind each # only, wherever it stands.
static int find_includes(struct ebs_c_files *files, size_t file)
{
	const char *end = files->list[file].text + files->list[file].size;
	const char *hash = files->list[file].text;
	int result = 0;

	while (result >= 0 && (hash = memchr(hash, '#', end - hash))) {
		const char *behind = skip_blanks(hash + 1, end);
		struct ebs_c_scanner scanner = { hash, end, false };

		hash++;
		files->unsure |= begins_with(behind, end, "embed");
		if (!begins_with(behind, end, "in") && !begins_with(behind, end, "im") &&
		    !begins_with(behind, end, "/*"))
			continue; // nearly all others, quickly
		struct ebs_c_token token = ebs_c_next(&scanner);
		files->unsure |= token.kind == EBS_C_INCLUDE && !token.length;
		if (token.kind != EBS_C_INCLUDE || !token.length || is_file(token, "vmlinux.h"))
			continue;
		files->dates_only = is_file(token, HELPERS); // it is long, and includes nothing
		result = ebs_c_files_include(files, file, token.text, token.length, token.quoted);
	}
	return result < 0 ? result : 0;
}

int ebs_tokens_find_files(struct ebs_c_files *files, const struct ebs_c_source *source)
{
	files->directory = source->directory;
	files->include_dirs = source->include_dirs;
	int result = ebs_c_files_add_text(files, source->text, source->size, source->directory);
	for (size_t i = 0; !result && i < files->count; i++)
		result = find_includes(files, i);
	return result;
}

bool ebs_tokens_found_all(const struct ebs_c_files *files, const struct ebs_c_source *source)
{
	bool all = !files->unsure;

	for (const char *const *define = source->defines; all && define && *define; define++)
		all = !asks_for_others(*define, *define + strlen(*define));
	for (size_t i = 0; all && i < files->count; i++)
		all = !asks_for_others(files->list[i].text,
				       files->list[i].text + files->list[i].size);
	return all;
}

void ebs_tokens_free(struct ebs_tokens *tokens)
{
	ebs_names_free(&tokens->names);
	ebs_c_files_free(&tokens->files);
	ebs_buffer_free(&tokens->system_includes);
	*tokens = (struct ebs_tokens){ 0 };
}
