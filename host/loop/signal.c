// SPDX-License-Identifier: GPL-2.0-only
// Signals that a script has handlers for.
#include <errno.h>
#include <stdlib.h>

#include "loop/loop_private.h"

struct ebs_signal {
	uv_signal_t uv;
	struct ebs_loop *loop;
	ebs_loop_callback *callback;
	void *context;
};

static void on_signal(uv_signal_t *handle, int number)
{
	struct ebs_signal *signal = handle->data;

	ebs_loop_finish(signal->loop, signal->callback(signal->context));
}

static void free_signal(uv_handle_t *handle)
{
	free(handle->data);
}

struct ebs_signal *ebs_loop_on_signal(struct ebs_loop *loop, int number,
				      ebs_loop_callback *callback, void *context,
				      struct ebs_error *error)
{
	if (ebs_loop_open(loop, error))
		return NULL;
	struct ebs_signal *signal = calloc(1, sizeof(*signal));
	int result = signal ? uv_signal_init(&loop->uv, &signal->uv) : -ENOMEM;
	if (result) {
		ebs_error_errno(error, result, "can't wait for a signal");
		free(signal);
		return NULL;
	}
	signal->loop = loop;
	signal->callback = callback;
	signal->context = context;
	signal->uv.data = signal;
	uv_unref((uv_handle_t *)&signal->uv);
	result = uv_signal_start(&signal->uv, on_signal, number);
	if (result) {
		ebs_error_errno(error, result, "can't wait for a signal");
		ebs_signal_free(signal);
		return NULL;
	}
	return signal;
}

void ebs_signal_free(struct ebs_signal *signal)
{
	if (signal)
		uv_close((uv_handle_t *)&signal->uv, free_signal);
}
