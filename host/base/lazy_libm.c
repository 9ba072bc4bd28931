// SPDX-License-Identifier: GPL-2.0-only
// What Lua calls of libm, looked up at the first call.
//
// To have one more shared library takes 3 % of a cached start, and few scripts need this one. Where
// there is no glibc, or Lua calls more than this, libm is linked after all
// (cmake/dependencies.cmake).
#if __has_include(<gnu/lib-names.h>)
#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void *find(const char *name)
{
	static void *library;

	if (!library)
		library = dlopen(LIBM_SO, RTLD_LAZY | RTLD_LOCAL);
	void *function = library ? dlsym(library, name) : NULL;
	if (!function) {
		fprintf(stderr, "ebscript: %s\n", dlerror());
		exit(EXIT_FAILURE);
	}
	return function;
}

#define OF_ONE(name)                               \
	double name(double x)                      \
	{                                          \
		static double (*function)(double); \
                                                   \
		if (!function)                     \
			function = find(#name);    \
		return function(x);                \
	}

#define OF_TWO(name)                                       \
	double name(double x, double y)                    \
	{                                                  \
		static double (*function)(double, double); \
                                                           \
		if (!function)                             \
			function = find(#name);            \
		return function(x, y);                     \
	}

OF_ONE(acos)
OF_ONE(asin)
OF_ONE(cos)
OF_ONE(cosh)
OF_ONE(exp)
OF_ONE(log)
OF_ONE(log10)
OF_ONE(log2)
OF_ONE(sin)
OF_ONE(sinh)
OF_ONE(sqrt)
OF_ONE(tan)
OF_ONE(tanh)
OF_TWO(atan2)
OF_TWO(fmod)
OF_TWO(pow)
#endif
