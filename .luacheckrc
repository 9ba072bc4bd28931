-- SPDX-License-Identifier: GPL-2.0-only
-- luacheck's settings; `./dev test` runs it over every Lua file.
std = "lua54"
max_line_length = 100
files["docs/meta"] = { unused_args = false }
