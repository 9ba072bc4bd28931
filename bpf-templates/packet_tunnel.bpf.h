// SPDX-License-Identifier: GPL-2.0-only
// The packet inside a tunnel: IP in IP, GRE, VXLAN, Geneve. Part of packet.bpf.h.
#ifndef EBSCRIPT_PACKET_TUNNEL_BPF_H
#define EBSCRIPT_PACKET_TUNNEL_BPF_H

// UDP's destination port; a #define before the #include chooses another. Linux's own VXLAN has 8472
// where nobody asks for 4789.
#ifndef PACKET_VXLAN_PORT
#define PACKET_VXLAN_PORT 4789
#endif
#ifndef PACKET_GENEVE_PORT
#define PACKET_GENEVE_PORT 6081
#endif

enum packet_tunnel_protocol {
	PACKET_IP_IN_IP = 4,
	PACKET_IPV6_IN_IP = 41,
	PACKET_GRE = 47,
};

enum packet_gre_bits {
	PACKET_GRE_CHECKSUM = 0x8000, // each of these three adds 4 bytes
	PACKET_GRE_KEY = 0x2000,
	PACKET_GRE_SEQUENCE = 0x1000,
	PACKET_GRE_OTHER = 0x4fff, // source routes, versions but 0, bits that must be 0
};

// RFC 2784 and 2890.
struct packet_gre {
	__be16 bits;
	__be16 type; // an Ethernet type
};

// Behind UDP's header; RFC 7348 and 8926.
struct packet_udp_tunnel {
	struct udphdr udp;
	__u8 first; // VXLAN: flags. Geneve: version and length of the options
	__u8 second;
	__be16 type; // Geneve: an Ethernet type
	__be32 network;
};

// Moves on to what the GRE header is followed by. Returns its Ethernet type, 0 for what is no
// tunnel that is known here, or -1 for a header that is wrong.
static __always_inline int packet_enter_gre(struct packet_cursor *cursor)
{
	const struct packet_gre *gre;
	__u32 size = sizeof(*gre);
	__u16 bits;
	__u16 type;

	if (!packet_peek(cursor, sizeof(*gre), (const void **)&gre))
		return -1;
	bits = bpf_ntohs(gre->bits);
	type = bpf_ntohs(gre->type);
	if (bits & PACKET_GRE_OTHER)
		return 0;
	size += bits & PACKET_GRE_CHECKSUM ? 4 : 0;
	size += bits & PACKET_GRE_KEY ? 4 : 0;
	size += bits & PACKET_GRE_SEQUENCE ? 4 : 0;
	if (size > cursor->left)
		return -1;
	packet_skip_far(cursor, size);
	return type;
}

static __always_inline int packet_enter_udp(struct packet_cursor *cursor, __u16 port)
{
	const struct packet_udp_tunnel *tunnel;
	__u32 size = sizeof(*tunnel);
	__u16 type = PACKET_ETH_ETHERNET;

	if (port != PACKET_VXLAN_PORT && port != PACKET_GENEVE_PORT)
		return 0;
	if (!packet_peek(cursor, sizeof(*tunnel), (const void **)&tunnel))
		return -1;
	if (port == PACKET_VXLAN_PORT) {
		if (!(tunnel->first & 0x08)) // without a network number it isn't VXLAN
			return 0;
	} else {
		if (tunnel->first & 0xc0) // another version
			return 0;
		size += (tunnel->first & 0x3f) * 4;
		type = bpf_ntohs(tunnel->type);
	}
	if (size > cursor->left)
		return -1;
	packet_skip_far(cursor, size);
	return type;
}

// Moves on to the packet inside. Returns its Ethernet type, or 0 or -1 as above.
static __always_inline int packet_enter(struct packet_cursor *cursor, const struct packet *packet)
{
	packet_skip_far(cursor, packet->transport);
	cursor->left = packet->length;
	if (packet->protocol == PACKET_IP_IN_IP)
		return PACKET_ETH_IPV4;
	if (packet->protocol == PACKET_IPV6_IN_IP)
		return PACKET_ETH_IPV6;
	if (packet->protocol == PACKET_GRE)
		return packet_enter_gre(cursor);
	if (packet->protocol == IPPROTO_UDP)
		return packet_enter_udp(cursor, packet->destination_port);
	return 0;
}

// As packet_walk() does. `outer` and `packet` may be the same.
static __always_inline int packet_walk_inner(struct packet_cursor *cursor,
					     const struct packet *outer, struct packet *packet)
{
	int entered = packet_enter(cursor, outer);
	__u16 type = entered;
	int problem;

	if (entered == 0)
		return PACKET_NO_TUNNEL;
	__builtin_memset(packet, 0, sizeof(*packet));
	if (entered < 0)
		return PACKET_WRONG_TUNNEL_HEADER;
	problem = entered == PACKET_ETH_ETHERNET ? packet_ethernet(cursor, &type) : 0;
	return problem ? problem : packet_ip(cursor, type, packet);
}

static __noinline int packet_copy_inner_xdp(struct xdp_md *ctx, const struct packet *outer,
					    struct packet *packet)
{
	struct ipv6hdr copy;
	struct packet_cursor cursor = { ctx, false, .copy = &copy };

	return packet_walk_inner(&cursor, outer, packet);
}

static __noinline int packet_copy_inner_skb(struct __sk_buff *ctx, const struct packet *outer,
					    struct packet *packet)
{
	struct ipv6hdr copy;
	struct packet_cursor cursor = { ctx, true, .copy = &copy };

	return packet_walk_inner(&cursor, outer, packet);
}

static __always_inline int packet_parse_inner_at(struct packet_cursor *cursor,
						 struct packet *packet)
{
	struct packet outer;
	int problem;

	if (packet->problem || packet->fragment || !packet->transport)
		return PACKET_NO_TUNNEL;
	outer = *packet;
	problem = packet_walk_inner(cursor, &outer, packet);
	if (problem >= PACKET_SHORT_ETHERNET && !packet_is_linear(cursor)) {
		struct packet copy;

		problem = cursor->is_skb ? packet_copy_inner_skb(cursor->ctx, &outer, &copy)
					 : packet_copy_inner_xdp(cursor->ctx, &outer, &copy);
		*packet = copy;
	}
	return problem == PACKET_NO_TUNNEL ? problem : packet_result(packet, problem);
}

static __always_inline int packet_parse_inner_xdp(struct xdp_md *ctx, struct packet *packet)
{
	struct packet_cursor cursor = packet_cursor_of(ctx, false);

	return packet_parse_inner_at(&cursor, packet);
}

static __always_inline int packet_parse_inner_skb(struct __sk_buff *ctx, struct packet *packet)
{
	struct packet_cursor cursor = packet_cursor_of(ctx, true);

	return packet_parse_inner_at(&cursor, packet);
}

// int packet_parse_inner(struct xdp_md *ctx, struct packet *packet)
// int packet_parse_inner(struct __sk_buff *ctx, struct packet *packet)
// Where `packet`, as packet_parse() or this function has filled it, is that of a tunnel, fills it
// with the one inside and returns 0, PACKET_OTHER or PACKET_MALFORMED. Else it stays as it is, and
// PACKET_NO_TUNNEL is returned. Offsets still count from the frame's start.
#define packet_parse_inner(ctx, packet) \
	_Generic((ctx), struct xdp_md *                                                  \
		 : packet_parse_inner_xdp, const struct xdp_md *                         \
		 : packet_parse_inner_xdp, struct __sk_buff *                            \
		 : packet_parse_inner_skb, const struct __sk_buff *                      \
		 : packet_parse_inner_skb)((void *)(ctx), (packet))

#endif
