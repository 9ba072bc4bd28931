// SPDX-License-Identifier: GPL-2.0-only
// Five thousand functions, f0000 to f4999, each called once a run: what long lists of probes are
// tried on.

#define FUNCTION(name)                                   \
	__attribute__((noinline)) static void name(void) \
	{                                                \
		__asm__ volatile("nop # " #name);                 \
	}
#define CALL(name) name();
#define TEN(each, name)                                                                     \
	each(name##0) each(name##1) each(name##2) each(name##3) each(name##4) each(name##5) \
		each(name##6) each(name##7) each(name##8) each(name##9)
#define HUNDRED(each, name)                                                         \
	TEN(each, name##0)                                                          \
	TEN(each, name##1)                                                          \
	TEN(each, name##2) TEN(each, name##3) TEN(each, name##4) TEN(each, name##5) \
		TEN(each, name##6) TEN(each, name##7) TEN(each, name##8) TEN(each, name##9)
#define THOUSAND(each, name)                                                         \
	HUNDRED(each, name##0)                                                       \
	HUNDRED(each, name##1)                                                       \
	HUNDRED(each, name##2) HUNDRED(each, name##3) HUNDRED(each, name##4)         \
		HUNDRED(each, name##5) HUNDRED(each, name##6) HUNDRED(each, name##7) \
			HUNDRED(each, name##8) HUNDRED(each, name##9)
#define ALL(each)          \
	THOUSAND(each, f0) \
	THOUSAND(each, f1) THOUSAND(each, f2) THOUSAND(each, f3) THOUSAND(each, f4)

ALL(FUNCTION)

int main(void)
{
	ALL(CALL)
	return 0;
}
