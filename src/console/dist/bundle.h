
/*
 * Digests of the files here, which are their ETags.  Written by
 * src/console/build.mjs, not by hand.
 */


#define NGX_UPLINK_BUNDLE_INDEX_HTML  "eb909559ebda74de0ba6a0bc3538ccbc"
#define NGX_UPLINK_BUNDLE_CONSOLE_JS  "b2e682a0c34163be81f63b27a7d2a6bc"
#define NGX_UPLINK_BUNDLE_CONSOLE_CSS  "5d83d067e7d901feae026a3024f402d9"
