// SPDX-License-Identifier: GPL-2.0-only
// Strings that a traced process chose, made safe for a terminal or for JSON.
#include "output/escape.h"

#include <stdint.h>
#include <string.h>

struct character {
	uint32_t code;
	size_t size; // bytes; of an invalid one, as many as could have begun a character
	bool valid;
};

static struct character decode(const unsigned char *data, size_t size)
{
	unsigned char lead = data[0];
	struct character character = { .valid = true };

	if (lead < 0x80)
		return (struct character){ .code = lead, .size = 1, .valid = true };

	// What the second byte may be. Narrower ranges keep out overlong forms (after E0 and F0),
	// surrogates (ED) and codes above U+10FFFF (F4); C0, C1 and F5..FF begin nothing at all.
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf) {
		character.size = 2;
		character.code = lead & 0x1f;
	} else if (lead >= 0xe0 && lead <= 0xef) {
		character.size = 3;
		character.code = lead & 0x0f;
		low = lead == 0xe0 ? 0xa0 : low;
		high = lead == 0xed ? 0x9f : high;
	} else if (lead >= 0xf0 && lead <= 0xf4) {
		character.size = 4;
		character.code = lead & 0x07;
		low = lead == 0xf0 ? 0x90 : low;
		high = lead == 0xf4 ? 0x8f : high;
	} else {
		return (struct character){ .size = 1 };
	}
	for (size_t i = 1; i < character.size; i++) {
		if (i >= size || data[i] < low || data[i] > high)
			return (struct character){ .size = i };
		character.code = character.code << 6 | (data[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	return character;
}

static bool controls_terminal(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

// Appends `prefix` and the last `digits` (at most four) hexadecimal digits of `value`.
static void append_hex(struct ebs_buffer *out, const char *prefix, uint32_t value, int digits)
{
	char text[4];

	for (int i = digits; i > 0; i--) {
		text[i - 1] = "0123456789ABCDEF"[value & 0xf];
		value >>= 4;
	}
	ebs_buffer_append_string(out, prefix);
	ebs_buffer_append(out, text, digits);
}

// The letter that stands for `code` behind a backslash, or NUL. `codes` and `letters` go in pairs.
static char short_escape(uint32_t code, const char *codes, const char *letters)
{
	const char *found = code && code < 0x80 ? strchr(codes, (int)code) : NULL;

	return found ? letters[found - codes] : '\0';
}

static void append_short(struct ebs_buffer *out, char letter)
{
	char text[2] = { '\\', letter };

	ebs_buffer_append(out, text, sizeof(text));
}

bool ebs_is_plain(const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!ebs_is_plain_byte(data[i]))
			return false;
	return true;
}

void ebs_escape_text(struct ebs_buffer *out, const char *data, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)data;
	size_t plain = 0; // where the bytes begin that are still to be copied as they are
	size_t at = 0;

	while (at < size) {
		if (bytes[at] >= 0x20 && bytes[at] < 0x7f) {
			at++;
			continue;
		}
		struct character character = decode(bytes + at, size - at);
		if (character.valid && !controls_terminal(character.code)) {
			at += character.size;
			continue;
		}
		ebs_buffer_append(out, data + plain, at - plain);
		char letter = short_escape(character.code, "\n\r\t", "nrt");
		if (letter) {
			append_short(out, letter);
		} else if (character.valid && character.code >= 0x80) {
			append_hex(out, "\\u{", character.code, 4);
			ebs_buffer_append_char(out, '}');
		} else {
			for (size_t i = 0; i < character.size; i++)
				append_hex(out, "\\x", bytes[at + i], 2);
		}
		at += character.size;
		plain = at;
	}
	ebs_buffer_append(out, data + plain, at - plain);
}

void ebs_escape_json(struct ebs_buffer *out, const char *data, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)data;
	size_t plain = 0;
	size_t at = 0;

	while (at < size) {
		unsigned char byte = bytes[at];
		if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
			at++;
			continue;
		}
		struct character character = decode(bytes + at, size - at);
		if (byte >= 0x80 && character.valid && !controls_terminal(character.code)) {
			at += character.size;
			continue;
		}
		ebs_buffer_append(out, data + plain, at - plain);
		char letter = short_escape(character.code, "\"\\\b\f\n\r\t", "\"\\bfnrt");
		if (letter)
			append_short(out, letter);
		else if (character.valid)
			append_hex(out, "\\u", character.code, 4);
		else
			ebs_buffer_append_string(out, "\xef\xbf\xbd"); // U+FFFD
		at += character.size;
		plain = at;
	}
	ebs_buffer_append(out, data + plain, at - plain);
}
