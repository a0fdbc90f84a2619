
/*
 * Digests of the files here, which are their ETags.  Written by
 * src/console/build.mjs, not by hand.
 */


#define NGX_UPLINK_BUNDLE_INDEX_HTML  "eb909559ebda74de0ba6a0bc3538ccbc"
#define NGX_UPLINK_BUNDLE_CONSOLE_JS  "ae5081f6a9313e878c0425ec56100a58"
#define NGX_UPLINK_BUNDLE_CONSOLE_CSS  "eb27188c4bcd436411222e5ce425bc80"
