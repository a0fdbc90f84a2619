
/*
 * Digests of the files here, which are their ETags.  Written by
 * src/console/build.mjs, not by hand.
 */


#define NGX_UPLINK_BUNDLE_INDEX_HTML  "098519d4cb1c0f2ddd0dd1690a9d9d69"
#define NGX_UPLINK_BUNDLE_CONSOLE_JS  "f56088575df65d0d0848ffd91799aeff"
#define NGX_UPLINK_BUNDLE_CONSOLE_CSS  "b1b4c20488b22cad8c0ad695ea69c4f8"
