
/*
 * Digests of the files here, which are their ETags.  Written by
 * src/console/build.mjs, not by hand.
 */


#define NGX_UPLINK_BUNDLE_INDEX_HTML  "eb909559ebda74de0ba6a0bc3538ccbc"
#define NGX_UPLINK_BUNDLE_CONSOLE_JS  "838201d5594513145156dad7780f3526"
#define NGX_UPLINK_BUNDLE_CONSOLE_CSS  "780a74f808b9fe37d3fc7f601d70e2a5"
