// SPDX-License-Identifier: GPL-2.0-only
// What later bpf_core_read.h of libbpf have. The build appends it to the one that is installed.
#ifndef EBS_BPF_CORE_READ_ADDITIONS
#define EBS_BPF_CORE_READ_ADDITIONS

// Any address as a pointer to a type of the kernel's: reading by it is checked when it happens.
// bpf_rdonly_cast() is a kfunc of Linux 6.2.
#ifndef bpf_core_cast
extern void *bpf_rdonly_cast(const void *address, __u32 btf_id) __weak __ksym;
#define bpf_core_cast(address, type) \
	((typeof(type) *)bpf_rdonly_cast((address), bpf_core_type_id_kernel(type)))
#endif

// Writes a bitfield of memory that the program may write, wherever this kernel has it: the bits of
// the integer around it are taken, and those of the field replaced.
#ifndef BPF_CORE_WRITE_BITFIELD
#define EBS_BITFIELD_CASE(size, type)                                           \
	case size:                                                              \
		*(type *)ebs_place = (*(type *)ebs_place & ~ebs_mask) |         \
				     (((type)ebs_new << ebs_shift) & ebs_mask); \
		break;
#define BPF_CORE_WRITE_BITFIELD(object, field, new_value)                                       \
	({                                                                                      \
		void *ebs_place = (void *)(object) + __CORE_RELO(object, field, BYTE_OFFSET);   \
		unsigned long long ebs_new = (new_value);                                       \
		unsigned int ebs_size = __CORE_RELO(object, field, BYTE_SIZE);                  \
		unsigned int ebs_left = __CORE_RELO(object, field, LSHIFT_U64);                 \
		unsigned int ebs_right = __CORE_RELO(object, field, RSHIFT_U64);                \
		unsigned int ebs_shift = ebs_right - ebs_left;                                  \
		unsigned long long ebs_mask = ~0ULL >> ebs_right << ebs_shift;                  \
                                                                                                \
		asm volatile("" : "+r"(ebs_place)); /* one relocation, not one for each case */ \
		switch (ebs_size) {                                                             \
			EBS_BITFIELD_CASE(1, unsigned char)                                     \
			EBS_BITFIELD_CASE(2, unsigned short)                                    \
			EBS_BITFIELD_CASE(4, unsigned int)                                      \
			EBS_BITFIELD_CASE(8, unsigned long long)                                \
		}                                                                               \
	})
#endif

#endif
