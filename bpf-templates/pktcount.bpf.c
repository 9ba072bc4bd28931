// SPDX-License-Identifier: GPL-2.0-only
// Counts TCP and UDP packets by their source address and both ports; see scripts/pktcount.lua.
#define PACKET_ONE_BUFFER // SEC("xdp") gets no others
#include "ebscript.bpf.h"
#include "packet.bpf.h"

const volatile bool tcp, udp;
const volatile bool excluding; // `excluded` has entries

// Nearly all packets are such: IPv4 with ports. A short key takes half the time of a long one. The
// ports are one word, as words are what the kernel's hash reads.
struct flow4 {
	__u8 source[4];
	__u32 source_port : 16, destination_port : 16;
};

struct address {
	__u8 bytes[16]; // as in struct packet
	__u32 version;
};

#define MAP(name, entries, key_type, value_type) \
	struct {                                 \
		__uint(type, BPF_MAP_TYPE_HASH); \
		__uint(max_entries, entries);    \
		__type(key, key_type);           \
		__type(value, value_type);       \
	} name SEC(".maps")

MAP(flows4, 65536, struct flow4, __u64);
MAP(flows, 65536, struct packet_flow, __u64); // all others
MAP(excluded, 1, struct address, __u8);

static __always_inline bool is_wanted(const struct packet *packet)
{
	struct address source = { .version = packet->version };

	if (!(packet->protocol == IPPROTO_TCP ? tcp : packet->protocol == IPPROTO_UDP && udp))
		return false;
	if (!PACKET_RARE(excluding))
		return true;
	__builtin_memcpy(source.bytes, packet->source, sizeof(source.bytes));
	return !bpf_map_lookup_elem(&excluded, &source);
}

SEC("xdp")
int count_packets(struct xdp_md *ctx)
{
	struct packet packet;

	if (packet_parse(ctx, &packet) || !is_wanted(&packet))
		return XDP_PASS;
	if (packet.version == 4 && packet.has_ports) {
		struct flow4 flow = {
			.source_port = packet.source_port,
			.destination_port = packet.destination_port,
		};

		__builtin_memcpy(flow.source, packet.source, sizeof(flow.source));
		ebs_map_add(&flows4, &flow, 1);
	} else {
		struct packet_flow flow = packet.flow;

		flow.protocol = 0; // what isn't asked for must not tell flows apart
		__builtin_memset(flow.destination, 0, sizeof(flow.destination));
		ebs_map_add(&flows, &flow, 1);
	}
	return XDP_PASS;
}
