// SPDX-License-Identifier: GPL-2.0-only
// The cache: what it finds again, what it doesn't believe, what it removes, and writers in each
// other's way.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "compile/cache.h"

static const struct ebs_cache_key KEY = { 0x0123456789abcdef, 0xfedcba9876543210 };
#define FILE_OF_KEY "0123456789abcdeffedcba9876543210.ebs"

struct fixture {
	char root[64];   // a folder that is removed at the end
	char folder[80]; // the cache's
	struct ebs_cache *cache;
};

static void run(const char *format, const char *argument)
{
	char command[256];

	snprintf(command, sizeof(command), format, argument);
	assert_int_equal(system(command), 0);
}

static struct ebs_cache *open_cache(const char *path)
{
	struct ebs_error error = { 0 };
	struct ebs_cache *cache = ebs_cache_open(path, &error);

	if (!cache)
		print_error("%s\n", ebs_error_text(&error));
	assert_non_null(cache);
	return cache;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->root, "/tmp/ebs-cache-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->root));
	snprintf(fixture->folder, sizeof(fixture->folder), "%s/cache", fixture->root);
	fixture->cache = open_cache(fixture->folder);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	ebs_cache_close(fixture->cache);
	run("rm -rf '%s'", fixture->root);
	free(fixture);
	return 0;
}

static char *path_of(const struct fixture *fixture, const char *name)
{
	static char paths[4][400];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", fixture->folder, name);
	return path;
}

static struct ebs_cache_entry entry_of(const char *object, const char *btf, const char *ids,
				       const char *messages)
{
	return (struct ebs_cache_entry){ .parts = {
						 [EBS_CACHE_OBJECT] = { object, strlen(object) },
						 [EBS_CACHE_BTF] = { btf, strlen(btf) },
						 [EBS_CACHE_IDS] = { ids, strlen(ids) },
						 [EBS_CACHE_MESSAGES] = { messages,
									  strlen(messages) },
					 } };
}

static void put(struct ebs_cache *cache, struct ebs_cache_key key,
		const struct ebs_cache_entry *entry)
{
	struct ebs_error error = { 0 };
	int result = ebs_cache_put(cache, key, entry, &error);

	if (result)
		print_error("%s\n", ebs_error_text(&error));
	ebs_error_clear(&error);
	assert_int_equal(result, 0);
}

// Puts the entry that most cases look at.
static void put_one(struct fixture *fixture)
{
	struct ebs_cache_entry entry = entry_of("object's bytes", "types", "ids", "a warning");

	put(fixture->cache, KEY, &entry);
}

static void expect_part(const struct ebs_cache_entry *entry, enum ebs_cache_part part,
			const char *text)
{
	assert_int_equal(entry->parts[part].size, strlen(text));
	assert_memory_equal(entry->parts[part].data, text, strlen(text));
}

static bool exists(const struct fixture *fixture, const char *name)
{
	struct stat status;

	return lstat(path_of(fixture, name), &status) == 0;
}

static void expect_one(struct fixture *fixture)
{
	struct ebs_cache_entry entry;

	assert_true(ebs_cache_get(fixture->cache, KEY, &entry));
	expect_part(&entry, EBS_CACHE_OBJECT, "object's bytes");
	expect_part(&entry, EBS_CACHE_BTF, "types");
	expect_part(&entry, EBS_CACHE_IDS, "ids");
	expect_part(&entry, EBS_CACHE_MESSAGES, "a warning");
	ebs_cache_entry_free(&entry);
}

// Nothing is found, what stood there is gone, and a new entry takes its place.
static void expect_made_anew(struct fixture *fixture)
{
	struct ebs_cache_entry entry;

	assert_false(ebs_cache_get(fixture->cache, KEY, &entry));
	assert_null(entry.memory);
	assert_int_equal(entry.parts[EBS_CACHE_OBJECT].size, 0);
	assert_false(exists(fixture, FILE_OF_KEY));
	put_one(fixture);
	expect_one(fixture);
}

static struct ebs_cache_key key_of(const char *const *items, size_t count)
{
	struct ebs_cache_hash *hash = ebs_cache_hash_new();

	assert_non_null(hash);
	for (size_t i = 0; i < count; i++)
		ebs_cache_hash_add(hash, items[i], strlen(items[i]));
	return ebs_cache_hash_finish(hash);
}

static void test_keys(void **state)
{
	static const char *const lists[][3] = {
		{ "ab", "c", "" }, { "a", "bc", "" }, { "", "ab", "c" },
		{ "abc", "", "" }, { "ab", "C", "" }, { "", "", "" },
	};
	struct ebs_cache_key keys[6];

	for (size_t i = 0; i < 6; i++) {
		keys[i] = key_of(lists[i], 3);
		struct ebs_cache_key again = key_of(lists[i], 3);
		assert_memory_equal(&again, &keys[i], sizeof(again));
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(&keys[i], &keys[j], sizeof(keys[i]));
	}
	struct ebs_cache_key shorter = key_of(lists[5], 2);
	assert_memory_not_equal(&shorter, &keys[5], sizeof(shorter));
}

static void test_round_trip(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_cache_entry entry;
	struct stat status;

	assert_false(ebs_cache_get(fixture->cache, KEY, &entry));
	put_one(fixture);
	expect_one(fixture);
	assert_int_equal(stat(path_of(fixture, FILE_OF_KEY), &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	assert_int_equal(stat(fixture->folder, &status), 0);
	assert_int_equal(status.st_mode, S_IFDIR | 0700);

	struct ebs_cache_key other = { KEY.low, KEY.high };
	assert_false(ebs_cache_get(fixture->cache, other, &entry));
	ebs_cache_remove(fixture->cache, KEY);
	assert_false(ebs_cache_get(fixture->cache, KEY, &entry));
}

static void test_empty_parts(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_cache_entry entry = entry_of("x", "", "", "");

	for (int i = EBS_CACHE_OBJECT + 1; i < EBS_CACHE_PARTS; i++)
		entry.parts[i].data = NULL;
	put(fixture->cache, KEY, &entry);
	assert_true(ebs_cache_get(fixture->cache, KEY, &entry));
	expect_part(&entry, EBS_CACHE_OBJECT, "x");
	for (int i = EBS_CACHE_OBJECT + 1; i < EBS_CACHE_PARTS; i++)
		assert_int_equal(entry.parts[i].size, 0);
	ebs_cache_entry_free(&entry);
	ebs_cache_entry_free(&entry); // harmless
}

static void test_replaced(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_cache_entry entry = entry_of("another object", "", "", "");

	put(fixture->cache, KEY, &entry);
	put_one(fixture);
	expect_one(fixture);
}

static size_t read_entry(const struct fixture *fixture, char *data, size_t size)
{
	int fd = open(path_of(fixture, FILE_OF_KEY), O_RDONLY);
	ssize_t got = read(fd, data, size);

	assert_true(got > 0 && (size_t)got < size);
	close(fd);
	return got;
}

static void write_entry(const struct fixture *fixture, const char *data, size_t size)
{
	int fd = open(path_of(fixture, FILE_OF_KEY), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

// Magic, version, sizes, key, checksum and all of the parts.
static void test_every_byte_damaged(void **state)
{
	struct fixture *fixture = *state;
	char data[512];

	put_one(fixture);
	size_t size = read_entry(fixture, data, sizeof(data));
	assert_true(size > 80);
	for (size_t i = 0; i < size; i++) {
		for (int bit = 0; bit < 8; bit += 7) {
			struct ebs_cache_entry entry;

			data[i] ^= 1 << bit;
			write_entry(fixture, data, size);
			data[i] ^= 1 << bit;
			if (ebs_cache_get(fixture->cache, KEY, &entry))
				fail_msg("byte %zu, bit %d", i, bit);
			assert_false(exists(fixture, FILE_OF_KEY));
		}
	}
	write_entry(fixture, data, size);
	expect_one(fixture);
}

static void test_every_length(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_cache_entry entry;
	char data[512] = "";

	put_one(fixture);
	size_t size = read_entry(fixture, data, sizeof(data));
	for (size_t length = 0; length < size + 20; length++) {
		if (length == size)
			continue;
		write_entry(fixture, data, length);
		if (ebs_cache_get(fixture->cache, KEY, &entry))
			fail_msg("%zu of %zu bytes", length, size);
		assert_false(exists(fixture, FILE_OF_KEY));
	}
}

static void test_renamed(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_cache_key other = { 1, 2 };
	struct ebs_cache_entry entry;

	put_one(fixture);
	assert_int_equal(rename(path_of(fixture, FILE_OF_KEY),
				path_of(fixture, "00000000000000010000000000000002.ebs")),
			 0);
	assert_false(ebs_cache_get(fixture->cache, other, &entry));
	assert_false(exists(fixture, "00000000000000010000000000000002.ebs"));
}

static void test_link_as_entry(void **state)
{
	struct fixture *fixture = *state;

	put_one(fixture);
	char *kept = path_of(fixture, "kept");
	assert_int_equal(rename(path_of(fixture, FILE_OF_KEY), kept), 0);
	assert_int_equal(symlink(kept, path_of(fixture, FILE_OF_KEY)), 0);
	expect_made_anew(fixture);
	assert_true(exists(fixture, "kept"));
}

static void test_folder_as_entry(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(mkdir(path_of(fixture, FILE_OF_KEY), 0700), 0);
	expect_made_anew(fixture);
}

static void test_full_folder_as_entry(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_cache_entry entry = entry_of("x", "", "", "");
	struct ebs_error error = { 0 };

	run("mkdir -p '%s/in it'", path_of(fixture, FILE_OF_KEY));
	assert_true(ebs_cache_put(fixture->cache, KEY, &entry, &error) < 0);
	assert_non_null(strstr(ebs_error_text(&error), "can't be written"));
	ebs_error_clear(&error);
	assert_false(ebs_cache_get(fixture->cache, KEY, &entry));
	assert_int_equal(ebs_cache_trim(fixture->cache, 0, &error), 0);
}

static void test_pipe_as_entry(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(mkfifo(path_of(fixture, FILE_OF_KEY), 0600), 0);
	alarm(20);
	expect_made_anew(fixture);
	alarm(0);
}

static void test_writable_entry(void **state)
{
	struct fixture *fixture = *state;
	static const mode_t modes[] = { 0620, 0602, 0666 };

	for (size_t i = 0; i < 3; i++) {
		put_one(fixture);
		assert_int_equal(chmod(path_of(fixture, FILE_OF_KEY), modes[i]), 0);
		expect_made_anew(fixture);
	}
	assert_int_equal(chmod(path_of(fixture, FILE_OF_KEY), 0644), 0);
	expect_one(fixture); // others may read it, if they get there
}

static void needs_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("# skip: needs root\n");
	skip();
}

static void test_entry_of_another(void **state)
{
	struct fixture *fixture = *state;

	needs_root();
	put_one(fixture);
	assert_int_equal(chown(path_of(fixture, FILE_OF_KEY), 65534, 65534), 0);
	expect_made_anew(fixture);
}

static void expect_refused(const char *path, const char *code, const char *text)
{
	struct ebs_error error = { 0 };
	struct ebs_cache *cache = ebs_cache_open(path, &error);

	if (cache || strcmp(error.code, code) || !strstr(ebs_error_text(&error), text))
		fail_msg("%s: wanted %s with \"%s\", got %s: %s", path, code, text, error.code,
			 ebs_error_text(&error));
	ebs_error_clear(&error);
}

static void test_folder_that_is_a_link(void **state)
{
	struct fixture *fixture = *state;
	char link[100];

	snprintf(link, sizeof(link), "%s/link", fixture->root);
	assert_int_equal(symlink(fixture->folder, link), 0);
	expect_refused(link, "ENOTDIR", "is a link or no folder");
	strcat(link, "//");
	expect_refused(link, "ENOTDIR", "is a link or no folder");
	ebs_cache_close(open_cache(fixture->folder));
	strcat(fixture->folder, "/");
	ebs_cache_close(open_cache(fixture->folder));
}

static void test_folder_that_is_a_file(void **state)
{
	struct fixture *fixture = *state;
	char file[100];

	snprintf(file, sizeof(file), "%s/file", fixture->root);
	close(open(file, O_WRONLY | O_CREAT, 0600));
	expect_refused(file, "ENOTDIR", "is a link or no folder");
	strcat(file, "/below");
	expect_refused(file, "ENOTDIR", "can't be made");
}

static void test_folder_that_others_write(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(chmod(fixture->folder, 0770), 0);
	expect_refused(fixture->folder, "EPERM", "others may write into the folder");
	assert_int_equal(chmod(fixture->folder, 0702), 0);
	expect_refused(fixture->folder, "EPERM", "(mode 702)");
	assert_int_equal(chmod(fixture->folder, 01777), 0);
	expect_refused(fixture->folder, "EPERM", "others may write into the folder");
	assert_int_equal(chmod(fixture->folder, 0755), 0);
	ebs_cache_close(open_cache(fixture->folder));
}

static void test_folder_of_another(void **state)
{
	struct fixture *fixture = *state;

	needs_root();
	assert_int_equal(chown(fixture->folder, 65534, 65534), 0);
	expect_refused(fixture->folder, "EPERM", "belongs to another user (65534)");
}

// Runs the function as somebody who isn't root, in a process of its own.
static void as_user(void (*function)(struct fixture *), struct fixture *fixture)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 &&
		    (chown(fixture->root, 65534, 65534) || setgid(65534) || setuid(65534)))
			_exit(2);
		unsetenv("XDG_CACHE_HOME");
		unsetenv("HOME");
		function(fixture);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void check(bool value)
{
	if (!value)
		_exit(1);
}

static bool is_at(const char *path)
{
	struct ebs_cache *cache = ebs_cache_open(NULL, NULL);
	bool same = cache && strcmp(ebs_cache_path(cache), path) == 0;

	ebs_cache_close(cache);
	return same;
}

static void look_for_places(struct fixture *fixture)
{
	struct ebs_error error = { 0 };
	char path[200], xdg[100];
	struct stat status;

	check(!ebs_cache_open(NULL, &error) && strstr(ebs_error_text(&error), "HOME isn't set"));
	setenv("HOME", fixture->root, 1);
	snprintf(path, sizeof(path), "%s/.cache/ebscript", fixture->root);
	check(is_at(path));
	check(!stat(path, &status) && (status.st_mode & 07777) == 0700);
	snprintf(xdg, sizeof(xdg), "%s/xdg", fixture->root);
	setenv("XDG_CACHE_HOME", "xdg", 1); // relative ones are to be ignored
	check(is_at(path));
	setenv("XDG_CACHE_HOME", xdg, 1);
	snprintf(path, sizeof(path), "%s/xdg/ebscript", fixture->root);
	check(is_at(path));
}

static void test_places_of_a_user(void **state)
{
	as_user(look_for_places, *state);
}

static void test_place_of_root(void **state)
{
	needs_root();
	setenv("XDG_CACHE_HOME", "/tmp/elsewhere", 1); // of the user who called sudo, perhaps
	assert_true(is_at("/var/cache/ebscript"));
	unsetenv("XDG_CACHE_HOME");
}

static void set_age(const struct fixture *fixture, const char *name, time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - seconds },
				     { .tv_sec = time(NULL) - seconds } };

	assert_int_equal(utimensat(AT_FDCWD, path_of(fixture, name), times, AT_SYMLINK_NOFOLLOW),
			 0);
}

static void touch(const struct fixture *fixture, const char *name, time_t age)
{
	close(open(path_of(fixture, name), O_WRONLY | O_CREAT, 0600));
	assert_true(exists(fixture, name));
	set_age(fixture, name, age);
}

static const char *numbered(unsigned number)
{
	static char names[4][64];
	char *name = names[number % 4];

	snprintf(name, sizeof(names[0]), "%032x.ebs", number);
	return name;
}

static void test_oldest_use_goes_first(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_cache_entry entry = entry_of("12345678901234567890", "", "", "");
	struct ebs_cache_entry got;
	struct stat status;

	for (unsigned i = 0; i < 4; i++) {
		put(fixture->cache, (struct ebs_cache_key){ 0, i }, &entry);
		set_age(fixture, numbered(i), 40000 - 10000 * i);
	}
	assert_true(ebs_cache_get(fixture->cache, (struct ebs_cache_key){ 0, 0 },
				  &got)); // now the youngest
	ebs_cache_entry_free(&got);
	assert_int_equal(stat(path_of(fixture, numbered(0)), &status), 0);

	assert_int_equal(ebs_cache_trim(fixture->cache, 4 * status.st_size, NULL), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_true(exists(fixture, numbered(i)));
	assert_int_equal(ebs_cache_trim(fixture->cache, 3 * status.st_size - 1, NULL), 0);
	assert_true(exists(fixture, numbered(0)));
	assert_false(exists(fixture, numbered(1)));
	assert_false(exists(fixture, numbered(2)));
	assert_true(exists(fixture, numbered(3)));
	assert_int_equal(ebs_cache_trim(fixture->cache, 0, NULL), 0);
	assert_false(exists(fixture, numbered(0)));
}

static void test_put_keeps_to_the_limit(void **state)
{
	struct fixture *fixture = *state;

	// Sparse files, as large as five entries of a quarter of the limit.
	for (unsigned i = 0; i < 5; i++) {
		touch(fixture, numbered(i), 500 - 100 * i);
		assert_int_equal(truncate(path_of(fixture, numbered(i)), EBS_CACHE_LIMIT / 4), 0);
		set_age(fixture, numbered(i), 500 - 100 * i);
	}
	put_one(fixture);
	assert_false(exists(fixture, numbered(0)));
	assert_false(exists(fixture, numbered(1)));
	assert_true(exists(fixture, numbered(2)));
	assert_true(exists(fixture, numbered(4)));
	expect_one(fixture);
}

// A folder that was chosen with --cache-dir may well have files of others.
static void test_files_of_others_stay(void **state)
{
	struct fixture *fixture = *state;
	static const char *const names[] = {
		"notes.tmp",
		"mine.ebs",
		"0123456789abcdeffedcba987654321.ebs",
		"0123456789ABCDEFFEDCBA9876543210.ebs",
		"0123456789abcdeffedcba9876543210.ebs.bak",
		"4711.tmp",
		".ebs",
		".tmp",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		touch(fixture, names[i], 100000);
	put_one(fixture);
	assert_int_equal(ebs_cache_trim(fixture->cache, 0, NULL), 0);
	assert_false(exists(fixture, FILE_OF_KEY));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!exists(fixture, names[i]))
			fail_msg("%s is gone", names[i]);
}

static void test_unfinished_files(void **state)
{
	struct fixture *fixture = *state;
	static const char old[] = "0123456789abcdeffedcba98765432100000000000000001.tmp";
	static const char young[] = "0123456789abcdeffedcba98765432100000000000000002.tmp";

	touch(fixture, old, 3700);
	touch(fixture, young, 1800);
	put_one(fixture);
	assert_false(exists(fixture, old));
	assert_true(exists(fixture, young));
	assert_int_equal(ebs_cache_trim(fixture->cache, 0, NULL), 0);
	assert_false(exists(fixture, young));
}

static int count_files(const struct fixture *fixture)
{
	DIR *folder = opendir(fixture->folder);
	int count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

enum { WRITERS = 4, READERS = 3, ROUNDS = 150, LARGE = 50000 };

// Each writer's entry has its own letter all over; a reader must never see two in one.
static void write_often(struct fixture *fixture, char letter)
{
	static char text[LARGE + 1];

	memset(text, letter, LARGE);
	for (int i = 0; i < ROUNDS; i++) {
		text[LARGE - i] = '\0'; // the lengths differ too
		struct ebs_cache_entry entry = entry_of(text, "", "", text + LARGE / 2);
		if (ebs_cache_put(fixture->cache, KEY, &entry, NULL))
			_exit(1);
	}
}

static void read_often(struct fixture *fixture)
{
	struct ebs_cache_entry entry;

	for (int i = 0; i < ROUNDS * WRITERS; i++) {
		if (!ebs_cache_get(fixture->cache, KEY, &entry))
			_exit(2);
		for (int part = 0; part < EBS_CACHE_PARTS; part++)
			for (size_t j = 0; j < entry.parts[part].size; j++)
				if (entry.parts[part].data[j] !=
				    entry.parts[EBS_CACHE_OBJECT].data[0])
					_exit(3);
		ebs_cache_entry_free(&entry);
	}
}

static void test_many_at_once(void **state)
{
	struct fixture *fixture = *state;

	put_one(fixture); // so that there is one all the time
	struct ebs_cache_entry first = entry_of("aaa", "", "", "");
	put(fixture->cache, KEY, &first);
	for (int i = 0; i < WRITERS + READERS; i++) {
		if (fork())
			continue;
		if (i < WRITERS)
			write_often(fixture, 'a' + i);
		else
			read_often(fixture);
		_exit(0);
	}
	for (int i = 0; i < WRITERS + READERS; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_files(fixture), 1);
}

// With a limit on the size of files, as with a full disk, no half entry stays, and the process
// lives on.
static void write_too_much(struct fixture *fixture)
{
	struct ebs_cache_entry entry = entry_of(
		"a text of more than fifty bytes, which the limit doesn't let in", "", "", "");
	struct ebs_error error = { 0 };
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 50;
	setrlimit(RLIMIT_FSIZE, &limit);
	check(ebs_cache_put(fixture->cache, KEY, &entry, &error) == -EFBIG);
	check(strcmp(error.code, "EFBIG") == 0 && strstr(ebs_error_text(&error), fixture->folder));
	check(count_files(fixture) == 0);
	check(!ebs_cache_get(fixture->cache, KEY, &entry));
}

static void test_file_size_limit(void **state)
{
	struct fixture *fixture = *state;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		write_too_much(fixture);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_folder_removed_meanwhile(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_cache_entry entry = entry_of("x", "", "", "");

	put_one(fixture);
	run("rm -r '%s'", fixture->folder);
	assert_false(ebs_cache_get(fixture->cache, KEY, &entry));
	entry = entry_of("x", "", "", "");
	assert_int_equal(ebs_cache_put(fixture->cache, KEY, &entry, NULL), -ENOENT);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		CASE(test_round_trip),
		CASE(test_empty_parts),
		CASE(test_replaced),
		CASE(test_every_byte_damaged),
		CASE(test_every_length),
		CASE(test_renamed),
		CASE(test_link_as_entry),
		CASE(test_folder_as_entry),
		CASE(test_full_folder_as_entry),
		CASE(test_pipe_as_entry),
		CASE(test_writable_entry),
		CASE(test_entry_of_another),
		CASE(test_folder_that_is_a_link),
		CASE(test_folder_that_is_a_file),
		CASE(test_folder_that_others_write),
		CASE(test_folder_of_another),
		CASE(test_places_of_a_user),
		cmocka_unit_test(test_place_of_root),
		CASE(test_oldest_use_goes_first),
		CASE(test_put_keeps_to_the_limit),
		CASE(test_files_of_others_stay),
		CASE(test_unfinished_files),
		CASE(test_many_at_once),
		CASE(test_file_size_limit),
		CASE(test_folder_removed_meanwhile),
	};

	return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
