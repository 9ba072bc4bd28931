// SPDX-License-Identifier: GPL-2.0-only
// Unit tests of host/base/trust and host/base/output_file, in a folder of the test's own.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/output_file.h"
#include "base/trust.h"

#define ROOT   0
#define NOBODY 65534
#define OWNER  61234 // of a script
#define GROUP  61235

static char root[] = "/tmp/ebs-trust-XXXXXX";

// What is there: a folder has a slash at its end, a link its target.
static const struct {
	const char *path;
	mode_t mode;
	uid_t owner;
	const char *target;
} entries[] = {
	{ "good/", 0755, ROOT, NULL },
	{ "good/file", 0644, ROOT, NULL },
	{ "good/of-nobody", 0644, NOBODY, NULL },
	{ "good/of-owner", 0644, OWNER, NULL },
	{ "good/others-write", 0646, ROOT, NULL },
	{ "good/group-writes", 0664, ROOT, NULL },
	{ "good/pipe", 0622, NOBODY, "|" },
	{ "good/to-file", 0, ROOT, "file" },
	{ "good/to-sticky", 0, ROOT, "../sticky/file" },
	{ "good/to-bad", 0, ROOT, "../bad/file" },
	{ "good/to-theirs", 0, ROOT, "../theirs/file" },
	{ "good/nowhere", 0, ROOT, "gone" },
	{ "good/round", 0, ROOT, "round" },
	{ "good/of-nobody-to-file", 0, NOBODY, "file" },
	{ "good/up", 0, ROOT, "../theirs/.." },
	{ "good/below/", 0700, ROOT, NULL },
	{ "good/below/file", 0600, ROOT, NULL },
	{ "group/", 0775, ROOT, NULL },
	{ "group/file", 0644, ROOT, NULL },
	{ "bad/", 0777, ROOT, NULL },
	{ "bad/file", 0644, ROOT, NULL },
	{ "bad/below/", 0755, ROOT, NULL },
	{ "bad/below/file", 0644, ROOT, NULL },
	{ "sticky/", 01777, ROOT, NULL },
	{ "sticky/file", 0644, ROOT, NULL },
	{ "sticky/of-nobody", 0644, NOBODY, NULL },
	{ "sticky/link", 0, ROOT, "file" },
	{ "sticky/below/", 0755, ROOT, NULL },
	{ "sticky/below/file", 0644, ROOT, NULL },
	{ "sticky/theirs/", 0755, NOBODY, NULL },
	{ "sticky/theirs/file", 0644, ROOT, NULL },
	{ "theirs/", 0755, NOBODY, NULL },
	{ "theirs/file", 0644, ROOT, NULL },
	{ "owners/", 0755, OWNER, NULL },
	{ "owners/file", 0644, OWNER, NULL },
	{ "to-good", 0, ROOT, "good" },
	{ "to-sticky", 0, ROOT, "sticky" },
};

static char *in_root(char path[PATH_MAX], const char *relative)
{
	snprintf(path, PATH_MAX, "%s/%s", root, relative);
	return path;
}

static void make(size_t i)
{
	char path[PATH_MAX];
	const char *target = entries[i].target;

	in_root(path, entries[i].path);
	if (path[strlen(path) - 1] == '/') {
		assert_int_equal(mkdir(path, 0700), 0);
	} else if (target && *target == '|') {
		assert_int_equal(mkfifo(path, 0600), 0);
	} else if (target) {
		assert_int_equal(symlink(target, path), 0);
	} else {
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		fclose(file);
	}
	assert_int_equal(lchown(path, entries[i].owner, GROUP), 0);
	if (entries[i].mode)
		assert_int_equal(chmod(path, entries[i].mode), 0);
}

static int make_all(void **state)
{
	if (geteuid())
		return 0;
	umask(022);
	if (!mkdtemp(root) || chmod(root, 0755))
		return -1;
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		make(i);
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	return remove(path);
}

static int remove_all(void **state)
{
	return geteuid() ? 0 : nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void needs_root(void)
{
	if (geteuid()) {
		printf("# skip: needs root, to make files of others\n");
		skip();
	}
}

#define THEIRS "belongs to another user (65534)"
#define WRITE  "others may write"

static const struct {
	const char *path;
	const char *named; // NULL: trusted; else a part of the sentence, or an errno's name
	const char *found;
} outcomes[] = {
	{ "good/file", NULL, NULL },
	{ "good", NULL, NULL },
	{ "good/", NULL, NULL },
	{ ".//good/./below/../file", NULL, NULL },
	{ "good/below/file", NULL, NULL },
	{ "good/of-nobody", "the file /tmp/", "good/of-nobody " THEIRS },
	{ "good/of-owner", "belongs to another user (61234)", "belongs to another user (61234)" },
	{ "good/others-write", WRITE " to the file", "others-write (mode 646)" },
	{ "good/group-writes", WRITE " to the file", "group-writes (mode 664)" },
	{ "good/pipe", THEIRS, THEIRS },
	{ "good/to-file", NULL, NULL },
	{ "good/to-sticky", NULL, WRITE " into the folder" },
	{ "good/to-bad", WRITE " into the folder", "/bad (mode 777)" },
	{ "good/to-theirs", "/theirs " THEIRS, "/theirs " THEIRS },
	{ "good/nowhere", "ENOENT", "ENOENT" },
	{ "good/missing", "ENOENT", "ENOENT" },
	{ "good/file/below", "ENOTDIR", "ENOTDIR" },
	{ "good/round", "ELOOP", "ELOOP" },
	{ "good/of-nobody-to-file", NULL, NULL }, // nobody but root could have put it there
	{ "good/up/good/file", "/theirs " THEIRS, "/theirs " THEIRS },
	{ "group/file", "/group (mode 775)", "/group (mode 775)" },
	{ "bad/file", "/bad (mode 777)", "/bad (mode 777)" },
	{ "bad/missing", "/bad (mode 777)", "/bad (mode 777)" },
	{ "bad", "/bad (mode 777)", "/bad (mode 777)" },
	{ "bad/below/file", "/bad (mode 777)", "/bad (mode 777)" },
	{ "sticky", NULL, "/sticky (mode 1777)" },
	{ "sticky/file", NULL, "/sticky (mode 1777)" },
	{ "sticky/of-nobody", THEIRS, "/sticky (mode 1777)" },
	{ "sticky/missing", "ENOENT", "ENOENT" },
	{ "sticky/link", "/sticky (mode 1777)", "/sticky (mode 1777)" },
	{ "sticky/below/file", NULL, NULL },
	{ "sticky/below/../file", NULL, "/sticky (mode 1777)" },
	{ "sticky/theirs/file", THEIRS, THEIRS },
	{ "theirs/file", "/theirs " THEIRS, "/theirs " THEIRS },
	{ "theirs", THEIRS, THEIRS },
	{ "owners/file", "(61234)", "(61234)" },
	{ "to-good/file", NULL, NULL },
	{ "to-good/to-file", NULL, NULL },
	{ "to-sticky/file", NULL, "/sticky (mode 1777)" },
};

static void expect(const char *path, enum ebs_trust how, const char *wanted)
{
	struct ebs_error error = { 0 };
	int result = ebs_trust_path(path, how, &error);
	const char *text = ebs_error_text(&error);

	if (wanted && *wanted == 'E')
		text = result == -ENOENT ? "ENOENT" : result == -ENOTDIR ? "ENOTDIR" : error.code;
	if (wanted ? !result || !strstr(text, wanted) : result)
		fail_msg("%s, %s: %d \"%s\", wanted %s", path,
			 how == EBS_TRUST_FOUND ? "found" : "named", result, text,
			 wanted ? wanted : "trust");
	assert_int_equal(ebs_trust_path(path, how, NULL), result);
	ebs_error_clear(&error);
}

static void table(void **state)
{
	char path[PATH_MAX];

	needs_root();
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		expect(in_root(path, outcomes[i].path), EBS_TRUST_NAMED, outcomes[i].named);
		expect(path, EBS_TRUST_FOUND, outcomes[i].found);
	}
	expect("/", EBS_TRUST_FOUND, NULL);
	expect("/dev/null", EBS_TRUST_NAMED, NULL);
}

// The same from inside: relative paths count from the root folder, too.
static void relative(void **state)
{
	needs_root();
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		assert_int_equal(chdir(root), 0);
		expect(outcomes[i].path, EBS_TRUST_NAMED, outcomes[i].named);
		expect(outcomes[i].path, EBS_TRUST_FOUND, outcomes[i].found);
	}
	assert_int_equal(chdir(root), 0);
	assert_int_equal(chdir("sticky/theirs"), 0);
	expect("file", EBS_TRUST_NAMED, THEIRS);
	assert_int_equal(chdir("/"), 0);
}

// Whoever may write the script may as well write what stands beside it; nobody else.
static void script_owner(void **state)
{
	struct stat script = { .st_mode = S_IFREG | 0644, .st_uid = OWNER, .st_gid = GROUP };
	char path[PATH_MAX];

	needs_root();
	ebs_trust_script(&script);
	expect(in_root(path, "owners/file"), EBS_TRUST_FOUND, NULL);
	expect(in_root(path, "good/of-owner"), EBS_TRUST_FOUND, NULL);
	expect(in_root(path, "group/file"), EBS_TRUST_FOUND, WRITE);
	expect(in_root(path, "theirs/file"), EBS_TRUST_FOUND, THEIRS);
	script.st_mode |= S_IWGRP;
	ebs_trust_script(&script);
	expect(in_root(path, "group/file"), EBS_TRUST_FOUND, NULL);
	expect(in_root(path, "good/group-writes"), EBS_TRUST_FOUND, NULL);
	expect(in_root(path, "bad/file"), EBS_TRUST_FOUND, WRITE);
	expect(in_root(path, "good/others-write"), EBS_TRUST_FOUND, WRITE);
	script = (struct stat){ .st_mode = S_IFREG | 0644 };
	ebs_trust_script(&script);
	expect(in_root(path, "owners/file"), EBS_TRUST_FOUND, "(61234)");
}

// Writes a file as ebscript does. Returns 0 or -errno, with what it says in `text`.
static int write_file(const char *path, const char *content, char text[256])
{
	struct ebs_output_file file;
	struct ebs_error error = { 0 };
	int result = ebs_output_file_open(&file, path, &error);

	snprintf(text, 256, "%s", ebs_error_text(&error));
	ebs_error_clear(&error);
	if (result)
		return result;
	assert_int_equal(ebs_write_all(file.fd, content, strlen(content)), 0);
	return ebs_output_file_finish(&file);
}

static void written_files(void **state)
{
	static const struct {
		const char *path;
		const char *refused;
	} files[] = {
		{ "good/new", NULL },           { "good/file", NULL },
		{ "good/to-file", NULL },       { "good/nowhere", NULL },
		{ "good/to-bad", WRITE },       { "good/of-nobody", THEIRS },
		{ "good/others-write", WRITE }, { "good/pipe", THEIRS },
		{ "sticky/new", NULL },         { "sticky/file", NULL },
		{ "sticky/of-nobody", THEIRS }, { "sticky/link", WRITE },
		{ "bad/new", WRITE },           { "bad/file", WRITE },
		{ "theirs/new", THEIRS },       { "nowhere/new", "No such file" },
		{ "good", "Is a directory" },
	};
	char path[PATH_MAX];
	char text[256];

	needs_root();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int result = write_file(in_root(path, files[i].path), "content", text);

		if (files[i].refused ? !result || !strstr(text, files[i].refused) : result)
			fail_msg("%s: %d \"%s\"", files[i].path, result, text);
		if (files[i].refused)
			continue;
		struct stat status;
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_size, 7);
		assert_int_equal(status.st_mode & 07777, 0644);
	}
	assert_int_equal(write_file("/dev/null", "content", text), 0);
	assert_int_equal(lstat(in_root(path, "good/to-file"), &(struct stat){ 0 }), 0);
}

// While it is written only its owner reads it, and it isn't in its place; then the old one's mode.
static void unfinished_files(void **state)
{
	struct ebs_output_file file;
	struct stat status;
	char path[PATH_MAX];

	needs_root();
	in_root(path, "good/later");
	assert_int_equal(ebs_output_file_open(&file, path, NULL), 0);
	assert_int_equal(fstat(file.fd, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(access(path, F_OK), -1);
	ebs_output_file_discard(&file);
	assert_int_equal(access(path, F_OK), -1);

	in_root(path, "good/below/file");
	assert_int_equal(ebs_output_file_open(&file, path, NULL), 0);
	assert_int_equal(ebs_output_file_finish(&file), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(relative),
		cmocka_unit_test(script_owner),
		cmocka_unit_test(written_files),
		cmocka_unit_test(unfinished_files),
	};

	return cmocka_run_group_tests(tests, make_all, remove_all);
}
