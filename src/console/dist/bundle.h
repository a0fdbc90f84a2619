
/*
 * Digests of the files here, which are their ETags.  Written by
 * src/console/build.mjs, not by hand.
 */


#define NGX_UPLINK_BUNDLE_INDEX_HTML  "eb909559ebda74de0ba6a0bc3538ccbc"
#define NGX_UPLINK_BUNDLE_CONSOLE_JS  "9452a94d79419a5d5fab750d27c17bd0"
#define NGX_UPLINK_BUNDLE_CONSOLE_CSS  "5d83d067e7d901feae026a3024f402d9"
