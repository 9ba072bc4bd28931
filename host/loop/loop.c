// SPDX-License-Identifier: GPL-2.0-only
// Waiting, on libuv.
#include "loop/loop_private.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NO_LOOP  "can't make an event loop"
#define NO_WATCH "can't wait for a file descriptor"

struct ebs_watch {
	uv_poll_t uv;
	uv_idle_t again;
	int handles; // of the two, those that libuv still knows
	struct ebs_loop *loop;
	int epoll; // around a descriptor that others share; -1: none
	ebs_loop_callback *callback;
	void *context;
};

static void on_wake(uv_async_t *handle)
{
	uv_stop(handle->loop);
}

static void on_prepare(uv_prepare_t *handle)
{
	struct ebs_loop *loop = handle->data;

	if (loop->before_sleep)
		ebs_loop_finish(loop, loop->before_sleep(loop->before_sleep_context));
	struct timespec nap = { .tv_nsec = loop->nap };
	loop->nap = 0;
	if (nap.tv_nsec && !loop->result)
		nanosleep(&nap, NULL);
}

struct ebs_loop *ebs_loop_new(struct ebs_error *error)
{
	struct ebs_loop *loop = calloc(1, sizeof(*loop));
	if (!loop) {
		ebs_error_errno(error, ENOMEM, NO_LOOP);
		return NULL;
	}
	loop->reader_epoll = -1;
	return loop;
}

// Does all that waiting consists of, once. Where a filter forbids some of it, libuv would end the
// process. Returns 0, or -errno.
static int try_waiting(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int ready = eventfd(1, EFD_CLOEXEC);
	int result = 0;

	if (epoll < 0 || ready < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, ready, &event) ||
	    epoll_wait(epoll, &event, 1, 0) < 0)
		result = -errno;
	if (ready >= 0)
		close(ready);
	if (epoll >= 0)
		close(epoll);
	return result;
}

int ebs_loop_open(struct ebs_loop *loop, struct ebs_error *error)
{
	if (loop->open)
		return 0;
	int result = try_waiting();
	if (!result)
		result = uv_loop_init(&loop->uv);
	if (!result && (result = uv_async_init(&loop->uv, &loop->wake, on_wake)))
		uv_loop_close(&loop->uv);
	if (result)
		return ebs_error_errno(error, result, NO_LOOP);
	if (!loop->holds)
		uv_unref((uv_handle_t *)&loop->wake);
	uv_prepare_init(&loop->uv, &loop->prepare);
	loop->prepare.data = loop;
	uv_prepare_start(&loop->prepare, on_prepare);
	uv_unref((uv_handle_t *)&loop->prepare);
	loop->open = true;
	return 0;
}

static void close_all(struct ebs_loop *loop)
{
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->prepare, NULL);
	ebs_loop_close_timers(loop);
	if (loop->reader_epoll >= 0)
		uv_close((uv_handle_t *)&loop->reader, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	if (loop->reader_epoll >= 0)
		close(loop->reader_epoll);
	uv_loop_close(&loop->uv);
}

void ebs_loop_free(struct ebs_loop *loop)
{
	if (!loop)
		return;
	ebs_loop_release_signals(loop);
	if (loop->open)
		close_all(loop);
	free(loop);
}

int ebs_loop_run(struct ebs_loop *loop)
{
	struct ebs_error ignored = { 0 };
	int result = ebs_loop_open(loop, &ignored);

	ebs_error_clear(&ignored);
	if (result)
		return result;
	loop->result = 0;
	loop->nap = 0;
	uv_update_time(&loop->uv);
	loop->running = true;
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	loop->running = false;
	return loop->result;
}

void ebs_loop_stop(struct ebs_loop *loop)
{
	if (loop->running) // else it would end the next run
		uv_stop(&loop->uv);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct ebs_watch *watch = handle->data;

	ebs_loop_finish(watch->loop, watch->callback(watch->context));
}

struct ebs_watch *ebs_loop_watch(struct ebs_loop *loop, int fd, ebs_loop_callback *callback,
				 void *context, struct ebs_error *error)
{
	if (ebs_loop_open(loop, error))
		return NULL;
	struct ebs_watch *watch = calloc(1, sizeof(*watch));
	if (!watch) {
		ebs_error_errno(error, ENOMEM, NO_WATCH);
		return NULL;
	}
	int result = uv_poll_init(&loop->uv, &watch->uv, fd);
	if (result) {
		ebs_error_errno(error, result, NO_WATCH);
		free(watch);
		return NULL;
	}
	uv_idle_init(&loop->uv, &watch->again);
	watch->handles = 2;
	watch->epoll = -1;
	watch->uv.data = watch;
	watch->again.data = watch;
	watch->loop = loop;
	watch->callback = callback;
	watch->context = context;
	uv_poll_start(&watch->uv, UV_READABLE, on_poll);
	return watch;
}

// An epoll instance that reports `events` of `fd`, and a hang-up; or -errno. libuv makes what it
// watches non-blocking. That would change the descriptor for whoever shares it, so libuv watches
// the instance in its place.
static int wrap(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
		int result = -errno;
		close(epoll);
		return result;
	}
	return epoll < 0 ? -errno : epoll;
}

struct ebs_watch *ebs_loop_watch_shared(struct ebs_loop *loop, int fd, ebs_loop_callback *callback,
					void *context, struct ebs_error *error)
{
	int epoll = wrap(fd, EPOLLIN);
	if (epoll < 0) {
		ebs_error_errno(error, epoll, NO_WATCH);
		return NULL;
	}
	struct ebs_watch *watch = ebs_loop_watch(loop, epoll, callback, context, error);
	if (watch)
		watch->epoll = epoll;
	else
		close(epoll);
	return watch;
}

static void free_watch(uv_handle_t *handle)
{
	struct ebs_watch *watch = handle->data;

	if (--watch->handles == 0)
		free(watch);
}

void ebs_watch_free(struct ebs_watch *watch)
{
	if (!watch)
		return;
	uv_close((uv_handle_t *)&watch->uv, free_watch);
	uv_close((uv_handle_t *)&watch->again, free_watch);
	if (watch->epoll >= 0)
		close(watch->epoll);
}

void ebs_watch_unref(struct ebs_watch *watch)
{
	uv_unref((uv_handle_t *)&watch->uv);
}

static void on_again(uv_idle_t *handle)
{
	struct ebs_watch *watch = handle->data;

	uv_idle_stop(handle);
	ebs_loop_finish(watch->loop, watch->callback(watch->context));
}

void ebs_watch_again(struct ebs_watch *watch)
{
	uv_idle_start(&watch->again, on_again);
}

void ebs_loop_hold(struct ebs_loop *loop)
{
	if (loop->holds++ == 0 && loop->open)
		uv_ref((uv_handle_t *)&loop->wake);
}

void ebs_loop_release(struct ebs_loop *loop)
{
	if (--loop->holds == 0 && loop->open)
		uv_unref((uv_handle_t *)&loop->wake);
}

void ebs_loop_nap(struct ebs_loop *loop, int64_t nanoseconds)
{
	if (!loop->nap || nanoseconds < loop->nap)
		loop->nap = nanoseconds;
}

void ebs_loop_before_sleep(struct ebs_loop *loop, ebs_loop_callback *callback, void *context)
{
	loop->before_sleep = callback;
	loop->before_sleep_context = context;
}

static void on_reader_gone(uv_poll_t *handle, int status, int events)
{
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

void ebs_loop_watch_reader(struct ebs_loop *loop, int fd)
{
	struct ebs_error ignored = { 0 };
	struct stat status;

	if (loop->reader_epoll >= 0 || fstat(fd, &status) ||
	    !(S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)))
		return;
	int epoll = ebs_loop_open(loop, &ignored) ? -1 : wrap(fd, 0);
	ebs_error_clear(&ignored);
	if (epoll < 0)
		return;
	if (uv_poll_init(&loop->uv, &loop->reader, epoll)) {
		close(epoll);
		return;
	}
	loop->reader_epoll = epoll;
	uv_poll_start(&loop->reader, UV_READABLE, on_reader_gone);
	uv_unref((uv_handle_t *)&loop->reader);
}

const char *ebs_loop_library_version(void)
{
	return uv_version_string();
}
