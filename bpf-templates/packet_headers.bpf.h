// SPDX-License-Identifier: GPL-2.0-only
// Headers, one after the other: Ethernet, VLAN tags, IP, TCP, UDP. Part of packet.bpf.h.
#ifndef EBSCRIPT_PACKET_HEADERS_BPF_H
#define EBSCRIPT_PACKET_HEADERS_BPF_H

#include "packet_types.bpf.h"
#include <bpf/bpf_core_read.h>

// What is rare: the compiler keeps the usual way free of it.
#define PACKET_RARE(condition) __builtin_expect(!!(condition), 0)

// Keeps the number out of the usual way, where the compiler would set it before each test.
static __always_inline int packet_found(enum packet_problem problem)
{
	barrier_var(problem);
	return problem;
}

// A place in the frame. Two ends are watched: the verifier wants to see the frame's, and IP says
// where its packet ends, which is earlier where Ethernet padded a short one.
struct packet_cursor {
	void *ctx;
	bool is_skb; // of TC, else of XDP
	void *data;
	void *data_end; // of the frame's first buffer: there may be more
	void *copy;     // room for the largest header, to read it out of any buffer; NULL: in place
	void *here;     // in place
	__u32 offset;   // with `copy`: from the frame's start
	__u32 left;     // of the IP packet
};

// From the frame's start.
static __always_inline __u32 packet_offset(const struct packet_cursor *cursor)
{
	long offset = cursor->here - cursor->data;

	asm("" : "+r"(offset)); // pointers are subtracted with all their bits
	return cursor->copy ? cursor->offset : (__u32)offset;
}

// Helpers that came with 5.18, as frames of several buffers did: types of older kernels lack their names.
enum bpf_func_id___packet {
	BPF_FUNC_xdp_get_buff_len___packet = 188,
	BPF_FUNC_xdp_load_bytes___packet = 189,
};

static __always_inline bool packet_load(const struct packet_cursor *cursor, __u32 size)
{
	__u32 offset = cursor->offset & PACKET_OFFSET_MASK;

	if (cursor->is_skb)
		return !bpf_skb_load_bytes(cursor->ctx, offset, cursor->copy, size);
	if (bpf_core_enum_value_exists(enum bpf_func_id___packet, BPF_FUNC_xdp_load_bytes___packet))
		return !bpf_xdp_load_bytes(cursor->ctx, offset, cursor->copy, size);
	return false;
}

// Finds the next `size` bytes, until the next peek, without moving on. False when the packet is
// shorter.
static __always_inline bool packet_peek(const struct packet_cursor *cursor, __u32 size,
					const void **found)
{
	*found = cursor->copy ? cursor->copy : cursor->here;
	if (size > cursor->left)
		return false;
	return cursor->copy ? packet_load(cursor, size) : cursor->here + size <= cursor->data_end;
}

// By less than 256 bytes: more than that the verifier can't add up.
static __always_inline void packet_skip(struct packet_cursor *cursor, __u32 size)
{
	cursor->left -= size;
	if (cursor->copy)
		cursor->offset += size;
	else
		cursor->here += size & 0xff;
}

// By any number. The mask keeps all offsets alike for the verifier: it walks each extension once,
// instead of once for each way that led there.
static __always_inline void packet_skip_far(struct packet_cursor *cursor, __u32 size)
{
	__u32 offset = packet_offset(cursor) + size;

	cursor->left -= size;
	if (cursor->copy)
		cursor->offset = offset;
	else
		cursor->here = cursor->data + (offset & PACKET_OFFSET_MASK);
}

// Bytes of the frame, in all of its buffers.
static __always_inline __u32 packet_frame_size(const struct packet_cursor *cursor)
{
	if (cursor->is_skb)
		return ((struct __sk_buff *)cursor->ctx)->len;
	if (bpf_core_enum_value_exists(enum bpf_func_id___packet,
				       BPF_FUNC_xdp_get_buff_len___packet))
		return bpf_xdp_get_buff_len(cursor->ctx);
	return cursor->data_end - cursor->data;
}

// Sets what is left to what IP says. False when there is less in the frame, or in the tunnel.
static __always_inline bool packet_limit(struct packet_cursor *cursor, __u32 left)
{
	struct __sk_buff *skb = cursor->ctx;

	// Segments that the kernel has merged can be more than 65535 bytes: then it is 0.
	if (cursor->is_skb && !left && skb->gso_segs)
		left = skb->len - packet_offset(cursor);
	if (left > cursor->left)
		return false;
	cursor->left = left;
	if (cursor->is_skb || cursor->copy)
		return packet_offset(cursor) + left <= packet_frame_size(cursor);
	// Linux 6.1 doesn't know that a swapped __u16 is below 65536; the compiler does, and would
	// leave the mask out.
	barrier_var(left);
	left &= 0xffff;
	return cursor->here + left <= cursor->data_end;
}

static __always_inline int packet_ports(const struct packet_cursor *cursor, struct packet *packet)
{
	const __be16 *ports;

	// A first fragment has at least 8 bytes of the transport header: all of UDP's, the start of
	// TCP's.
	if (!packet_peek(cursor, sizeof(struct udphdr), (const void **)&ports))
		return packet_found(PACKET_SHORT_TRANSPORT_HEADER);
	packet->source_port = bpf_ntohs(ports[0]);
	packet->destination_port = bpf_ntohs(ports[1]);
	packet->has_ports = true;
	return 0;
}

static __always_inline int packet_tcp(const struct packet_cursor *cursor, bool whole,
				      struct packet *packet)
{
	const __u8 *tcp;
	__u32 header;

	if (PACKET_RARE(!whole) && cursor->left < sizeof(struct tcphdr))
		return packet_ports(cursor, packet);
	if (!packet_peek(cursor, sizeof(struct tcphdr), (const void **)&tcp))
		return packet_found(PACKET_SHORT_TRANSPORT_HEADER);
	header = (tcp[12] >> 4) * 4;
	if (PACKET_RARE(header < sizeof(struct tcphdr)))
		return packet_found(PACKET_WRONG_TCP_HEADER_LENGTH);
	if (header <= cursor->left)
		packet->payload = packet_offset(cursor) + header;
	else if (whole)
		return packet_found(PACKET_WRONG_TCP_HEADER_LENGTH);
	packet->tcp_flags = tcp[13];
	packet->source_port = bpf_ntohs(((const __be16 *)tcp)[0]);
	packet->destination_port = bpf_ntohs(((const __be16 *)tcp)[1]);
	packet->has_ports = true;
	return 0;
}

// `whole`: no other packet carries a part of this one.
static __always_inline int packet_transport(const struct packet_cursor *cursor, bool whole,
					    struct packet *packet)
{
	packet->transport = packet_offset(cursor);
	packet->length = cursor->left;
	if (packet->protocol == IPPROTO_TCP)
		return packet_tcp(cursor, whole, packet);
	if (packet->protocol != IPPROTO_UDP)
		return 0;
	packet->payload = packet_offset(cursor) + sizeof(struct udphdr);
	return packet_ports(cursor, packet);
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

// Goes on behind one extension header. `fragment` gains the bits of a fragment header.
static __always_inline int packet_skip_extension(struct packet_cursor *cursor,
						 struct packet *packet, __u16 *fragment)
{
	const struct packet_extension *extension;
	__u32 size;

	if (!packet_peek(cursor, sizeof(*extension), (const void **)&extension))
		return packet_found(PACKET_WRONG_EXTENSION);
	if (packet->protocol == PACKET_FRAGMENT)
		*fragment |= bpf_ntohs(extension->fragment);
	size = packet_extension_size(packet->protocol, extension->length);
	packet->protocol = extension->next;
	if (size > cursor->left)
		return packet_found(PACKET_WRONG_EXTENSION);
	packet_skip_far(cursor, size);
	return 0;
}

// Most packets have no options and are no fragments: what they need not be asked comes after that.
static __always_inline int packet_ipv4(struct packet_cursor *cursor, struct packet *packet)
{
	const struct iphdr *ip;
	__u32 header = sizeof(*ip);
	__u16 fragment = 0;
	__u32 length;

	if (PACKET_RARE(!packet_peek(cursor, sizeof(*ip), (const void **)&ip)))
		return packet_found(PACKET_SHORT_IP_HEADER);
	if (PACKET_RARE(*(__u8 *)ip != 0x45)) {
		if (ip->version != 4)
			return packet_found(PACKET_WRONG_IP_VERSION);
		header = ip->ihl * 4;
		if (header < sizeof(*ip))
			return packet_found(PACKET_WRONG_IP_HEADER_LENGTH);
	}
	if (PACKET_RARE(ip->frag_off & bpf_htons(PACKET_IPV4_OFFSET | PACKET_IPV4_MORE)))
		fragment = bpf_ntohs(ip->frag_off);
	length = bpf_ntohs(ip->tot_len);
	packet->version = 4;
	packet->protocol = ip->protocol;
	packet->network = packet_offset(cursor);
	__builtin_memcpy(packet->source, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(packet->destination, &ip->daddr, sizeof(ip->daddr));
	if (PACKET_RARE(!packet_limit(cursor, length)))
		return packet_found(PACKET_CUT_SHORT);
	// Linux 6.1 doesn't see by itself that no header fits into 0 bytes, and goes on from there.
	if (PACKET_RARE(cursor->is_skb && cursor->left < sizeof(*ip)))
		return packet_found(PACKET_WRONG_IP_HEADER_LENGTH);
	if (PACKET_RARE(header > cursor->left))
		return packet_found(PACKET_WRONG_IP_HEADER_LENGTH);
	packet_skip(cursor, header);
	if (PACKET_RARE(fragment & PACKET_IPV4_OFFSET)) {
		packet->fragment = true;
		return 0;
	}
	if (PACKET_RARE(packet->protocol == PACKET_AUTHENTICATION)) {
		int problem = packet_skip_extension(cursor, packet, &fragment);

		if (problem)
			return problem;
	}
	return packet_transport(cursor, !(fragment & PACKET_IPV4_MORE), packet);
}

static __always_inline bool packet_is_extension(__u8 protocol)
{
	return protocol == PACKET_HOP_BY_HOP || protocol == PACKET_ROUTING ||
	       protocol == PACKET_FRAGMENT || protocol == PACKET_AUTHENTICATION ||
	       protocol == PACKET_DESTINATION;
}

static __always_inline int packet_ipv6(struct packet_cursor *cursor, struct packet *packet)
{
	const struct ipv6hdr *ip;
	__u16 fragment = 0;

	if (!packet_peek(cursor, sizeof(*ip), (const void **)&ip))
		return packet_found(PACKET_SHORT_IP_HEADER);
	if (PACKET_RARE(ip->version != 6))
		return packet_found(PACKET_WRONG_IP_VERSION);

	__u32 length = bpf_ntohs(ip->payload_len); // 0 in a jumbogram, which so is refused

	packet->version = 6;
	packet->protocol = ip->nexthdr;
	packet->network = packet_offset(cursor);
	__builtin_memcpy(packet->source, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(packet->destination, &ip->daddr, sizeof(ip->daddr));
	packet_skip(cursor, sizeof(*ip));
	if (PACKET_RARE(!packet_limit(cursor, length)))
		return packet_found(PACKET_CUT_SHORT);

#pragma clang loop unroll(disable)
	for (int i = 0; i < PACKET_EXTENSIONS && packet_is_extension(packet->protocol); i++) {
		int problem = packet_skip_extension(cursor, packet, &fragment);

		if (problem)
			return problem;
		packet->fragment = fragment & PACKET_IPV6_OFFSET;
		if (PACKET_RARE(packet->fragment))
			return 0;
	}
	if (PACKET_RARE(packet_is_extension(packet->protocol)))
		return packet_found(PACKET_TOO_MANY_EXTENSIONS);
	return packet_transport(cursor, !(fragment & PACKET_IPV6_MORE), packet);
}

static __always_inline int packet_ip(struct packet_cursor *cursor, __u16 type,
				     struct packet *packet)
{
	if (type == PACKET_ETH_IPV4)
		return packet_ipv4(cursor, packet);
	if (type == PACKET_ETH_IPV6)
		return packet_ipv6(cursor, packet);
	if (type == PACKET_ETH_VLAN || type == PACKET_ETH_QINQ)
		return packet_found(PACKET_TOO_MANY_TAGS);
	return packet_found(PACKET_NOT_IP);
}

// Goes on behind Ethernet's header. Returns 0 with what its type says.
static __always_inline int packet_ethernet(struct packet_cursor *cursor, __u16 *type)
{
	const struct ethhdr *ethernet;

	if (!packet_peek(cursor, sizeof(*ethernet), (const void **)&ethernet))
		return packet_found(PACKET_SHORT_ETHERNET);
	*type = bpf_ntohs(ethernet->h_proto);
	packet_skip(cursor, sizeof(*ethernet));
#pragma unroll
	for (int i = 0; i < PACKET_VLAN_TAGS; i++) {
		const struct vlan_hdr *tag;

		if (!PACKET_RARE(*type == PACKET_ETH_VLAN || *type == PACKET_ETH_QINQ))
			break;
		if (!packet_peek(cursor, sizeof(*tag), (const void **)&tag))
			return packet_found(PACKET_SHORT_ETHERNET);
		*type = bpf_ntohs(tag->h_vlan_encapsulated_proto);
		packet_skip(cursor, sizeof(*tag));
	}
	return 0;
}

// Without Ethernet IP's own version says which it is.
static __always_inline int packet_bare(const struct packet_cursor *cursor, __u16 *type)
{
	const __u8 *first;

	if (!packet_peek(cursor, sizeof(struct iphdr), (const void **)&first))
		return packet_found(PACKET_SHORT_IP_HEADER);
	*type = *first >> 4 == 4 ? PACKET_ETH_IPV4 : *first >> 4 == 6 ? PACKET_ETH_IPV6 : 0;
	return 0;
}

static __always_inline int packet_walk(struct packet_cursor *cursor, bool is_bare,
				       struct packet *packet)
{
	__u16 type;
	int problem = is_bare ? packet_bare(cursor, &type) : packet_ethernet(cursor, &type);

	return problem ? problem : packet_ip(cursor, type, packet);
}

#endif
