// SPDX-License-Identifier: GPL-2.0-only
// What a program on the way of packets asks of one first: Ethernet, VLAN tags, IPv4 or IPv6, and
// what TCP or UDP say. On request also of the packet inside a tunnel.
//
//	struct packet packet;
//
//	if (packet_parse(ctx, &packet))
//		return XDP_PASS; // or TC_ACT_OK: `ctx` is that of XDP (frags too) or TC
//	packet_parse_inner(ctx, &packet); // what is in a tunnel, where it is one
//
// Frames of several buffers (SEC("xdp.frags"), and all of TC) may have headers behind the first
// one: these are found, too. An XDP program that gets no such frames saves a nanosecond by a
//	#define PACKET_ONE_BUFFER
// before it includes this file.
#ifndef EBSCRIPT_PACKET_BPF_H
#define EBSCRIPT_PACKET_BPF_H

#include "packet_headers.bpf.h"

static __always_inline bool packet_is_bare_interface(__u32 ifindex)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < PACKET_BARE_INTERFACES && packet_bare_interfaces[i]; i++)
		if (packet_bare_interfaces[i] == ifindex)
			return true;
	return false;
}

_Static_assert(sizeof(packet_problems) == PACKET_PROBLEMS * sizeof(__u64), "each has a count");

static __always_inline int packet_result(struct packet *packet, int problem)
{
	if (!PACKET_RARE(problem))
		return 0;
	packet->problem = problem;
	if (problem < PACKET_PROBLEMS) // the verifier wants to see it
		__sync_fetch_and_add((__u64 *)&packet_problems + problem, 1);
	return problem < PACKET_SHORT_ETHERNET ? PACKET_OTHER : PACKET_MALFORMED;
}

// Whether all of the frame can be read in place.
static __always_inline bool packet_is_linear(const struct packet_cursor *cursor)
{
	return packet_frame_size(cursor) <= cursor->data_end - cursor->data;
}

// A cursor at the start of the frame. Works for both kinds of contexts, which have other offsets.
#define packet_cursor_of(context, skb)                                                    \
	{                                                                                 \
		.ctx = (context), .is_skb = (skb), .data = (void *)(long)(context)->data, \
		.data_end = (void *)(long)(context)->data_end,                            \
		.here = (void *)(long)(context)->data, .left = ~0U,                       \
	}

// Headers that lie in other buffers than the first are rare. They are read by a function of its
// own, so that the usual way has no calls.
static __noinline int packet_copy_xdp(struct xdp_md *ctx, bool is_bare, struct packet *packet)
{
	struct ipv6hdr copy;
	struct packet_cursor cursor = { ctx, false, .copy = &copy, .left = ~0U };

	__builtin_memset(packet, 0, sizeof(*packet));
	return packet_walk(&cursor, is_bare, packet);
}

static __noinline int packet_copy_skb(struct __sk_buff *ctx, bool is_bare, struct packet *packet)
{
	struct ipv6hdr copy;
	struct packet_cursor cursor = { ctx, true, .copy = &copy, .left = ~0U };

	__builtin_memset(packet, 0, sizeof(*packet));
	return packet_walk(&cursor, is_bare, packet);
}

static __always_inline int packet_parse_xdp(struct xdp_md *ctx, struct packet *packet)
{
	struct packet_cursor cursor = packet_cursor_of(ctx, false);
	bool is_bare = PACKET_RARE(packet_bare_interfaces[0]) &&
		       packet_is_bare_interface(ctx->ingress_ifindex);
	int problem;

	__builtin_memset(packet, 0, sizeof(*packet));
	problem = packet_walk(&cursor, is_bare, packet);
#ifndef PACKET_ONE_BUFFER
	if (PACKET_RARE(problem >= PACKET_SHORT_ETHERNET) && !packet_is_linear(&cursor)) {
		struct packet copy; // or the compiler would keep `packet` in memory

		problem = packet_copy_xdp(ctx, is_bare, &copy);
		*packet = copy;
	}
#endif
	return packet_result(packet, problem);
}

static __always_inline int packet_parse_skb_at(struct __sk_buff *ctx, bool is_bare,
					       struct packet *packet)
{
	struct packet_cursor cursor = packet_cursor_of(ctx, true);
	int problem;

	__builtin_memset(packet, 0, sizeof(*packet));
	problem = packet_walk(&cursor, is_bare, packet);
	if (PACKET_RARE(problem >= PACKET_SHORT_ETHERNET) && !packet_is_linear(&cursor)) {
		struct packet copy;

		problem = packet_copy_skb(ctx, is_bare, &copy);
		*packet = copy;
	}
	return packet_result(packet, problem);
}

static __always_inline int packet_parse_skb(struct __sk_buff *ctx, struct packet *packet)
{
	bool is_bare =
		PACKET_RARE(packet_bare_interfaces[0]) && packet_is_bare_interface(ctx->ifindex);

	return packet_parse_skb_at(ctx, is_bare, packet);
}

// Where packets begin with IP whatever the interface: in cgroup_skb and lwt programs.
static __always_inline int packet_parse_ip(struct __sk_buff *ctx, struct packet *packet)
{
	return packet_parse_skb_at(ctx, true, packet);
}

// int packet_parse(struct xdp_md *ctx, struct packet *packet)
// int packet_parse(struct __sk_buff *ctx, struct packet *packet)
// Fills `packet` and returns 0, or returns a packet_error: then `problem` says which. Every path
// that returns 0 has compared what it read with the end of the packet as well as that of the frame.
#define packet_parse(ctx, packet) \
	_Generic((ctx), struct xdp_md *                                    \
		 : packet_parse_xdp, const struct xdp_md *                 \
		 : packet_parse_xdp, struct __sk_buff *                    \
		 : packet_parse_skb, const struct __sk_buff *              \
		 : packet_parse_skb)((void *)(ctx), (packet))

#include "packet_tunnel.bpf.h"

#endif
