
/*
 * Red-black trees in the zone.  nginx's keep a pointer to their insert
 * function; ours is put on the stack for the call.
 */


#include "fleet/zone.h"


static void ngx_uplink_name_insert_value(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_int_t ngx_uplink_name_cmp(ngx_rbtree_key_t key, u_char *data,
    size_t len, ngx_rbtree_node_t *node);


#define ngx_uplink_tree_on_stack(t, tree, func)                              \
    (t)->root = (tree)->root;                                                \
    (t)->sentinel = (tree)->sentinel;                                        \
    (t)->insert = func


void
ngx_uplink_tree_init(ngx_uplink_sh_t *sh, ngx_uplink_tree_t *tree)
{
    tree->sentinel = &sh->sentinel;
    tree->root = tree->sentinel;
}


void
ngx_uplink_tree_insert(ngx_uplink_tree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_rbtree_t  t;

    ngx_uplink_tree_on_stack(&t, tree, ngx_rbtree_insert_value);
    ngx_rbtree_insert(&t, node);
    tree->root = t.root;
}


void
ngx_uplink_tree_delete(ngx_uplink_tree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_rbtree_t  t;

    ngx_uplink_tree_on_stack(&t, tree, NULL);
    ngx_rbtree_delete(&t, node);
    tree->root = t.root;
}


ngx_rbtree_node_t *
ngx_uplink_tree_first(ngx_uplink_tree_t *tree)
{
    if (tree->root == tree->sentinel) {
        return NULL;
    }

    return ngx_rbtree_min(tree->root, tree->sentinel);
}


ngx_rbtree_node_t *
ngx_uplink_tree_next(ngx_uplink_tree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_rbtree_t  t;

    ngx_uplink_tree_on_stack(&t, tree, NULL);

    return ngx_rbtree_next(&t, node);
}


/* the first with a key not below this one */

ngx_rbtree_node_t *
ngx_uplink_tree_from(ngx_uplink_tree_t *tree, ngx_rbtree_key_t key)
{
    ngx_rbtree_node_t  *node, *best;

    best = NULL;
    node = tree->root;

    while (node != tree->sentinel) {

        if (node->key >= key) {
            best = node;
            node = node->left;

        } else {
            node = node->right;
        }
    }

    return best;
}


ngx_rbtree_node_t *
ngx_uplink_tree_above(ngx_uplink_tree_t *tree, ngx_rbtree_key_t key)
{
    if (key == (ngx_rbtree_key_t) -1) {
        return NULL;
    }

    return ngx_uplink_tree_from(tree, key + 1);
}


/* by key, then by length, then by bytes: equal hashes cost nothing */

static ngx_int_t
ngx_uplink_name_cmp(ngx_rbtree_key_t key, u_char *data, size_t len,
    ngx_rbtree_node_t *node)
{
    ngx_uplink_name_t  *name;

    if (key != node->key) {
        return (key < node->key) ? -1 : 1;
    }

    name = (ngx_uplink_name_t *) node;

    if (len != name->len) {
        return (len < name->len) ? -1 : 1;
    }

    return ngx_memcmp(data, name->data, len);
}


static void
ngx_uplink_name_insert_value(ngx_rbtree_node_t *temp, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t  **p;
    ngx_uplink_name_t   *name;

    name = (ngx_uplink_name_t *) node;

    for ( ;; ) {

        p = (ngx_uplink_name_cmp(node->key, name->data, name->len, temp) < 0)
            ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


void
ngx_uplink_name_insert(ngx_uplink_tree_t *tree, ngx_uplink_name_t *name)
{
    ngx_rbtree_t  t;

    name->node.key = ngx_crc32_short(name->data, name->len);

    ngx_uplink_tree_on_stack(&t, tree, ngx_uplink_name_insert_value);
    ngx_rbtree_insert(&t, &name->node);
    tree->root = t.root;
}


void *
ngx_uplink_name_find(ngx_uplink_tree_t *tree, u_char *data, size_t len)
{
    ngx_int_t           rc;
    ngx_rbtree_key_t    key;
    ngx_rbtree_node_t  *node;

    key = ngx_crc32_short(data, len);
    node = tree->root;

    while (node != tree->sentinel) {

        rc = ngx_uplink_name_cmp(key, data, len, node);

        if (rc == 0) {
            return node;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    return NULL;
}


void *
ngx_uplink_name_after(ngx_uplink_tree_t *tree, u_char *data, size_t len)
{
    ngx_rbtree_key_t    key;
    ngx_rbtree_node_t  *node, *best;

    if (len == 0) {
        return ngx_uplink_tree_first(tree);
    }

    key = ngx_crc32_short(data, len);
    node = tree->root;
    best = NULL;

    while (node != tree->sentinel) {

        if (ngx_uplink_name_cmp(key, data, len, node) < 0) {
            best = node;
            node = node->left;

        } else {
            node = node->right;
        }
    }

    return best;
}
