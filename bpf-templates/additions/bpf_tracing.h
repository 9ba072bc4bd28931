// SPDX-License-Identifier: GPL-2.0-only
// What later bpf_tracing.h of libbpf have. The build appends it to the one that is installed.
#ifndef EBS_BPF_TRACING_ADDITIONS
#define EBS_BPF_TRACING_ADDITIONS

#ifndef BPF_UPROBE
#define BPF_UPROBE(name, args...)    BPF_KPROBE(name, ##args)
#define BPF_URETPROBE(name, args...) BPF_KRETPROBE(name, ##args)
#endif

// Arguments from the sixth on, where they are passed in registers.
#ifndef PT_REGS_PARM6
#if defined(bpf_target_x86)
#define EBS_PARM6_REG r9
#elif defined(bpf_target_arm64)
#define EBS_PARM6_REG regs[5]
#define EBS_PARM7_REG regs[6]
#define EBS_PARM8_REG regs[7]
#elif defined(bpf_target_riscv)
#define EBS_PARM6_REG a5
#define EBS_PARM7_REG a6
#define EBS_PARM8_REG a7
#elif defined(bpf_target_powerpc)
#define EBS_PARM6_REG gpr[8]
#define EBS_PARM7_REG gpr[9]
#define EBS_PARM8_REG gpr[10]
#elif defined(bpf_target_loongarch) || defined(bpf_target_mips)
#define EBS_PARM6_REG regs[9]
#define EBS_PARM7_REG regs[10]
#define EBS_PARM8_REG regs[11]
#endif

#ifdef EBS_PARM6_REG
#define PT_REGS_PARM6(x)                (__PT_REGS_CAST(x)->EBS_PARM6_REG)
#define PT_REGS_PARM6_CORE(x)           BPF_CORE_READ(__PT_REGS_CAST(x), EBS_PARM6_REG)
#define PT_REGS_PARM6_SYSCALL(x)        PT_REGS_PARM6(x)
#define PT_REGS_PARM6_CORE_SYSCALL(x)   PT_REGS_PARM6_CORE(x)
#define ___bpf_kprobe_args6(x, args...) ___bpf_kprobe_args5(args), (void *)PT_REGS_PARM6(ctx)
#define ___bpf_syscall_args6(x, args...) \
	___bpf_syscall_args5(args), (void *)PT_REGS_PARM6_SYSCALL(regs)
#define ___bpf_syswrap_args6(x, args...) \
	___bpf_syswrap_args5(args), (void *)PT_REGS_PARM6_CORE_SYSCALL(regs)
#endif

#ifdef EBS_PARM7_REG
#define PT_REGS_PARM7(x)                (__PT_REGS_CAST(x)->EBS_PARM7_REG)
#define PT_REGS_PARM8(x)                (__PT_REGS_CAST(x)->EBS_PARM8_REG)
#define PT_REGS_PARM7_CORE(x)           BPF_CORE_READ(__PT_REGS_CAST(x), EBS_PARM7_REG)
#define PT_REGS_PARM8_CORE(x)           BPF_CORE_READ(__PT_REGS_CAST(x), EBS_PARM8_REG)
#define ___bpf_kprobe_args7(x, args...) ___bpf_kprobe_args6(args), (void *)PT_REGS_PARM7(ctx)
#define ___bpf_kprobe_args8(x, args...) ___bpf_kprobe_args7(args), (void *)PT_REGS_PARM8(ctx)
#endif
#endif

#endif
