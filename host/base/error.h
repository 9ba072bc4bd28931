// SPDX-License-Identifier: GPL-2.0-only
// An error as it travels through the host: a code for programs, a text for people.
#ifndef EBS_BASE_ERROR_H
#define EBS_BASE_ERROR_H

#include <stdbool.h>

// The kernel's own number for what it can't do. The C library has no name for it.
#define ENOTSUPP 524

// Start with { 0 }. The first error stays: setting a set error changes nothing, so a cleanup path
// can't hide the cause.
struct ebs_error {
	char code[24]; // an errno's name ("EPERM") or one of ours ("COMPILE", "VERIFY"); "" when
		       // unset
	char *text; // owned; no full stop, no newline at the end
};

// Both set the error and return a negative errno, so that callers can `return ebs_error_...(...)`.
// `error` may be NULL where the caller wants the number only.

// Code of our own; returns -EINVAL.
__attribute__((format(printf, 3, 4))) int ebs_error_set(struct ebs_error *error, const char *code,
							const char *format, ...);

// Appends ": " and ebs_error_words(number) to the text. `number` may have either sign; returns
// -abs(number).
__attribute__((format(printf, 3, 4))) int ebs_error_errno(struct ebs_error *error, int number,
							  const char *format, ...);

// Like ebs_error_errno(), for a text that already says in its own words what the errno means.
__attribute__((format(printf, 3, 4))) int ebs_error_explain(struct ebs_error *error, int number,
							    const char *format, ...);

// What strerror(3) says, and for the kernel's own ENOTSUPP too. `number` is positive.
const char *ebs_error_words(int number);

bool ebs_error_is_set(const struct ebs_error *error);

// The text, or "" when unset.
const char *ebs_error_text(const struct ebs_error *error);

// Frees the text and makes the error unset again.
void ebs_error_clear(struct ebs_error *error);

#endif
