// SPDX-License-Identifier: GPL-2.0-only
// The functions of the module bpf that live in files of their own.
#ifndef EBS_SCRIPT_BPF_H
#define EBS_SCRIPT_BPF_H

#include "script/state.h"

int ebs_bpf_columns(lua_State *L);   // lua_columns.c
int ebs_bpf_every(lua_State *L);     // lua_timer.c
int ebs_bpf_histogram(lua_State *L); // lua_histogram.c; upvalue 1 is its own
int ebs_bpf_has(lua_State *L);       // lua_has.c
int ebs_bpf_load(lua_State *L);      // load.c
int ebs_bpf_load_all(lua_State *L);
int ebs_bpf_on_gone(lua_State *L); // gone.c
int ebs_bpf_on_line(lua_State *L); // lua_watch.c
int ebs_bpf_on_readable(lua_State *L);
int ebs_bpf_on_signal(lua_State *L);
int ebs_bpf_cgroup_path(lua_State *L); // lua_names.c
int ebs_bpf_if_index(lua_State *L);
int ebs_bpf_if_name(lua_State *L);
int ebs_bpf_inet_ntop(lua_State *L);
int ebs_bpf_inet_pton(lua_State *L);
int ebs_bpf_ktime_get_ns(lua_State *L);
int ebs_bpf_network(lua_State *L);
int ebs_bpf_realtime_ns(lua_State *L);
int ebs_bpf_pinned(lua_State *L); // map_open.c
int ebs_bpf_run(lua_State *L);    // lua_bpf.c

void ebs_register_load(lua_State *L);

#endif
