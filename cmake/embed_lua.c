// SPDX-License-Identifier: GPL-2.0-only
// Build step: writes a C file that holds a Lua file, precompiled: embed_lua INPUT.lua OUTPUT.c NAME.
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>

struct output {
	FILE *file;
	size_t size;
};

static int write_bytes(lua_State *L, const void *data, size_t size, void *context)
{
	struct output *output = context;
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		fprintf(output->file, "%u,%c", bytes[i], (output->size + i) % 32 == 31 ? '\n' : ' ');
	output->size += size;
	return 0;
}

static int embed(lua_State *L, const char *input, FILE *file, const char *name)
{
	struct output output = { .file = file };

	if (luaL_loadfilex(L, input, "t")) {
		fprintf(stderr, "%s\n", lua_tostring(L, -1));
		return EXIT_FAILURE;
	}
	fprintf(file, "#include <stddef.h>\n\nextern const char %s[];\nextern const size_t %s_size;\n\n", name, name);
	fprintf(file, "const char %s[] = {\n", name);
	lua_dump(L, write_bytes, &output, 0); // with line numbers, for tracebacks
	fprintf(file, "};\nconst size_t %s_size = %zu;\n", name, output.size);
	return ferror(file) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	lua_State *L = luaL_newstate();
	FILE *file = L && argc == 4 ? fopen(argv[2], "w") : NULL;
	if (!file) {
		fprintf(stderr, "usage: %s INPUT.lua OUTPUT.c NAME\n", argv[0]);
		return EXIT_FAILURE;
	}
	int status = embed(L, argv[1], file, argv[3]);

	if (fclose(file))
		status = EXIT_FAILURE;
	lua_close(L);
	return status;
}
