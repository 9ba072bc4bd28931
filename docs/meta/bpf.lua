-- SPDX-License-Identifier: GPL-2.0-only
-- The contract of the module bpf, for lua-language-server; tests/docs/api_test.lua checks it.
-- luacheck: ignore 241

---@meta bpf

---@class bpf
local bpf = {}

--- What a script gets and gives where C has a type; docs/api.md, "Values".
---@alias bpf.Value integer|number|boolean|string|table|bpf.View

---@class bpf.LoadOptions
---@field source? string C text; give either this or `file`
---@field file? string a C file: absolute, beside the script, or in bpf-templates/
---@field constants? table<string, bpf.Value> `const volatile` globals; nil keeps the C's value
---@field defines? table<string, string|integer|true> macros: compile-time constants
---@field include? string[] folders for #include; relative ones count from the script's folder
---@field cpu? "v1"|"v2"|"v3"|"v4" instructions; without it "v3", else "v2"
---@field max_entries? table<string, integer> sizes of maps by name; of a ring buffer in bytes
---@field maps? table<string, bpf.Map> maps of other objects, or pinned ones, to use for these
---@field first_of? string[]|string[][] of these SEC()s only the first that works is loaded
---@field sections? table<string, string> kinds of programs: { run = "xdp" }
---@field pin_root_path? string the folder of maps that are pinned by name; "/sys/fs/bpf"
---@field buffer_size? integer|table<string, integer> bytes of ring and perf buffers, all or by name

--- Compiles, configures and loads C. Nothing is attached yet.
---@param options bpf.LoadOptions
---@return bpf.Object? object
---@return string? message the compiler's, the verifier's or the kernel's words
---@return string? code "COMPILE", "COMPILER", "VERIFY" or the name of an errno
---@nodiscard
function bpf.load(options) end

--- `bpf.load()` for each element; the C is compiled side by side.
---@param list bpf.LoadOptions[]
---@return bpf.Object[]? objects
---@return string? message of the first failure
---@return string? code
---@nodiscard
function bpf.load_all(list) end

--- Hands events to handlers and ticks to timers until `bpf.stop()`, SIGINT, SIGTERM, or until
--- nothing is left to wait for. An error in a handler leaves it as an error.
---@param options? { grace?: number } processor time, in seconds, for what stands behind it after a
--- signal; 2 without it
---@return true? success nil when it can't wait
---@return string? message
---@return string? code
function bpf.run(options) end

--- Ends `bpf.run()` once the running handler has returned. Does nothing where it doesn't run.
function bpf.stop() end

--- Whether a signal wants the running handler to return.
---@return boolean stopping
---@nodiscard
function bpf.stopping() end

---@class bpf.Kept
---@field [integer] string a capability: `"CAP_NET_ADMIN"` or `"net_admin"`
---@field keep_uid? boolean the process stays the user that it is

--- Changes to a user of the process's own, and gives up for good every capability but those named
--- in `keep`, and the right to write files. Fails where the user can't be changed.
---@param keep? bpf.Kept
---@return true? ok
---@return string? message
---@return string? code
function bpf.drop_privileges(keep) end

--- Calls `on_tick` every `seconds` (at least a millisecond) while `bpf.run()` runs, at multiples of
--- that. Ticks that pass while a handler runs are left out.
---@param seconds number above 0
---@param on_tick fun()
---@return bpf.Timer timer
function bpf.every(seconds, on_tick) end

--- Calls `handler` with each line that comes from a file, and with nil at its end.
---@param file file*|integer a file of Lua's, or a descriptor's number
---@param handler fun(line: string?)
---@return bpf.Watch? watch
---@return string? message
---@return string? code
function bpf.on_line(file, handler) end

--- Calls `handler` with the file whenever it can be read without waiting.
---@param file file*|integer a file of Lua's, or a descriptor's number
---@param handler fun(file: file*|integer)
---@return bpf.Watch? watch
---@return string? message
---@return string? code "EPERM": a regular file
function bpf.on_readable(file, handler) end

--- Calls `handler` with the signal's name after each such signal. SIGINT and SIGTERM have none.
---@param name "SIGHUP"|"SIGUSR1"|"SIGUSR2"|"SIGQUIT"|"SIGCONT"|"SIGCHLD"|"SIGWINCH"
---@param handler fun(name: string)
---@return bpf.Watch? watch
---@return string? message
---@return string? code
function bpf.on_signal(name, handler) end

--- Calls `handler` once for each place of the link that goes while bpf.run() waits: an interface, a
--- cgroup, a process, a file. Then the script decides how it goes on.
---@param link bpf.Link
---@param handler? fun(link: bpf.Link, text: string) nil: none any more
---@return bpf.Link link the same
function bpf.on_gone(link, handler) end

---@class bpf.ColumnsOptions
---@field json? boolean JSON whether or not ebscript was started with --json
---@field text? fun(...: any): string makes a text row itself; JSON rows still use the names

--- Rows on standard output: text, or one JSON object a line.
---@param spec string NAME, NAME:WIDTH or NAME:>WIDTH (right-aligned), then |FORMATTER if wanted
---@param options? bpf.ColumnsOptions
---@return bpf.Columns columns
---@nodiscard
function bpf.columns(spec, options) end

--- Formatters: from a value to its text. Columns know them by their names, those too that a script
--- adds. docs/api.md says what each takes.
---@class bpf.Formats
---@field boottime fun(ns: integer): string
---@field duration fun(ns: number): string
---@field enum fun(value: integer, names: table<integer, string>): string
---@field errno fun(number: integer): string
---@field flags fun(value: integer, names: table<integer, string>): string
---@field hex fun(value: integer|string): string
---@field ip fun(address: string|integer): string
---@field mac fun(address: string): string
---@field port fun(network_order: integer): string
---@field result fun(value: integer): string
---@field signal fun(number: integer): string
---@field size fun(bytes: number): string
---@field syscall fun(number: integer): string
---@field time fun(ns: integer): string
---@field unsigned fun(value: integer): string
---@field [string] fun(value: any): string
bpf.format = {}

---@class bpf.HistogramOptions
---@field step? number the width of a linear histogram's slots; without it they are powers of two
---@field low? number where the first of them begins (0)
---@field high? number where the last of them ends
---@field name? string stands above it
---@field unit? string stands above its values
---@field format? string the name of a formatter for its values
---@field json? boolean JSON whether or not ebscript was started with --json

---@param options? bpf.HistogramOptions
---@return bpf.Histogram histogram
---@nodiscard
function bpf.histogram(options) end

--- The sum of a per-CPU value, or of any sequence of numbers.
---@param values number[]
---@return number total
---@nodiscard
function bpf.sum(values) end

--- The largest of a per-CPU value, or of any sequence of numbers; nil of an empty one.
---@param values number[]
---@return number? largest
---@nodiscard
function bpf.max(values) end

--- The records sorted by their fields, numbers from the largest on, text from A to Z.
---@param records table[]
---@param n? integer only the first so many
---@param ... string fields: the first, among equals the next
---@return table[] sorted
---@nodiscard
function bpf.top(records, n, ...) end

--- The strings of a block in which each ends with a NUL.
---@param block string
---@return string[] list
---@nodiscard
function bpf.strings(block) end

--- A converter for argparse: numbers from `low` to `high`.
---@param low number
---@param high number
---@return fun(text: string): number?, string? convert
---@nodiscard
function bpf.number(low, high) end

--- A converter for argparse: whole numbers from `low` to `high`.
---@param low integer
---@param high integer
---@return fun(text: string): integer?, string? convert
---@nodiscard
function bpf.integer(low, high) end

--- A converter for argparse: addresses with commas between, to a set of their bytes.
---@param text string
---@return table<string, true>? set
---@return string? message
---@nodiscard
function bpf.addresses(text) end

--- A network: its text, its address and the number of bits. Also a converter for argparse.
---@param text string "10.0.0.0/8"
---@return string? network the bits behind the prefix are 0
---@return string? bytes 4 or 16, or the failure's message
---@return integer|string|nil bits or the failure's code
---@nodiscard
function bpf.network(text) end

--- The number of a network interface.
---@param name string
---@return integer? index
---@return string? message
---@return string? code
---@nodiscard
function bpf.if_index(name) end

--- The name of a network interface.
---@param index integer
---@return string? name
---@return string? message
---@return string? code
---@nodiscard
function bpf.if_name(index) end

--- The folder of a cgroup, by the number that bpf_get_current_cgroup_id() gives.
---@param id integer
---@return string? path
---@return string? message
---@return string? code
---@nodiscard
function bpf.cgroup_path(id) end

--- The nanoseconds since 1970 of a moment of bpf_ktime_get_ns().
---@param ktime integer
---@return integer ns
---@nodiscard
function bpf.realtime_ns(ktime) end

--- An address as text.
---@param bytes string 4 (IPv4) or 16 (IPv6) bytes in network order
---@return string text
---@nodiscard
function bpf.inet_ntop(bytes) end

---@class bpf.Feature
---@field program? string a SEC(): `"xdp"`, `"fentry/vfs_read"`
---@field helper? string `"bpf_loop"`; with `program`: for programs of that kind
---@field map? string a kind of maps: `"ringbuf"`
---@field kernel_function? string
---@field tracepoint? string `"sched/sched_switch"`
---@field type? string `"struct task_struct"`
---@field field? string `"task_struct.se.vruntime"`
---@field capability? string that this process has it: `"CAP_NET_ADMIN"` or `"net_admin"`
---@field enum_value? string `"BPF_MAP_TYPE_ARENA"`

--- Whether this kernel can do all that `what` names, else why not.
---@param what bpf.Feature
---@return boolean has
---@return string? reason
---@nodiscard
function bpf.has(what) end

--- The bytes of an address: 4 or 16.
---@param text string
---@return string? bytes
---@return string? message
---@return string? code
---@nodiscard
function bpf.inet_pton(text) end

--- The map or link that is pinned at a path, without any C.
---@param path string
---@return bpf.Map|bpf.PinnedLink|nil pinned
---@return string? message
---@return string? code
---@nodiscard
function bpf.pinned(path) end

--- Nanoseconds of CLOCK_MONOTONIC, as the kernel's helper of that name gives them.
---@return integer nanoseconds
---@nodiscard
function bpf.ktime_get_ns() end

--- What one piece of C became: programs and maps in the kernel.
---@class bpf.Object
---@field globals table<string, bpf.Value> the C's global variables, in place
---@field programs table<string, bpf.Program> all of them, by name
---@field maps table<string, bpf.Map> all of them, by name
local Object = {}

---@class bpf.ObjectAttachOptions
---@field optional? boolean leave out what attaches to something that this kernel doesn't have

--- Attaches every program whose SEC() says all that is needed, all or none; the others are left
--- alone.
---@param options? bpf.ObjectAttachOptions
---@return true? attached
---@return table<string, string>|string? message with `optional`: messages by names of programs
---@return string? code
function Object:attach(options) end

---@alias bpf.Handler fun(...: any)|bpf.Columns

---@class bpf.EventOptions
---@field type? string the samples' type as C writes it ("struct event"), where it isn't found
---@field tag? string the field that tells several types apart, where their sizes don't
---@field types? table<integer|string, string> the types by values of the tag, or its enumerators

--- Calls `handler` for each sample of the ring or perf buffer `map`: with the fields that its
--- parameters name, or, when its one parameter is no field, with the whole sample. Several types
--- of samples have a table of handlers, by the types' names or by the values of the tag. Columns
--- are a handler that prints each sample.
---@param map string|bpf.Map its name, or an inner map
---@param handler bpf.Handler|table<string|integer, bpf.Handler>
---@param options? bpf.EventOptions
---@return true? ok
---@return string? message
---@return string? code
function Object:on_event(map, handler, options) end

---@class bpf.Losses
---@field lost_events integer no room in a ring or perf buffer, or too large for a perf buffer
---@field failed_updates integer no room in a map
---@field missed integer runs of programs that the kernel left out
---@field maps table<string, integer> lost events and failed updates, by the map's name
---@field programs table<string, integer> missed runs, by the program's name
---@field full table<string, integer> where nobody counts: ring buffers found full, how often; maps
---@field unknown table<string, integer> samples left out as their tag has no type, by buffers

--- What was lost since the object was loaded.
---@return bpf.Losses losses
---@nodiscard
function Object:losses() end

---@class bpf.TypeColumnsOptions: bpf.ColumnsOptions
---@field type? string the struct as C writes it ("struct event"), where it isn't found

--- Columns straight from a type: one for each field of what the map or buffer carries.
---@param map string
---@param options? bpf.TypeColumnsOptions
---@return bpf.Columns columns
---@nodiscard
function Object:columns(map, options) end

---@param name string the C function's
---@return bpf.Program program
---@nodiscard
function Object:program(name) end

---@param name string the C variable's
---@return bpf.Map map
---@nodiscard
function Object:map(name) end

--- The values of an enum by name, and its names by value.
---@param name string "enum state" or "state"
---@return table<string|integer, integer|string> values
---@nodiscard
function Object:enum(name) end

--- Detaches all programs and gives the kernel's part back. Harmless when repeated.
function Object:close() end

---@class bpf.Program
---@field name string the C function's
---@field section string the text in SEC()
local Program = {}

--- Which of them a program takes depends on its SEC(); docs/api.md has the table.
---@class bpf.AttachOptions
---@field interface? string|string[] network interfaces: all or none
---@field replace? boolean XDP: in place of a program that was attached without a link
---@field mode? "native"|"generic"|"offload"|"auto" of XDP
---@field pid? integer one process
---@field cpu? integer one CPU
---@field path? string an executable, or a library
---@field symbol? string a function in it: a name, NAME@VERSION, or a name of C++ or Rust
---@field offset? integer bytes from the symbol's start, or from the file's without one
---@field provider? string of a USDT probe
---@field name? string of a USDT probe
---@field event? string a perf event by perf's name for it, "cpu-clock"
---@field frequency? integer samples a second
---@field period? integer events between samples
---@field cgroup? string|string[] paths of cgroups (version 2): all or none; an iterator takes one
---@field ["function"]? string a function or system call of the kernel
---@field category? string of a tracepoint
---@field tracepoint? string its name
---@field functions? string|string[] of the kernel: names and globs
---@field symbols? string|string[] of a file: names and globs
---@field direction? "ingress"|"egress"|string[] of TC: one or both
---@field hook? "prerouting"|"input"|"forward"|"output"|"postrouting"|string[] of netfilter
---@field family? "ipv4"|"ipv6" of netfilter
---@field priority? integer of netfilter; the lowest runs first
---@field force? boolean a probe on returns in a Go program, which it may end
---@field netns? string a network namespace's path
---@field map? string a map of the same object: of sockets, to walk over, or of struct_ops

---@param options? bpf.AttachOptions
---@return bpf.Link? link
---@return string? message
---@return string? code
function Program:attach(options) end

--- Keeps the loaded program in the kernel under this name in a BPF file system.
---@param path string
---@return true? ok
---@return string? message
---@return string? code
function Program:pin(path) end

---@class bpf.TestRunOptions
---@field data? string the bytes of a packet
---@field context? string|integer[] what the program gets as its context
---@field repeat_count? integer how often, for the timing

---@class bpf.TestRunResult
---@field return_value integer
---@field data string the bytes afterwards
---@field context string what is in it afterwards
---@field duration_ns integer of one run, on average

--- Runs the program on what the script gives, without attaching it.
---@param options? bpf.TestRunOptions
---@return bpf.TestRunResult? result
---@return string? message
---@return string? code
---@nodiscard
function Program:test_run(options) end

---@class bpf.MapInfo
---@field type string "hash", "percpu_array", ...
---@field key_size integer bytes
---@field value_size integer bytes
---@field max_entries integer as the kernel has it; bytes, for a ring buffer
---@field key_type? string as C writes it, where it is known
---@field value_type? string
---@field flags string[] "no_prealloc", "mmapable", ...
---@field id integer the kernel's
---@field memory integer bytes that the kernel counts for it
---@field frozen boolean only programs can still change it
---@field pinned? string the path where the script has it from, or pinned it

--- "noexist": the key must be new; "exist": it must be there.
---@alias bpf.SetFlag "any"|"exist"|"noexist"

--- `for key, value in pairs(map)` walks over the entries; the current one may be deleted.
---@class bpf.Map
---@field name string
---@field info bpf.MapInfo
local Map = {}

---@param key bpf.Value
---@return bpf.Value? value nil alone: the key is not there
---@return string? message
---@return string? code
---@nodiscard
function Map:get(key) end

---@param key bpf.Value
---@param value bpf.Value
---@param flag? bpf.SetFlag
---@return true? ok
---@return string? message
---@return string? code
function Map:set(key, value, flag) end

--- Sets all entries of a table; the message of a failure says how many were written.
---@param entries table<bpf.Value, bpf.Value>
---@param flag? bpf.SetFlag
---@return true? ok
---@return string? message
---@return string? code
function Map:update(entries, flag) end

--- Of a queue, stack or bloom filter. "exist": the oldest value makes room.
---@param value bpf.Value
---@param flag? "any"|"exist"
---@return true? ok
---@return string? message
---@return string? code
function Map:push(value, flag) end

--- Takes the next value out of a queue or stack.
---@return bpf.Value? value nil alone: it is empty
---@return string? message
---@return string? code
function Map:pop() end

--- The next value of a queue or stack.
---@return bpf.Value? value nil alone: it is empty
---@return string? message
---@return string? code
---@nodiscard
function Map:peek() end

--- Whether a value was pushed into a bloom filter; only `false` is certain.
---@param value bpf.Value
---@return boolean? contained
---@return string? message
---@return string? code
---@nodiscard
function Map:contains(value) end

--- A new map as the inner definition of a map of maps says.
---@return bpf.Map? inner
---@return string? message
---@return string? code
---@nodiscard
function Map:create_inner() end

--- Pins the map on a BPF file system; it outlives the script by that.
---@param path string
---@return true? ok
---@return string? message
---@return string? code
function Map:pin(path) end

--- Removes the pin.
---@return true? ok
---@return string? message
---@return string? code
function Map:unpin() end

--- From now on only programs can change the map.
---@return true? ok
---@return string? message
---@return string? code
function Map:freeze() end

--- Gives back a map that the script opened itself; does nothing to a map of an object.
function Map:close() end

---@param key bpf.Value
---@return boolean? deleted false: the key was not there
---@return string? message
---@return string? code
function Map:delete(key) end

--- Walks over the entries: `for key, value in map:pairs()`. With names of the value's fields, these
--- follow the key: `for key, field in map:pairs("field")`.
---@param ... string names of the value's fields
---@return fun(): bpf.Value?, ... next
---@nodiscard
function Map:pairs(...) end

--- Reads and deletes: `for key, value in map:drain()`; with names of fields as `pairs`.
---@param ... string names of the value's fields
---@return fun(): bpf.Value?, ... next
---@nodiscard
function Map:drain(...) end

--- All entries as a table; of keys that are tables a sequence of { key, value }.
---@return table<bpf.Value, bpf.Value>? copy
---@return string? message
---@return string? code
---@nodiscard
function Map:copy() end

--- The n largest entries (nil: all in order), by the value or by its fields, then by the key.
---@param n? integer
---@param ... string names of the value's fields: the first, among equals the next
---@return { key: bpf.Value, value: bpf.Value }[]? entries
---@return integer|string count of all entries, or the failure's message
---@return number|string sum of the value or first field over all entries, or the failure's code
---@return boolean? cut a signal ended the walk early
---@nodiscard
function Map:top(n, ...) end

---@return integer? count of entries
---@return string? message
---@return string? code
---@nodiscard
function Map:count() end

--- Deletes all entries; those of an array become zero.
---@return true? ok
---@return string? message
---@return string? code
function Map:clear() end

--- Sends a sample to the programs that drain a user ring buffer.
---@param value bpf.Value a string of bytes where the type is not known
---@param type? string the sample's type, where it isn't found or there are several
---@return true? submitted
---@return string? message
---@return string? code "ENOSPC" when the buffer is full
function Map:submit(value, type) end

---@class bpf.LinkInfo
---@field kind string "xdp", "tracepoint", ...
---@field interface? string
---@field ifindex? integer
---@field mode? string that XDP or TC got
---@field pinned? string the path, where it is pinned
---@field alive boolean the program is attached as it was, to one of several places at least
---@field symbols? string[] functions; the number of one is its attach cookie
---@field left_out? string[] those of them that the kernel can't probe

--- An attached program.
---@class bpf.Link
---@field info bpf.LinkInfo
local Link = {}

--- Detaches, unless it is pinned. Harmless when repeated.
function Link:close() end

--- Keeps the program attached when the link is closed and the script has ended.
---@param path string a new name in a BPF file system
---@return true? ok
---@return string? message
---@return string? code
function Link:pin(path) end

--- Removes the pin.
---@return true? ok
---@return string? message
---@return string? code
function Link:unpin() end

--- What an iterator prints, for a loop.
---@return fun(): string? next
---@return userdata
---@nodiscard
function Link:lines() end

--- What an iterator writes, for a loop: its structs as tables, lines where that is text.
---@param type? string "struct row"; what the program writes
---@return fun(): any next
---@return userdata
---@nodiscard
function Link:records(type) end

---@class bpf.PinnedLinkInfo
---@field kind string the kernel's name: "xdp", "tracing", ...
---@field program string its name
---@field pinned string the path
---@field id integer the kernel's
---@field ifindex? integer
---@field alive boolean what it is attached to is still there

--- A link that an earlier script has pinned.
---@class bpf.PinnedLink
---@field info bpf.PinnedLinkInfo
local PinnedLink = {}

--- Removes the pin; the program is detached once the link is closed, too.
---@return true? ok
---@return string? message
---@return string? code
function PinnedLink:unpin() end

--- Gives the descriptor back. Harmless when repeated.
function PinnedLink:close() end

---@class bpf.Timer
local Timer = {}

--- No more ticks. Harmless when repeated.
function Timer:close() end

--- Ticks that were left out, as their time passed while a handler ran.
---@return integer count
---@nodiscard
function Timer:missed() end

--- A file or a signal that has a handler.
---@class bpf.Watch
local Watch = {}

--- The handler is called no more; the file stays open. Harmless when repeated.
function Watch:close() end

---@class bpf.Columns
---@field json boolean whether rows are JSON
local Columns = {}

--- Prints the titles; nothing in JSON or with the option `text`.
function Columns:header() end

--- Prints a row: a value for each column, in order. A table is a list.
---@param ... any
function Columns:row(...) end

--- Prints a row from a table or a view, by the columns' names.
---@param values table|bpf.View
function Columns:record(values) end

--- Values, counted by slots.
---@class bpf.Histogram
---@field count integer how many values it has
local Histogram = {}

---@param value number
---@param count? integer so many of them
function Histogram:add(value, count) end

--- Counts what BPF counted.
---@param slots bpf.Map|integer[] counts by the slots' numbers from 0; a sequence begins with slot 0
function Histogram:add_slots(slots) end

---@param percent number 0 to 100
---@return number? value nil: it has no values
---@nodiscard
function Histogram:percentile(percent) end

--- count, min, max, p50, p90, p99, and buckets: { low, high, count }.
---@return table summary
---@nodiscard
function Histogram:summary() end

--- Prints bars, or the summary as JSON.
function Histogram:print() end

function Histogram:clear() end

--- A struct or union whose fields decode when read, or an array of these. Its time ends with the
--- handler's call, or with the loop's turn. `pairs(view)` gives the fields, or elements, in order.
---@class bpf.View
---@field [string|integer] bpf.Value
---@operator len: integer of an array
local View = {}

--- All fields or elements as a plain table, nested ones too.
---@return table<string|integer, bpf.Value> fields
---@nodiscard
function View:copy() end

return bpf
