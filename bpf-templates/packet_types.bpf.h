// SPDX-License-Identifier: GPL-2.0-only
// What is known of a packet, and the numbers in headers. Part of packet.bpf.h.
#ifndef EBSCRIPT_PACKET_TYPES_BPF_H
#define EBSCRIPT_PACKET_TYPES_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// Who talks to whom: without holes, so that it can be the key of a map.
#define PACKET_FLOW                                                                                \
	__u8 source[16];      /* IPv4: the first 4 bytes, the others are 0 */                      \
	__u8 destination[16]; /* the same */                                                       \
	__u16 source_port;    /* in host byte order; 0 without `has_ports` */                      \
	__u16 destination_port;                                                                    \
	__u8 version;  /* 4 or 6 */                                                                \
	__u8 protocol; /* IPPROTO_*: what follows the IP header and its extensions. In a later */  \
		       /* fragment of IPv6 it can be an extension, whose successor isn't known. */ \
	bool fragment; /* a later fragment, without a transport header */                          \
	bool has_ports; /* TCP or UDP, and no later fragment */

struct packet_flow {
	PACKET_FLOW
} __attribute__((aligned(4)));

struct packet {
	union {
		struct packet_flow flow;
		struct {
			PACKET_FLOW
		} __attribute__((aligned(4)));
	};
	// In bytes from the frame's start.
	__u16 network;   // the IP header
	__u16 transport; // what follows it and its extensions; 0 in a later fragment
	__u16 payload;   // what follows TCP's or UDP's header; 0 where that is not here as a whole
	__u8 tcp_flags;  // as in the header: PACKET_TCP_SYN and so on; 0 of other protocols
	__u8 problem;    // enum packet_problem
	__u32 length;    // bytes from `transport` to the end of the packet, as IP says
};

enum packet_error {
	PACKET_OTHER = -1,     // neither IPv4 nor IPv6 behind at most two VLAN tags
	PACKET_MALFORMED = -2, // a header contradicts itself, or doesn't end before the packet
	PACKET_NO_TUNNEL = -3, // by packet_parse_inner() only
};

// Why there is nothing more to say about a packet.
enum packet_problem {
	PACKET_FINE,
	PACKET_NOT_IP, // ARP and all others
	PACKET_TOO_MANY_TAGS,
	PACKET_SHORT_ETHERNET, // from here on it is malformed: the frame ends in this header
	PACKET_SHORT_IP_HEADER,
	PACKET_WRONG_IP_VERSION, // Ethernet says another
	PACKET_WRONG_IP_HEADER_LENGTH,
	PACKET_CUT_SHORT, // IP says that there is more
	PACKET_WRONG_EXTENSION,
	PACKET_TOO_MANY_EXTENSIONS,
	PACKET_SHORT_TRANSPORT_HEADER,
	PACKET_WRONG_TCP_HEADER_LENGTH,
	PACKET_WRONG_TUNNEL_HEADER,
	PACKET_PROBLEMS,
};

// How many packets there were with each problem, in all programs of the object: in the order of
// enum packet_problem. To scripts it is object.globals.packet_problems.not_ip and so on.
struct packet_problems {
	__u64 fine; // stays 0
	__u64 not_ip;
	__u64 too_many_tags;
	__u64 short_ethernet;
	__u64 short_ip_header;
	__u64 wrong_ip_version;
	__u64 wrong_ip_header_length;
	__u64 cut_short;
	__u64 wrong_extension;
	__u64 too_many_extensions;
	__u64 short_transport_header;
	__u64 wrong_tcp_header_length;
	__u64 wrong_tunnel_header;
} packet_problems;

// The host writes here, when it attaches XDP or TC programs, the interfaces whose packets begin
// with IP and not with Ethernet; 0 ends them.
enum { PACKET_BARE_INTERFACES = 64 };
volatile __u32 packet_bare_interfaces[PACKET_BARE_INTERFACES];

enum packet_tcp_flag {
	PACKET_TCP_FIN = 0x01,
	PACKET_TCP_SYN = 0x02,
	PACKET_TCP_RST = 0x04,
	PACKET_TCP_PSH = 0x08,
	PACKET_TCP_ACK = 0x10,
	PACKET_TCP_URG = 0x20,
	PACKET_TCP_ECE = 0x40,
	PACKET_TCP_CWR = 0x80,
};

enum packet_limit {
	PACKET_VLAN_TAGS = 2,
	PACKET_EXTENSIONS = 8,       // RFC 8200 wants each at most once, one of them twice
	PACKET_OFFSET_MASK = 0x7fff, // more than those 8 can take, and what the verifier can follow
};

// What the kernel has as macros, so that its BTF doesn't know it.
enum packet_ethertype {
	PACKET_ETH_IPV4 = 0x0800,
	PACKET_ETH_ETHERNET = 0x6558, // in GRE and Geneve: a whole frame
	PACKET_ETH_VLAN = 0x8100,     // 802.1Q
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
	PACKET_AUTHENTICATION = 51, // of IPv4 too
	PACKET_DESTINATION = 60,
};

// The first 8 bytes of every extension header; none is shorter.
struct packet_extension {
	__u8 next;
	__u8 length;     // in units that differ
	__be16 fragment; // the rest is that of a fragment header
	__be32 identification;
};

#endif
