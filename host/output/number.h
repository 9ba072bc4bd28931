// SPDX-License-Identifier: GPL-2.0-only
// Integers to decimal digits: what rows are mostly made of.
#ifndef EBS_OUTPUT_NUMBER_H
#define EBS_OUTPUT_NUMBER_H

#include <stdint.h>
#include <string.h>

#define EBS_DECIMAL_SIZE 20 // "-9223372036854775808", "18446744073709551615"

static inline char *ebs_decimal_pair(char *end, uint32_t value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";

	memcpy(end - 2, pairs + (size_t)value * 2, 2);
	return end - 2;
}

// How many digits a number has.
static inline unsigned ebs_decimal_digits(uint64_t value)
{
	// The least number of so many digits and one more.
	static const uint64_t powers[EBS_DECIMAL_SIZE] = {
		0,
		UINT64_C(10),
		UINT64_C(100),
		UINT64_C(1000),
		UINT64_C(10000),
		UINT64_C(100000),
		UINT64_C(1000000),
		UINT64_C(10000000),
		UINT64_C(100000000),
		UINT64_C(1000000000),
		UINT64_C(10000000000),
		UINT64_C(100000000000),
		UINT64_C(1000000000000),
		UINT64_C(10000000000000),
		UINT64_C(100000000000000),
		UINT64_C(1000000000000000),
		UINT64_C(10000000000000000),
		UINT64_C(100000000000000000),
		UINT64_C(1000000000000000000),
		UINT64_C(10000000000000000000),
	};
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
	unsigned digits = bits * 1233 >> 12; // log10(2) is 1233/4096; this or one too few

	return digits + (value >= powers[digits]);
}

// Writes the digits in front of `end`, and returns where they begin.
static inline char *ebs_decimal(char *end, uint64_t value)
{
	char *begin = end;

	while (value >= 100000000) { // eight digits at a time: small divisions are quick
		uint32_t low = value % 100000000;
		uint32_t upper = low / 10000;

		value /= 100000000;
		low %= 10000;
		begin = ebs_decimal_pair(begin, low % 100);
		begin = ebs_decimal_pair(begin, low / 100);
		begin = ebs_decimal_pair(begin, upper % 100);
		begin = ebs_decimal_pair(begin, upper / 100);
	}
	uint32_t rest = (uint32_t)value;
	for (; rest >= 100; rest /= 100)
		begin = ebs_decimal_pair(begin, rest % 100);
	if (rest >= 10)
		return ebs_decimal_pair(begin, rest);
	*--begin = '0' + rest;
	return begin;
}

static inline uint64_t ebs_magnitude(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

#endif
