// SPDX-License-Identifier: GPL-2.0-only
// Search trees as libelf.a of elfutils 0.192 calls them: they are in that release's libeu.a, which Debian
// doesn't package. The linker takes this file for such an archive, and leaves it out for all others.
#define _GNU_SOURCE // tdestroy()
#include <search.h>
#include <stddef.h>

// The head of that release's struct (lib/eu-search.h). A lock may follow: one thread at a time uses an Elf here.
struct search_tree {
	void *root;
};

void eu_search_tree_init(struct search_tree *tree);
void eu_search_tree_fini(struct search_tree *tree, void (*free_node)(void *));
void *eu_tsearch(const void *key, struct search_tree *tree, int (*compare)(const void *, const void *));
void *eu_tfind(const void *key, struct search_tree *tree, int (*compare)(const void *, const void *));
void *eu_tdelete(const void *key, struct search_tree *tree, int (*compare)(const void *, const void *));

void eu_search_tree_init(struct search_tree *tree)
{
	tree->root = NULL;
}

void eu_search_tree_fini(struct search_tree *tree, void (*free_node)(void *))
{
	tdestroy(tree->root, free_node);
	tree->root = NULL;
}

void *eu_tsearch(const void *key, struct search_tree *tree, int (*compare)(const void *, const void *))
{
	return tsearch(key, &tree->root, compare);
}

void *eu_tfind(const void *key, struct search_tree *tree, int (*compare)(const void *, const void *))
{
	return tfind(key, &tree->root, compare);
}

void *eu_tdelete(const void *key, struct search_tree *tree, int (*compare)(const void *, const void *))
{
	return tdelete(key, &tree->root, compare);
}
