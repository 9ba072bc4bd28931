// SPDX-License-Identifier: GPL-2.0-only
// What the kernel's bytes and numbers are called: addresses, networks, interfaces, cgroups,
// moments.
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kernel/cgroup_path.h"
#include "kernel/interface.h"
#include "script/bpf.h"

int ebs_bpf_inet_ntop(lua_State *L)
{
	char text[INET6_ADDRSTRLEN];
	size_t size;
	const char *bytes = luaL_checklstring(L, 1, &size);

	luaL_argcheck(L, size == 4 || size == 16, 1, "an address has 4 or 16 bytes");
	lua_pushstring(L, inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)));
	return 1;
}

// Returns the number of bytes, 4 or 16; 0 for what is no address.
static size_t read_address(const char *text, unsigned char bytes[16])
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

int ebs_bpf_inet_pton(lua_State *L)
{
	const char *text = luaL_checkstring(L, 1);
	struct ebs_error error = { 0 };
	unsigned char bytes[16];
	size_t size = read_address(text, bytes);

	if (size) {
		lua_pushlstring(L, (char *)bytes, size);
		return 1;
	}
	ebs_error_explain(&error, EINVAL, "\"%s\" is neither an IPv4 nor an IPv6 address", text);
	return ebs_fail(L, &error);
}

// The number behind the slash: at most `most`, which it is without a slash. -1 for what is none.
static int read_bits(const char *slash, int most)
{
	char *end;

	if (!slash)
		return most;
	if (slash[1] < '0' || slash[1] > '9')
		return -1;
	unsigned long bits = strtoul(slash + 1, &end, 10);
	return *end || bits > (unsigned long)most ? -1 : (int)bits;
}

// bpf.network(text): ADDRESS or ADDRESS/BITS, with the bits behind the prefix set to 0.
int ebs_bpf_network(lua_State *L)
{
	size_t length;
	const char *text = luaL_checklstring(L, 1, &length);
	const char *slash = strchr(text, '/');
	size_t address_length = slash ? (size_t)(slash - text) : length;
	struct ebs_error error = { 0 };
	char address[INET6_ADDRSTRLEN] = "";
	unsigned char bytes[16];
	size_t size = 0;

	if (strlen(text) == length && address_length < sizeof(address)) {
		memcpy(address, text, address_length);
		size = read_address(address, bytes);
	}
	int bits = size ? read_bits(slash, (int)size * 8) : -1;
	if (bits < 0) {
		ebs_error_explain(&error, EINVAL,
				  "\"%s\" is no network: an IPv4 or IPv6 address, or ADDRESS/BITS "
				  "with at most 32 or 128 bits, is expected",
				  text);
		return ebs_fail(L, &error);
	}
	for (size_t i = 0; i < size; i++) {
		int kept = bits - (int)i * 8;

		bytes[i] &= kept >= 8 ? 0xff : kept <= 0 ? 0 : (unsigned char)(0xff00 >> kept);
	}
	inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, address, sizeof(address));
	lua_pushfstring(L, "%s/%d", address, bits);    // network
	lua_pushlstring(L, (const char *)bytes, size); // network bytes
	lua_pushinteger(L, bits);                      // network bytes bits
	return 3;
}

int ebs_bpf_if_index(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	struct ebs_error error = { 0 };
	int index = ebs_interface_find(name, &error);

	if (index < 0)
		return ebs_fail(L, &error);
	lua_pushinteger(L, index);
	return 1;
}

int ebs_bpf_if_name(lua_State *L)
{
	lua_Integer index = luaL_checkinteger(L, 1);
	struct ebs_error error = { 0 };
	char name[IF_NAMESIZE];

	if (index > 0 && index <= INT32_MAX && if_indextoname((unsigned)index, name)) {
		lua_pushstring(L, name);
		return 1;
	}
	ebs_error_explain(&error, ENODEV, "there is no network interface with the number %lld",
			  (long long)index);
	return ebs_fail(L, &error);
}

int ebs_bpf_cgroup_path(lua_State *L)
{
	lua_Integer id = luaL_checkinteger(L, 1);
	struct ebs_error error = { 0 };
	char *path = ebs_cgroup_path((uint64_t)id, &error);

	if (!path)
		return ebs_fail(L, &error);
	struct ebs_buffer text = { .data = path, .size = strlen(path) };
	ebs_push_buffer(L, &text);
	return 1;
}

int ebs_bpf_ktime_get_ns(lua_State *L)
{
	lua_pushinteger(L, ebs_now_ns());
	return 1;
}

int ebs_bpf_realtime_ns(lua_State *L)
{
	lua_Integer ktime = luaL_checkinteger(L, 1);

	lua_pushinteger(L, (lua_Integer)((uint64_t)ktime + (uint64_t)ebs_realtime_offset_ns()));
	return 1;
}
