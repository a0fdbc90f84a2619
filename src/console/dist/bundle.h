
/*
 * Digests of the files here, which are their ETags.  Written by
 * src/console/build.mjs, not by hand.
 */


#define NGX_UPLINK_BUNDLE_INDEX_HTML  "eb909559ebda74de0ba6a0bc3538ccbc"
#define NGX_UPLINK_BUNDLE_CONSOLE_JS  "abf2f026d537a9992ce02d2ff03d9455"
#define NGX_UPLINK_BUNDLE_CONSOLE_CSS  "eb27188c4bcd436411222e5ce425bc80"
