// SPDX-License-Identifier: GPL-2.0-only
// Sends counted frames of named shapes on an interface: what pktcount is tested with.
//
// USAGE: send_packets [-c CPU] [-f FLOWS] IFACE SHAPE=COUNT...
//
// Each shape has ports of its own, which the test knows too. With -f each packet is sent once from
// each of FLOWS source ports, from the shape's upward, COUNT times over. Sending begins when
// standard input ends, so that several senders can begin at once; -c keeps one on its CPU, and so
// on the interface's queue of that number.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TCP = 6, UDP = 17, ICMP = 1 };
enum {
	HOP_BY_HOP = 0,
	ROUTING = 43,
	FRAGMENT = 44,
	AUTHENTICATION = 51,
	DESTINATION = 60,
	END = 255
};

struct shape {
	const char *name;
	uint16_t source_port;
	uint8_t version; // of IP
	uint8_t protocol;
	uint16_t tags[3];      // VLAN tags, the outer one first
	uint16_t fragment;     // the fragment header's field of offset and flags
	uint8_t options;       // bytes of IPv4 options
	uint8_t extensions[8]; // of IPv6, up to END; none without END
	uint8_t ihl;           // what the IPv4 header claims in place of the truth
	uint8_t cut;           // bytes missing at the frame's end, though the IP header counts them
	uint8_t padding;       // bytes at the frame's end that the IP header doesn't count
};

// Source ports begin at the shape's own; the destination port is the shape's plus 1.
static const struct shape shapes[] = {
	{ "tcp", 10000, 4, TCP },
	{ "udp", 11000, 4, UDP },
	{ "options", 12000, 4, TCP, .options = 40 },
	{ "first-fragment", 13000, 4, UDP, .fragment = 0x2000 },
	{ "later-fragment", 14000, 4, TCP, .fragment = 0x2001 },
	{ "vlan", 15000, 4, TCP, .tags = { 0x8100 } },
	{ "qinq", 16000, 4, UDP, .tags = { 0x88a8, 0x8100 } },
	{ "tcp6", 17000, 6, TCP },
	{ "udp6", 18000, 6, UDP },
	{ "extensions6", 19000, 6, TCP,
	  .extensions = { HOP_BY_HOP, DESTINATION, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION,
			  END } },
	{ "first-fragment6", 20000, 6, TCP, .extensions = { HOP_BY_HOP, FRAGMENT, END },
	  .fragment = 0x0001 },
	{ "later-fragment6", 21000, 6, UDP, .extensions = { FRAGMENT, END }, .fragment = 0x0009 },
	{ "qinq6", 22000, 6, UDP, .tags = { 0x88a8, 0x8100 } },
	// These have no ports to count.
	{ "icmp", 30000, 4, ICMP },
	{ "cut-ip", 31000, 4, TCP, .cut = 28 },
	{ "cut-tcp", 32000, 4, TCP, .cut = 16 },
	{ "cut-udp6", 33000, 6, UDP, .cut = 1 },
	{ "cut-tag", 34000, 4, TCP, .tags = { 0x8100 }, .cut = 42 },
	{ "bad-ihl", 35000, 4, TCP, .ihl = 4 },
	{ "long-ihl", 36000, 4, UDP, .ihl = 15 },
	{ "padded", 37000, 4, UDP, .padding = 8 },
	{ "three-tags", 38000, 4, UDP, .tags = { 0x88a8, 0x8100, 0x8100 } },
};

struct frame {
	uint8_t data[512];
	size_t size;
	size_t port; // where the source port stands
};

static void die(const char *what)
{
	fprintf(stderr, "send_packets: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put(struct frame *frame, const void *data, size_t size)
{
	memcpy(frame->data + frame->size, data, size);
	frame->size += size;
}

static void put8(struct frame *frame, uint8_t value)
{
	frame->data[frame->size++] = value;
}

static void put16(struct frame *frame, uint16_t value)
{
	put8(frame, value >> 8);
	put8(frame, value & 0xff);
}

// Filled with something that would be noticed if it was taken for ports.
static void put_noise(struct frame *frame, size_t size)
{
	memset(frame->data + frame->size, 0x5a, size);
	frame->size += size;
}

static void put_ipv4(struct frame *frame, const struct shape *shape)
{
	uint8_t words = 5 + shape->options / 4;

	put8(frame, 0x40 | (shape->ihl ? shape->ihl : words));
	put8(frame, 0);
	put16(frame, 0); // the length, which build() knows
	put16(frame, 1);
	put16(frame, shape->fragment);
	put8(frame, 64);
	put8(frame, shape->protocol);
	put16(frame, 0); // no checksum: XDP comes before who looks at it
	put(frame,
	    shape->protocol == UDP ? &(struct in_addr){ htonl(0x0a090808) }
				   : &(struct in_addr){ htonl(0x0a090807) },
	    4);
	put(frame, &(struct in_addr){ htonl(0x0a090801) }, 4);
	put_noise(frame, shape->options);
}

static void put_extension(struct frame *frame, const struct shape *shape, uint8_t kind,
			  uint8_t next)
{
	put8(frame, next);
	switch (kind) {
	case FRAGMENT:
		put8(frame, 0);
		put16(frame, shape->fragment);
		put_noise(frame, 4);
		break;
	case AUTHENTICATION:
		put8(frame, 4); // in units of 4 bytes, minus 2
		put_noise(frame, 22);
		break;
	default:
		put8(frame, 1); // in units of 8 bytes, minus 1
		put_noise(frame, 14);
	}
}

static void put_ipv6(struct frame *frame, const struct shape *shape)
{
	bool extended = memchr(shape->extensions, END, sizeof(shape->extensions));
	struct in6_addr address;

	put16(frame, 0x6000);
	put16(frame, 0);
	put16(frame, 0); // the length
	put8(frame, extended ? shape->extensions[0] : shape->protocol);
	put8(frame, 64);
	inet_pton(AF_INET6, "2001:db8::7", &address);
	put(frame, &address, sizeof(address));
	inet_pton(AF_INET6, "2001:db8::1", &address);
	put(frame, &address, sizeof(address));
	for (const uint8_t *kind = shape->extensions; extended && *kind != END; kind++)
		put_extension(frame, shape, kind[0], kind[1] == END ? shape->protocol : kind[1]);
}

static void build(struct frame *frame, const struct shape *shape)
{
	*frame = (struct frame){ 0 };
	put(frame, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 2 * ETH_ALEN);
	for (size_t i = 0; i < 3 && shape->tags[i]; i++) {
		put16(frame, shape->tags[i]);
		put16(frame, 100 + i);
	}
	put16(frame, shape->version == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);

	size_t ip = frame->size;
	(shape->version == 4 ? put_ipv4 : put_ipv6)(frame, shape);
	frame->port = frame->size;
	put16(frame, shape->source_port);
	put16(frame, shape->source_port + 1);
	put_noise(frame, shape->protocol == TCP ? 16 : 4);

	size_t length = frame->size - ip - shape->padding;
	size_t end = frame->size - shape->cut;
	frame->size = shape->version == 4 ? ip + 2 : ip + 4;
	put16(frame, shape->version == 4 ? length : length - 40);
	frame->size = end;
}

static const struct shape *find_shape(const char *name, size_t size)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (strlen(shapes[i].name) == size && memcmp(shapes[i].name, name, size) == 0)
			return &shapes[i];
	errno = EINVAL;
	die(name);
	return NULL;
}

static int open_interface(const char *name)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_nametoindex(name),
	};

	// Past the queueing discipline a frame goes to the queue of the CPU that sends it.
	if (fd < 0 || !address.sll_ifindex ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &(int){ 1 }, sizeof(int)))
		die(name);
	return fd;
}

// The receiver takes frames from a short queue: it gets time to, now and then.
static void send_frame(int fd, const struct frame *frame)
{
	static unsigned sent;

	if (send(fd, frame->data, frame->size, 0) != (ssize_t)frame->size)
		die("send");
	if (++sent % 64 == 0)
		usleep(100);
}

static void send_shape(int fd, const struct shape *shape, long count, long flows)
{
	struct frame frame;

	build(&frame, shape);
	for (long i = 0; i < count; i++) {
		for (long flow = 0; flow < flows; flow++) {
			uint16_t port = htons(shape->source_port + flow);

			memcpy(frame.data + frame.port, &port, sizeof(port));
			send_frame(fd, &frame);
		}
	}
}

int main(int argc, char **argv)
{
	long flows = 1;
	int option;

	while ((option = getopt(argc, argv, "c:f:")) != -1) {
		cpu_set_t cpus;

		switch (option) {
		case 'c':
			CPU_ZERO(&cpus);
			CPU_SET(atoi(optarg), &cpus);
			if (sched_setaffinity(0, sizeof(cpus), &cpus))
				die("sched_setaffinity");
			break;
		case 'f':
			flows = atol(optarg);
			break;
		default:
			return 2;
		}
	}
	if (optind == argc)
		return 2;

	int fd = open_interface(argv[optind++]);
	while (getchar() != EOF)
		;
	for (; optind < argc; optind++) {
		const char *equals = strchr(argv[optind], '=');
		if (!equals)
			return 2;
		send_shape(fd, find_shape(argv[optind], equals - argv[optind]), atol(equals + 1),
			   flows);
	}
	return 0;
}
