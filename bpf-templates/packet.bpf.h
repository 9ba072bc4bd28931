// SPDX-License-Identifier: GPL-2.0-only
// What an XDP program asks of a packet first: Ethernet, VLAN tags, IPv4 or IPv6, and the ports of
// TCP or UDP.
#ifndef EBSCRIPT_PACKET_BPF_H
#define EBSCRIPT_PACKET_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

// Without holes, so that it can be the key of a map.
struct packet {
	__u8 source[16];      // IPv4: the first 4 bytes, the others are 0
	__u8 destination[16]; // likewise
	__u16 source_port;    // in host byte order; 0 without `has_ports`
	__u16 destination_port;
	__u8 version;  // 4 or 6
	__u8 protocol; // IPPROTO_*: what follows the IP header and its extensions. In a later
		       // fragment of IPv6 it can be an extension, whose successor isn't known.
	bool fragment;  // a later fragment, without a transport header
	bool has_ports; // TCP or UDP, and no later fragment
} __attribute__((aligned(4)));

enum packet_error {
	PACKET_OTHER = -1,     // neither IPv4 nor IPv6 behind at most two VLAN tags
	PACKET_MALFORMED = -2, // a header contradicts itself, or doesn't end before the packet
};

enum packet_limit {
	PACKET_VLAN_TAGS = 2,
	PACKET_EXTENSIONS = 8,       // of IPv6; RFC 8200 wants each at most once, one of them twice
	PACKET_OFFSET_MASK = 0x7fff, // more than those 8 can take, and what the verifier can follow
};

// What the kernel has as macros, so that its BTF doesn't know it.
enum packet_ethertype {
	PACKET_ETH_IPV4 = 0x0800,
	PACKET_ETH_VLAN = 0x8100, // 802.1Q
	PACKET_ETH_IPV6 = 0x86dd,
	PACKET_ETH_QINQ = 0x88a8, // 802.1ad
};

enum packet_fragment_bits {
	PACKET_IPV4_OFFSET = 0x1fff,
	PACKET_IPV4_MORE = 0x2000,
	PACKET_IPV6_OFFSET = 0xfff8,
	PACKET_IPV6_MORE = 0x0001,
};

enum packet_extension_kind {
	PACKET_HOP_BY_HOP = 0,
	PACKET_ROUTING = 43,
	PACKET_FRAGMENT = 44,
	PACKET_AUTHENTICATION = 51,
	PACKET_DESTINATION = 60,
};

// The first 8 bytes of every IPv6 extension header; none is shorter.
struct packet_extension {
	__u8 next;
	__u8 length;     // in units that differ
	__be16 fragment; // the rest is that of a fragment header
	__be32 identification;
};

// A place in the frame. Two ends are watched: the verifier wants to see the frame's, and IP says
// where its packet ends, which is earlier where Ethernet padded a short one.
struct packet_cursor {
	void *data;
	void *data_end;
	__u32 offset;
	__u32 left; // of the IP packet
};

// The next `size` bytes, without moving on; NULL when the packet is shorter. The mask keeps all
// offsets alike for the verifier: it walks each IPv6 extension once, instead of once for each way
// that led there.
static __always_inline void *packet_peek(const struct packet_cursor *cursor, __u32 size)
{
	void *here = cursor->data + (cursor->offset & PACKET_OFFSET_MASK);

	if (size > cursor->left || here + size > cursor->data_end)
		return NULL;
	return here;
}

static __always_inline void packet_skip(struct packet_cursor *cursor, __u32 size)
{
	cursor->offset += size;
	cursor->left -= size;
}

// Whether the frame holds all that IP says is left.
static __always_inline bool packet_is_complete(const struct packet_cursor *cursor)
{
	__u32 left = cursor->left;

	// Linux 6.1 doesn't know that a swapped __u16 is below 65536; the compiler does, and would
	// leave the mask out.
	barrier_var(left);
	left &= 0xffff;
	return cursor->data + (cursor->offset & PACKET_OFFSET_MASK) + left <= cursor->data_end;
}

// `whole`: no other packet carries a part of this one.
static __always_inline int packet_ports(const struct packet_cursor *cursor, bool whole,
					struct packet *packet)
{
	const __be16 *ports;

	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return 0;
	// A first fragment has at least 8 bytes of the transport header: all of UDP's, the start of
	// TCP's.
	ports = packet_peek(cursor, sizeof(struct udphdr));
	if (!ports)
		return PACKET_MALFORMED;
	if (packet->protocol == IPPROTO_TCP && whole && !packet_peek(cursor, sizeof(struct tcphdr)))
		return PACKET_MALFORMED;
	packet->source_port = bpf_ntohs(ports[0]);
	packet->destination_port = bpf_ntohs(ports[1]);
	packet->has_ports = true;
	return 0;
}

static __always_inline int packet_ipv4(struct packet_cursor *cursor, struct packet *packet)
{
	const struct iphdr *ip = packet_peek(cursor, sizeof(*ip));

	if (!ip || ip->version != 4)
		return PACKET_MALFORMED;

	__u32 header = ip->ihl * 4;
	__u16 fragment = bpf_ntohs(ip->frag_off);

	packet->version = 4;
	packet->protocol = ip->protocol;
	packet->fragment = fragment & PACKET_IPV4_OFFSET;
	__builtin_memcpy(packet->source, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(packet->destination, &ip->daddr, sizeof(ip->daddr));

	cursor->left = bpf_ntohs(ip->tot_len);
	if (header < sizeof(*ip) || header > cursor->left || !packet_is_complete(cursor))
		return PACKET_MALFORMED;
	if (packet->fragment)
		return 0;
	packet_skip(cursor, header);
	return packet_ports(cursor, !(fragment & PACKET_IPV4_MORE), packet);
}

static __always_inline bool packet_is_extension(__u8 protocol)
{
	return protocol == PACKET_HOP_BY_HOP || protocol == PACKET_ROUTING ||
	       protocol == PACKET_FRAGMENT || protocol == PACKET_AUTHENTICATION ||
	       protocol == PACKET_DESTINATION;
}

// In bytes. Not static, so that the verifier looks at it by itself and takes its answer for any
// number: otherwise it would follow every combination of extensions and lengths, and give up.
__weak __noinline __u32 packet_extension_size(__u32 protocol, __u32 length)
{
	if (protocol == PACKET_FRAGMENT)
		return sizeof(struct packet_extension);
	if (protocol == PACKET_AUTHENTICATION)
		return (length + 2) * 4;
	return (length + 1) * 8;
}

static __always_inline int packet_ipv6(struct packet_cursor *cursor, struct packet *packet)
{
	const struct ipv6hdr *ip = packet_peek(cursor, sizeof(*ip));
	__u16 fragment = 0;

	if (!ip || ip->version != 6)
		return PACKET_MALFORMED;
	packet->version = 6;
	packet->protocol = ip->nexthdr;
	__builtin_memcpy(packet->source, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(packet->destination, &ip->daddr, sizeof(ip->daddr));
	packet_skip(cursor, sizeof(*ip));
	cursor->left = bpf_ntohs(ip->payload_len); // 0 in a jumbogram, which so is refused
	if (!packet_is_complete(cursor))
		return PACKET_MALFORMED;

#pragma clang loop unroll(disable)
	for (int i = 0; i < PACKET_EXTENSIONS && packet_is_extension(packet->protocol); i++) {
		const struct packet_extension *extension = packet_peek(cursor, sizeof(*extension));
		__u32 size;

		if (!extension)
			return PACKET_MALFORMED;
		size = packet_extension_size(packet->protocol, extension->length);
		if (size > cursor->left)
			return PACKET_MALFORMED;
		if (packet->protocol == PACKET_FRAGMENT)
			fragment |= bpf_ntohs(extension->fragment);
		packet->protocol = extension->next;
		packet->fragment = fragment & PACKET_IPV6_OFFSET;
		if (packet->fragment)
			return 0;
		packet_skip(cursor, size);
	}
	if (packet_is_extension(packet->protocol))
		return PACKET_MALFORMED;
	return packet_ports(cursor, !(fragment & PACKET_IPV6_MORE), packet);
}

// Fills `packet` and returns 0, or returns a packet_error. Every path that returns 0 has compared
// what it read with the end of the packet as well as that of the frame.
static __always_inline int packet_parse(const struct xdp_md *ctx, struct packet *packet)
{
	struct packet_cursor cursor = {
		.data = (void *)(long)ctx->data,
		.data_end = (void *)(long)ctx->data_end,
		.left = ~0U,
	};
	const struct ethhdr *ethernet = packet_peek(&cursor, sizeof(*ethernet));
	__u16 type;

	__builtin_memset(packet, 0, sizeof(*packet));
	if (!ethernet)
		return PACKET_MALFORMED;
	type = bpf_ntohs(ethernet->h_proto);
	packet_skip(&cursor, sizeof(*ethernet));
#pragma unroll
	for (int i = 0; i < PACKET_VLAN_TAGS; i++) {
		const struct vlan_hdr *tag = packet_peek(&cursor, sizeof(*tag));

		if (type != PACKET_ETH_VLAN && type != PACKET_ETH_QINQ)
			break;
		if (!tag)
			return PACKET_MALFORMED;
		type = bpf_ntohs(tag->h_vlan_encapsulated_proto);
		packet_skip(&cursor, sizeof(*tag));
	}
	if (type == PACKET_ETH_IPV4)
		return packet_ipv4(&cursor, packet);
	if (type == PACKET_ETH_IPV6)
		return packet_ipv6(&cursor, packet);
	return PACKET_OTHER;
}

#endif
