// SPDX-License-Identifier: GPL-2.0-only
// A library with all that look-ups of functions read: versions, an IFUNC, names of C++, a USDT
// probe, a note of Go's.

int moved_old(void);
int moved_now(void);
int chosen(void);
int _ZN3geo3addEii(int a, int b);
void probe(void);

int moved_old(void)
{
	return 2;
}

int moved_now(void)
{
	return 3;
}
__asm__(".symver moved_old, moved@V1");
__asm__(".symver moved_now, moved@@V2");

static int (*choose(void))(void)
{
	return moved_now;
}

int chosen(void) __attribute__((ifunc("choose")));

static int twice(int a)
{
	return 2 * a;
}

int _ZN3geo3addEii(int a, int b)
{
	return twice(a) + b;
}

void probe(void)
{
	__asm__ volatile("990: nop\n.pushsection .note.stapsdt,\"\",@note\n.balign 4\n"
			 ".4byte 992f-991f,994f-993f,3\n991: .asciz \"stapsdt\"\n992: .balign 4\n"
			 "993: .8byte 990b\n.8byte 0\n.8byte 0\n.asciz \"shop\"\n.asciz \"sold\"\n"
			 ".asciz \"-4@$7 8@8(%rsp) 8f@%xmm0\"\n994: .balign 4\n.popsection");
}

__asm__(".section .note.go.buildid,\"a\",@note\n.balign 4\n.long 4,8,4\n.asciz \"Go\\0\"\n"
	".ascii \"buildid!\"\n.text\n");
