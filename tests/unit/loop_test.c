// SPDX-License-Identifier: GPL-2.0-only
// loop/loop: watches, timers, holds, stopping, signals, and a reader that goes away.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "loop/loop.h"

#define STALL 30 // seconds until a test that waits for ever is killed

// What callbacks work with.
struct fixture {
	struct ebs_loop *loop;
	struct ebs_timer *timer;
	struct ebs_timer *other;
	struct ebs_watch *watch;
	int pipe[2];
	int calls;
	int result; // what the callback returns
	char order[8];
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct ebs_error error = { 0 };

	fixture = (struct fixture){ 0 };
	fixture.loop = ebs_loop_new(&error);
	assert_non_null(fixture.loop);
	assert_int_equal(pipe2(fixture.pipe, O_CLOEXEC), 0);
	alarm(STALL);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	ebs_timer_free(fixture->timer);
	ebs_timer_free(fixture->other);
	ebs_watch_free(fixture->watch);
	ebs_loop_free(fixture->loop);
	close(fixture->pipe[0]);
	close(fixture->pipe[1]);
	alarm(0);
	return 0;
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static struct ebs_timer *every(struct fixture *fixture, double seconds, ebs_loop_callback *callback)
{
	struct ebs_error error = { 0 };
	struct ebs_timer *timer = ebs_loop_every(fixture->loop, seconds, callback, fixture, &error);

	assert_non_null(timer);
	return timer;
}

static void watch(struct fixture *fixture, ebs_loop_callback *callback)
{
	struct ebs_error error = { 0 };

	fixture->watch = ebs_loop_watch(fixture->loop, fixture->pipe[0], callback, fixture, &error);
	assert_non_null(fixture->watch);
}

static void nothing_to_wait_for(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
}

static int tick_three_times(void *context)
{
	struct fixture *fixture = context;

	if (++fixture->calls == 3) {
		ebs_timer_free(fixture->timer);
		fixture->timer = NULL;
	}
	return 0;
}

// Takes longer than its interval, and starts and ends another timer each time.
static int tick_late(void *context)
{
	struct fixture *fixture = context;

	usleep(3000);
	ebs_timer_free(fixture->other);
	fixture->other = every(fixture, 0.001, tick_late);
	if (++fixture->calls == 1)
		assert_int_equal(write(fixture->pipe[1], "x", 1), 1);
	assert_true(fixture->calls < 50);
	return 0;
}

static int read_and_stop(void *context)
{
	struct fixture *fixture = context;

	ebs_loop_stop(fixture->loop);
	return 0;
}

static void late_timers_leave_time_for_the_rest(void **state)
{
	struct fixture *fixture = *state;

	watch(fixture, read_and_stop);
	fixture->timer = every(fixture, 0.001, tick_late);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_true(fixture->calls > 0);
}

static void a_timer_that_frees_itself(void **state)
{
	struct fixture *fixture = *state;
	int64_t start = milliseconds();

	fixture->timer = every(fixture, 0.01, tick_three_times);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 3);
	assert_true(milliseconds() - start >= 29);
}

static void a_timer_of_no_time_waits_a_millisecond(void **state)
{
	struct fixture *fixture = *state;
	int64_t start = milliseconds();

	fixture->timer = every(fixture, 1e-9, tick_three_times);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 3);
	assert_true(milliseconds() - start >= 2);
}

// Without the loop's running, as a script may do that never runs it.
static void a_freed_timer_is_used_again(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 3; i++) {
		struct ebs_timer *timer = every(fixture, 0.001, tick_late);

		fixture->other = every(fixture, 0.001, tick_late);
		if (fixture->timer)
			assert_ptr_equal(timer, fixture->timer);
		fixture->timer = timer;
		ebs_timer_free(fixture->other);
		ebs_timer_free(timer);
	}
	fixture->other = NULL;
	fixture->timer = NULL;
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 0);
	fixture->timer = every(fixture, 0.001, tick_three_times);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 3);
}

static int stop_loop(void *context)
{
	struct fixture *fixture = context;

	fixture->calls++;
	ebs_loop_stop(fixture->loop);
	return 0;
}

static void stopping(void **state)
{
	struct fixture *fixture = *state;

	fixture->timer = every(fixture, 0.001, stop_loop);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 1);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 2);
}

static void stopping_before_it_runs(void **state)
{
	struct fixture *fixture = *state;

	ebs_loop_stop(fixture->loop);
	fixture->timer = every(fixture, 0.001, tick_three_times);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 3);
}

static int fail_then(void *context)
{
	struct fixture *fixture = context;

	fixture->calls++;
	return fixture->result;
}

static void a_negative_number_ends_it(void **state)
{
	struct fixture *fixture = *state;

	fixture->result = -123;
	fixture->timer = every(fixture, 0.001, fail_then);
	assert_int_equal(ebs_loop_run(fixture->loop), -123);
	assert_int_equal(fixture->calls, 1);
	ebs_timer_free(fixture->timer);
	fixture->timer = every(fixture, 0.001, stop_loop);
	assert_int_equal(ebs_loop_run(fixture->loop), 0); // forgotten by the next run
}

static int read_byte(void *context)
{
	struct fixture *fixture = context;
	char byte;

	assert_int_equal(read(fixture->pipe[0], &byte, 1), 1);
	fixture->order[fixture->calls++] = byte;
	if (byte == '.') {
		ebs_watch_free(fixture->watch);
		fixture->watch = NULL;
	}
	return byte == '!' ? -7 : 0;
}

static void a_watch_is_called_while_there_is_something_to_read(void **state)
{
	struct fixture *fixture = *state;

	watch(fixture, read_byte);
	assert_int_equal(write(fixture->pipe[1], "abc.", 4), 4);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_string_equal(fixture->order, "abc.");
}

static void a_watch_that_fails(void **state)
{
	struct fixture *fixture = *state;

	watch(fixture, read_byte);
	assert_int_equal(write(fixture->pipe[1], "a!b.", 4), 4);
	assert_int_equal(ebs_loop_run(fixture->loop), -7);
	assert_string_equal(fixture->order, "a!");
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_string_equal(fixture->order, "a!b.");
}

static void a_watch_of_what_cannot_be_watched(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_error error = { 0 };

	assert_null(ebs_loop_watch(fixture->loop, -1, read_byte, fixture, &error));
	assert_string_equal(error.code, "EBADF");
	ebs_error_clear(&error);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
}

static int write_byte(void *context)
{
	struct fixture *fixture = context;

	assert_int_equal(write(fixture->pipe[1], ".", 1), 1);
	ebs_timer_free(fixture->timer);
	fixture->timer = NULL;
	return 0;
}

static void a_watch_waits(void **state)
{
	struct fixture *fixture = *state;

	watch(fixture, read_byte);
	fixture->timer = every(fixture, 0.01, write_byte);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_int_equal(fixture->calls, 1);
}

static int release(void *context)
{
	struct fixture *fixture = context;

	fixture->calls++;
	ebs_timer_free(fixture->timer);
	fixture->timer = NULL;
	ebs_loop_release(fixture->loop);
	return 0;
}

static int count(void *context)
{
	struct fixture *fixture = context;

	fixture->order[0]++;
	return 0;
}

static void holds(void **state)
{
	struct fixture *fixture = *state;

	ebs_loop_hold(fixture->loop);
	ebs_loop_hold(fixture->loop);
	ebs_loop_release(fixture->loop);
	fixture->timer = every(fixture, 0.005, release);
	assert_int_equal(ebs_loop_run(fixture->loop), 0); // ends with the last release
	assert_int_equal(fixture->calls, 1);
	ebs_loop_hold(fixture->loop); // may still be held when it is freed
}

static void before_sleep(void **state)
{
	struct fixture *fixture = *state;

	ebs_loop_before_sleep(fixture->loop, count, fixture);
	fixture->timer = every(fixture, 0.001, tick_three_times);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_true(fixture->order[0] >= 3);
}

static void before_sleep_that_fails(void **state)
{
	struct fixture *fixture = *state;

	fixture->result = -5;
	ebs_loop_before_sleep(fixture->loop, fail_then, fixture);
	fixture->timer = every(fixture, 20, stop_loop);
	assert_int_equal(ebs_loop_run(fixture->loop), -5);
	assert_int_equal(fixture->calls, 1);
}

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

static int interrupt(void *context)
{
	struct fixture *fixture = context;

	fixture->calls++;
	raise(fixture->result);
	return 0;
}

static void the_first_signal_ends_it(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 2; i++) {
		fixture->result = i ? SIGTERM : SIGINT;
		ebs_loop_catch_signals(fixture->loop, on_signal);
		fixture->timer = every(fixture, 0.001, interrupt);
		fixture->calls = 0;
		assert_int_equal(ebs_loop_run(fixture->loop), 0);
		assert_int_equal(fixture->calls, 1);
		assert_int_equal(caught, fixture->result);
		ebs_timer_free(fixture->timer);
		fixture->timer = NULL;
	}
}

// Runs `function` in a child process; gives its status as waitpid() does.
static int in_child(void (*function)(struct fixture *fixture), struct fixture *fixture)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct ebs_error error = { 0 };

		fixture->loop = ebs_loop_new(&error); // the parent's is not to be shared
		alarm(STALL);
		function(fixture);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void raise_twice(struct fixture *fixture)
{
	ebs_loop_catch_signals(fixture->loop, on_signal);
	raise(SIGINT);
	raise(SIGTERM);
	raise(SIGINT);
	_exit(caught == SIGINT ? 7 : 8);
}

static void signals_of_a_second_are_one_request(void **state)
{
	int status = in_child(raise_twice, *state);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void raise_later(struct fixture *fixture)
{
	ebs_loop_catch_signals(fixture->loop, on_signal);
	raise(SIGINT);
	usleep(1100000);
	raise(SIGTERM);
}

static void a_later_signal_kills(void **state)
{
	int status = in_child(raise_later, *state);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void ignore_and_raise(struct fixture *fixture)
{
	signal(SIGINT, SIG_IGN);
	ebs_loop_catch_signals(fixture->loop, on_signal);
	caught = 0;
	raise(SIGINT);
	_exit(caught);
}

static void an_ignored_signal_stays_so(void **state)
{
	assert_int_equal(in_child(ignore_and_raise, *state), 0);
}

static void free_and_raise(struct fixture *fixture)
{
	ebs_loop_catch_signals(fixture->loop, on_signal);
	ebs_loop_free(fixture->loop);
	raise(SIGINT);
}

static void a_freed_loop_catches_no_signals(void **state)
{
	int status = in_child(free_and_raise, *state);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
}

static int close_reader(void *context)
{
	struct fixture *fixture = context;

	close(fixture->pipe[0]);
	return 0;
}

static void lose_reader(struct fixture *fixture)
{
	ebs_loop_watch_reader(fixture->loop, fixture->pipe[1]);
	fixture->timer = every(fixture, 0.01, close_reader);
	ebs_loop_run(fixture->loop);
}

static void a_reader_that_goes_away(void **state)
{
	struct fixture *fixture = *state;
	int status;

	// The parent's end of the pipe would count as a reader.
	close(fixture->pipe[0]);
	close(fixture->pipe[1]);
	for (int i = 0; i < 2; i++) {
		int made = i ? socketpair(AF_UNIX, SOCK_STREAM, 0, fixture->pipe)
			     : pipe(fixture->pipe);
		pid_t pid = made ? -1 : fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			struct ebs_error error = { 0 };

			fixture->loop = ebs_loop_new(&error);
			alarm(STALL);
			lose_reader(fixture);
			_exit(0);
		}
		close(fixture->pipe[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGPIPE);
		close(fixture->pipe[1]);
	}
	fixture->pipe[0] = fixture->pipe[1] = -1;
}

static void watching_a_reader_is_nothing_to_wait_for(void **state)
{
	struct fixture *fixture = *state;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int flags = fcntl(fixture->pipe[1], F_GETFL);

	ebs_loop_watch_reader(fixture->loop, null);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	ebs_loop_watch_reader(fixture->loop, fixture->pipe[1]);
	assert_int_equal(ebs_loop_run(fixture->loop), 0);
	assert_int_equal(fcntl(fixture->pipe[1], F_GETFL), flags); // still blocking
	close(null);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(nothing_to_wait_for),
		TEST(a_timer_that_frees_itself),
		TEST(a_freed_timer_is_used_again),
		TEST(late_timers_leave_time_for_the_rest),
		TEST(a_timer_of_no_time_waits_a_millisecond),
		TEST(stopping),
		TEST(stopping_before_it_runs),
		TEST(a_negative_number_ends_it),
		TEST(a_watch_is_called_while_there_is_something_to_read),
		TEST(a_watch_that_fails),
		TEST(a_watch_of_what_cannot_be_watched),
		TEST(a_watch_waits),
		TEST(holds),
		TEST(before_sleep),
		TEST(before_sleep_that_fails),
		TEST(the_first_signal_ends_it),
		TEST(signals_of_a_second_are_one_request),
		TEST(a_later_signal_kills),
		TEST(an_ignored_signal_stays_so),
		TEST(a_freed_loop_catches_no_signals),
		TEST(a_reader_that_goes_away),
		TEST(watching_a_reader_is_nothing_to_wait_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
