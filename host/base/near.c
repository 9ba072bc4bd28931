// SPDX-License-Identifier: GPL-2.0-only
// Of many names the one that somebody probably meant.
#include "base/near.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = 96 }; // characters of a name that is compared

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

// How many characters have to be added, left away, replaced, or swapped with their neighbour; more
// than `most` is as good as any other number.
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length,
			 unsigned most)
{
	unsigned rows[3][LONGEST + 1]; // this one and the two before

	if (a_length > LONGEST || b_length > LONGEST || a_length > b_length + most ||
	    b_length > a_length + most)
		return most + 1;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		unsigned least = row[0] = i;

		for (size_t j = 1; j <= b_length; j++) {
			row[j] = smaller(smaller(row[j - 1], last[j]) + 1,
					 last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
			least = smaller(least, row[j]);
		}
		if (least > most)
			return least;
	}
	return rows[a_length % 3][b_length];
}

void ebs_near_begin(struct ebs_near *near, const char *name, size_t length)
{
	unsigned most = length < 6 ? 1 : length < 10 ? 2 : 3;

	*near = (struct ebs_near){ .name = name, .length = length, .most = most };
}

void ebs_near_offer(struct ebs_near *near, const char *candidate)
{
	if (*near->best && !near->apart)
		return;
	unsigned steps =
		distance(near->name, near->length, candidate, strlen(candidate), near->most);
	if (steps > near->most)
		return;
	snprintf(near->best, sizeof(near->best), "%s", candidate);
	near->apart = steps;
	near->most = steps ? steps - 1 : 0; // only a nearer one is better
}

void ebs_near_offer_lines(struct ebs_near *near, char *lines)
{
	char *line;

	while ((line = strsep(&lines, "\n")))
		ebs_near_offer(near, line);
}

const char *ebs_near_text(struct ebs_near *near)
{
	near->text[0] = '\0';
	if (*near->best)
		snprintf(near->text, sizeof(near->text), "; did you mean %s?", near->best);
	return near->text;
}
